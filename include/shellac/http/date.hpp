// Dates of HTTP (RFC 9110 §5.6.7). Pure; the clock is the caller's.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "shellac/core/units.hpp"

namespace shellac::http {

inline constexpr std::size_t kDateSize = 29;
// IMF-fixdate: "Sun, 06 Nov 1994 08:49:37 GMT", exactly 29 octets, into `out`.
void write_date(WallTime when, char* out);
std::string format_date(WallTime when);
// All three forms (IMF-fixdate, RFC 850 with the 50-year rule relative to `now`, asctime). Nothing when malformed.
// A date outside of WallTime (1677 to 2262) becomes the nearest one inside; the day's name is not compared.
std::optional<WallTime> parse_date(std::string_view text, WallTime now);

}  // namespace shellac::http
