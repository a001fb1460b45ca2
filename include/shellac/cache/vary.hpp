// Variants (RFC 9111 §4.1): which request fields choose, and what a request says in them.
#pragma once

#include <string_view>

#include "shellac/cache/policy.hpp"
#include "shellac/core/arena.hpp"
#include "shellac/http/fields.hpp"

namespace shellac::cache {

// A response's Vary. Value; in the arena.
struct Vary {
  bool any = false;        // some member is "*": matches no later request
  std::string_view names;  // lower case, sorted, each once, separated by commas; empty: it does not vary
};
Vary read_vary(const http::Fields& response, Arena& arena);

// What the request says in the fields `names` (as in Vary::names), normalised where the policy asks for it; an absent
// field differs from an empty one. Two requests that choose the same variant have the same text. Empty when `names` is.
std::string_view variant_of(const Policy& policy, std::string_view names, const http::Fields& request, Arena& arena);

// What is stored for another request, as far as variants go. Value.
struct StoredVariant {
  std::string_view names;             // Vary::names
  std::string_view variant;           // of the request for which it was stored
  std::string_view content_language;  // Content-Language of the stored answer; empty: none
};
// True when the stored answer serves the request although its variant_of() differs: the two differ in Accept-Language
// alone, and the answer is in the one language that the request wants most (RFC 9110 §12.5.4), so that the origin,
// which has that language, would choose it again. Not under a policy with a list of languages.
bool suits_language(const Policy& policy, const StoredVariant& stored, const http::Fields& request, Arena& arena);

// What Accept-Encoding comes down to: the codings that we know and the request takes ("br, gzip"), "identity" when
// none,
// "" with every coding forbidden. An absent field is "identity" as well.
std::string_view normalized_accept_encoding(const http::Fields& request, Arena& arena);
// The first of the policy's languages that the request takes; without such a list the ranges without white space, in
// lower case, sorted by weight and name.
std::string_view normalized_accept_language(const Policy& policy, const http::Fields& request, Arena& arena);

}  // namespace shellac::cache
