// Preconditions of a request (RFC 9110 §13). Pure; the clock is the caller's.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "shellac/core/units.hpp"
#include "shellac/http/fields.hpp"
#include "shellac/http/message.hpp"

namespace shellac::http {

enum class Precondition : std::uint8_t {
  proceed,
  not_modified,         // answer 304 (GET and HEAD only)
  precondition_failed,  // answer 412
};

// What is known of the selected representation. Value.
struct Validators {
  std::string_view etag;  // as in ETag: "\"v1\"" or "W/\"v1\""; empty when there is none
  std::optional<WallTime> last_modified;
  bool exists = true;  // is there a current representation at all
};

// If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since in the order of RFC 9110 §13.2.2. A field that is
// malformed or repeated where one value is allowed is ignored. The caller asks only when the answer without any
// condition would be a 2xx or 412 (§13.2.1).
Precondition evaluate_preconditions(const Fields& request, Method method, const Validators& current, WallTime now);

// RFC 9110 §8.8.3.2. Malformed tags equal nothing.
bool is_strong_match(std::string_view a, std::string_view b);
bool is_weak_match(std::string_view a, std::string_view b);

}  // namespace shellac::http
