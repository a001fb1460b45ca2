#include "shellac/core/utf8.hpp"

namespace shellac {

std::size_t utf8_sequence(std::string_view text) {
  const auto octet = [&](std::size_t index) { return static_cast<unsigned char>(text[index]); };
  const auto within = [&](std::size_t index, unsigned low, unsigned high) {
    return index < text.size() && octet(index) >= low && octet(index) <= high;
  };
  const unsigned lead = octet(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return within(1, 0x80, 0xBF) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const unsigned low = lead == 0xE0 ? 0xA0 : 0x80;   // below are overlong forms
    const unsigned high = lead == 0xED ? 0x9F : 0xBF;  // above are surrogates
    return within(1, low, high) && within(2, 0x80, 0xBF) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const unsigned low = lead == 0xF0 ? 0x90 : 0x80;
    const unsigned high = lead == 0xF4 ? 0x8F : 0xBF;  // U+10FFFF is the last
    return within(1, low, high) && within(2, 0x80, 0xBF) && within(3, 0x80, 0xBF) ? 4 : 0;
  }
  return 0;
}

std::string valid_utf8(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = utf8_sequence(text);
    if (length == 0)
      valid += "\xEF\xBF\xBD";
    else
      valid.append(text.substr(0, length));
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return valid;
}

}  // namespace shellac
