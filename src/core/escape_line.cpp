#include "core/escape_line.hpp"

#include "shellac/core/utf8.hpp"

namespace shellac {
namespace {

// U+0080–U+009F command some terminals, U+2028 and U+2029 end a line in some viewers.
bool is_shown(std::string_view character) {
  const auto first = static_cast<unsigned char>(character.front());
  if (character.size() == 1) return first >= 0x20 && first != 0x7F;
  if (first == 0xC2) return static_cast<unsigned char>(character[1]) >= 0xA0;
  return character != "\xE2\x80\xA8" && character != "\xE2\x80\xA9";
}

}  // namespace

std::string escape_line(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string line;
  line.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = utf8_sequence(text);
    const auto character = text.substr(0, length == 0 ? 1 : length);
    if (character == "\\") {
      line += "\\\\";
    } else if (length != 0 && is_shown(character)) {
      line += character;
    } else {
      for (const char c : character) {
        const auto octet = static_cast<unsigned char>(c);
        line.append("\\x") += kDigits[octet >> 4];
        line += kDigits[octet & 15];
      }
    }
    text.remove_prefix(character.size());
  }
  return line;
}

}  // namespace shellac
