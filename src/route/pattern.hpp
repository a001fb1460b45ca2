// Path patterns as they are compared: in the same form as the path.
#pragma once

#include <string>
#include <string_view>

#include "shellac/route/options.hpp"

namespace shellac::route {

// The pattern with its escapes as `mode` writes them, so that "/caf%c3%a9/*" and "/café/*" match what normalize()
// gives. Broken escapes stay: in full and safe such a pattern matches no path.
std::string normalize_pattern(std::string_view pattern, NormalizePath mode);

// Octets in front of the first `*`; all of them when there is none.
inline std::size_t literal_prefix_of(std::string_view pattern) {
  const auto star = pattern.find('*');
  return star == std::string_view::npos ? pattern.size() : star;
}

}  // namespace shellac::route
