// How old a response is and how long it stays fresh (RFC 9111 §4.2).
#pragma once

#include <cstdint>
#include <optional>

#include "shellac/cache/directives.hpp"
#include "shellac/cache/policy.hpp"
#include "shellac/core/units.hpp"
#include "shellac/http/fields.hpp"

namespace shellac::cache {

// RFC 9111 §5.1: of several lines or members the first one counts; what is malformed (negative, a fraction, a word) is
// ignored. Nothing when it tells nothing.
std::optional<Duration> read_age(const http::Fields& response);

// When the response's request was sent and its head had arrived, by our own clock.
struct ResponseTimes {
  WallTime requested;
  WallTime received;
};

// Dates of a response, read once. A Date that is absent or malformed becomes the time of receipt (RFC 9110 §6.6.1).
struct ResponseDates {
  WallTime date;
  std::optional<WallTime> last_modified;
  std::optional<WallTime> expires;
  bool has_date = false;
  bool has_expires = false;  // the field is there, whether it can be read or not: what cannot is in the past
};
ResponseDates read_dates(const http::Fields& response, WallTime received);

// RFC 9111 §4.2.3: the larger of what Date and Age tell, the way here included.
Duration corrected_initial_age(const http::Fields& response, const ResponseDates& dates, const ResponseTimes& times);

// Where a lifetime comes from.
enum class Lifetime : std::uint8_t { none, s_maxage, max_age, expires, heuristic, negative, by_default };
struct Freshness {
  Lifetime from = Lifetime::none;
  Duration lifetime{0};
  bool is_explicit() const {
    return from == Lifetime::s_maxage || from == Lifetime::max_age || from == Lifetime::expires;
  }
};
// RFC 9111 §4.2.1, §4.2.2; then the policy's own. strict_rfc: heuristics, and nothing of ours.
Freshness freshness_of(const Policy& policy, const ResponseDirectives& said, const ResponseDates& dates, int status);

// RFC 9110 §15.1: what may be stored without explicit freshness.
bool is_heuristically_cacheable(int status);
// A tenth of the time since Last-Modified, a week at most (§4.2.2 asks for a bound, Warning is gone).
inline constexpr Duration kHeuristicMax = std::chrono::hours(24 * 7);

}  // namespace shellac::cache
