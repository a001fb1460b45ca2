#include "text_rules.hpp"

namespace shellac::config {

namespace {

// The length of the UTF-8 sequence at the start of `text`, or 0 when it is none: cut short, overlong, a surrogate, or
// above U+10FFFF (RFC 3629 §4).
std::size_t sequence_length(std::string_view text) {
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  unsigned char lead = byte(0);
  std::size_t length = lead < 0x80                    ? 1
                       : lead >= 0xC2 && lead <= 0xDF ? 2
                       : (lead & 0xF0) == 0xE0        ? 3
                       : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                      : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xC0) != 0x80) return 0;
  if (lead == 0xE0 && byte(1) < 0xA0) return 0;
  if (lead == 0xED && byte(1) > 0x9F) return 0;
  if (lead == 0xF0 && byte(1) < 0x90) return 0;
  if (lead == 0xF4 && byte(1) > 0x8F) return 0;
  return length;
}

}  // namespace

std::optional<BadCharacter> find_bad_character(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    auto c = static_cast<unsigned char>(text[at]);
    if (c == 0) return BadCharacter{at, "a NUL byte"};
    if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F) return BadCharacter{at, "a control character"};
    std::size_t length = sequence_length(text.substr(at));
    if (length == 0) return BadCharacter{at, "bytes that are not UTF-8"};
    // U+0080–U+009F: YAML allows only U+0085 of them, and nobody means it.
    if (c == 0xC2 && static_cast<unsigned char>(text[at + 1]) < 0xA0) return BadCharacter{at, "a control character"};
    at += length;
  }
  return std::nullopt;
}

}  // namespace shellac::config
