// Input as field lines: "Name: value", one a line, white space around the value taken off. For the fuzz targets of
// fields.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "shellac/core/text.hpp"

namespace shellac::fuzz {

template <class Each>
void for_each_line(const std::uint8_t* data, std::size_t size, Each each) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const std::size_t colon = std::min(line.find(':'), line.size());
    each(line.substr(0, colon), trim(line.substr(std::min(colon + 1, line.size()))));
  }
}

}  // namespace shellac::fuzz
