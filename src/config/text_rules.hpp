// Which bytes a configuration may contain.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace shellac::config {

struct BadCharacter {
  std::size_t offset;
  const char* what;  // "not UTF-8", "a NUL byte", "a control character"
};

// The first byte that is not part of valid UTF-8 (RFC 3629), or a control character other than tab, LF and CR.
// yaml-cpp would replace the former silently and takes 0x04 for the end of the file.
std::optional<BadCharacter> find_bad_character(std::string_view text);

}  // namespace shellac::config
