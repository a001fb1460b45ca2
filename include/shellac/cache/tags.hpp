// Tags by which stored responses are purged.
#pragma once

#include <boost/container/static_vector.hpp>
#include <string_view>

#include "shellac/cache/key.hpp"
#include "shellac/core/arena.hpp"
#include "shellac/http/fields.hpp"

namespace shellac::cache {

inline constexpr std::size_t kTagsMax = 64;      // of one response; more are ignored
inline constexpr std::size_t kTagSizeMax = 256;  // octets; a longer one is ignored
using Tags = boost::container::static_vector<std::string_view, kTagsMax>;

// Surrogate-Key and xkey (separated by spaces or commas) as they stand; Cache-Groups (RFC 9875 §2: a list of strings)
// as tags of the origin. In the arena or the response; each once.
Tags read_tags(const KeySource& source, const http::Fields& response, Arena& arena);
// Cache-Group-Invalidation in the answer to an unsafe request (RFC 9875 §3): tags of the origin to purge.
Tags groups_to_invalidate(const KeySource& source, const http::Fields& response, Arena& arena);
// The tag under which the store knows all keys of a URL, where the policy has key.headers or key.cookies.
std::string_view tag_of_url(std::string_view url_key, Arena& arena);

}  // namespace shellac::cache
