// The key under which responses are stored.
#pragma once

#include <boost/container/static_vector.hpp>
#include <optional>
#include <string_view>

#include "shellac/cache/policy.hpp"
#include "shellac/core/arena.hpp"
#include "shellac/http/message.hpp"

namespace shellac::cache {

// What a key is made of. `path` is the route's normalised path, before rewriting.
struct KeySource {
  std::string_view scheme;     // "http" or "https"
  std::string_view authority;  // as the client sent it
  std::string_view path;
  std::string_view query;                // with its '?', or empty
  const http::Fields* fields = nullptr;  // of the request, for the policy's key.headers and key.cookies; null: none
};
// `scheme://host[:port]path[?query]`, host in lower case without its default port, then the policy's headers and
// cookies each behind a control octet that no request can contain: no two requests that differ share a key. The method
// is no part of it: HEAD is answered from what GET stored. Lives in the arena.
std::string_view make_key(const Policy& policy, const KeySource& source, Arena& arena);
// `scheme://host[:port]` of it.
std::string_view origin_of(const KeySource& source, Arena& arena);
// The part in front of the headers and cookies. Where the policy has such, purging by URL means all keys that begin so:
// the store knows them by the tag that tag_of_url() makes.
std::string_view url_of_key(std::string_view key);

// The key of an absolute URL ("https://host/path?query", fragment ignored), without headers and cookies: for purges and
// explain. Nothing when it is no http(s) URL.
std::optional<std::string_view> key_of_url(const Policy& policy, std::string_view url, Arena& arena);
// The key of a Location or Content-Location in the answer to `source`, relative or absolute. Nothing when it is
// malformed or of another origin (RFC 9111 §4.4). Resolved as RFC 3986 §5.2 says, without the route's own
// normalisation.
std::optional<std::string_view> key_of_reference(const Policy& policy, const KeySource& source,
                                                 std::string_view reference, Arena& arena);

// The keys, without headers and cookies, that a successful unsafe request makes invalid: its target, and Location and
// Content-Location of the same origin (RFC 9111 §4.4).
using InvalidKeys = boost::container::static_vector<std::string_view, 3>;
InvalidKeys keys_to_invalidate(const Policy& policy, const KeySource& source, const http::Fields& response,
                               Arena& arena);

}  // namespace shellac::cache
