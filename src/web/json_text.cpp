#include "shellac/web/json_text.hpp"

#include "shellac/core/utf8.hpp"

namespace shellac::web {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

constexpr bool is_plain(char c) {
  const auto octet = static_cast<unsigned char>(c);
  return octet >= 0x20 && octet < 0x7F && c != '"' && c != '\\';
}

void append_escape(std::string& out, unsigned code) {
  out += "\\u";
  for (const unsigned shift : {12u, 8u, 4u, 0u}) out += kDigits[(code >> shift) & 15];
}

void append_ascii(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      append_escape(out, static_cast<unsigned char>(c));
  }
}

// U+0080–U+009F command some terminals, U+2028 and U+2029 end a line in some viewers.
void append_character(std::string& out, std::string_view sequence) {
  const auto octet = [&](std::size_t i) { return static_cast<unsigned char>(sequence[i]); };
  if (sequence.size() == 2 && octet(0) == 0xC2 && octet(1) < 0xA0)
    append_escape(out, octet(1));
  else if (sequence == "\xE2\x80\xA8" || sequence == "\xE2\x80\xA9")
    append_escape(out, 0x2000u + (octet(2) & 0x3Fu));
  else
    out += sequence;
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    std::size_t plain = 0;
    while (plain < text.size() && is_plain(text[plain])) ++plain;
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;

    const std::size_t length = utf8_sequence(text);
    if (length == 0)
      out += "\\ufffd";
    else if (length == 1)
      append_ascii(out, text.front());
    else
      append_character(out, text.substr(0, length));
    text.remove_prefix(length == 0 ? 1 : length);
  }
  out += '"';
}

}  // namespace shellac::web
