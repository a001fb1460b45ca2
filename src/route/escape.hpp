// Octets and percent-escapes as RFC 3986 sorts them.
#pragma once

#include <cstdint>
#include <string_view>

#include "shellac/core/text.hpp"

namespace shellac::route {

constexpr bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// RFC 3986 §2.3: what need not be escaped, so that its escape means the same.
constexpr bool is_unreserved(char c) {
  return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

// RFC 3986 §2.2 sub-delims.
constexpr bool is_sub_delim(char c) {
  return c != '\0' && std::string_view("!$&'()*+,;=").find(c) != std::string_view::npos;
}

// Outside visible ASCII: never in a URI, only as an escape.
constexpr bool is_invisible(char c) {
  const auto octet = static_cast<std::uint8_t>(c);
  return octet <= 0x20 || octet >= 0x7f;
}

// 0–15, or -1.
constexpr int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  const char lower = to_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

constexpr char hex_digit(int value) { return "0123456789ABCDEF"[value & 15]; }

// The octet that the escape at text[at] == '%' stands for, or -1 when it is none.
constexpr int escaped_octet(std::string_view text, std::size_t at) {
  if (text.size() - at < 3) return -1;
  const int high = hex_value(text[at + 1]);
  const int low = hex_value(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

// Writes %XX for `c`; returns the position behind it.
constexpr char* write_escape(char* out, char c) {
  *out++ = '%';
  *out++ = hex_digit(static_cast<std::uint8_t>(c) >> 4);
  *out++ = hex_digit(static_cast<std::uint8_t>(c));
  return out;
}

}  // namespace shellac::route
