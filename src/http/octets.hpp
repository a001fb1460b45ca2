// Classes of octets that the grammars of HTTP/1 are made of. Thread: any.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace shellac::http::octets {

enum Class : std::uint8_t {
  kToken = 1,    // tchar (RFC 9110 §5.6.2)
  kTarget = 2,   // visible ASCII but '#': what a request target may hold, as our peers read it
  kText = 4,     // HTAB, SP, visible ASCII, obs-text: a field value or a reason phrase (RFC 9110 §5.5)
  kControl = 8,  // 0–31 and 127
  kHex = 16,
  kHost = 32,  // of a reg-name: unreserved and sub-delims but ','
};

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> table{};
  const auto mark = [&table](std::string_view list, Class value) {
    for (const char c : list) table[static_cast<unsigned char>(c)] |= value;
  };
  for (unsigned c = 0; c < 256; ++c) {
    const bool control = c < 32 || c == 127;
    if (control) table[c] |= kControl;
    if (!control || c == '\t') table[c] |= kText;
    if (c > 32 && c < 127 && c != '#') table[c] |= kTarget;
  }
  constexpr std::string_view kAlphanumeric = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  mark(kAlphanumeric, kToken);
  mark("!#$%&'*+-.^_`|~", kToken);
  mark("0123456789abcdefABCDEF", kHex);
  mark(kAlphanumeric, kHost);
  mark("-._~!$&'()*+;=", kHost);
  return table;
}
inline constexpr std::array<std::uint8_t, 256> kClasses = make_classes();

constexpr bool is(char c, Class value) { return (kClasses[static_cast<unsigned char>(c)] & value) != 0; }

// True when there is at least one octet and all are of that class.
constexpr bool all(std::string_view text, Class value) {
  for (const char c : text)
    if (!is(c, value)) return false;
  return !text.empty();
}

// The first octet in [at, end) that is not of the class, or `end`.
inline const char* skip(const char* at, const char* end, Class value) {
  while (at != end && is(*at, value)) ++at;
  return at;
}

// The same for kText, eight octets at a time: field values are most of a head.
inline const char* skip_text(const char* at, const char* end) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kHigh = 0x8080808080808080;
  while (end - at >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    const std::uint64_t below_space = (word - kOnes * 0x20) & ~word & kHigh;
    const std::uint64_t del = word ^ (kOnes * 0x7f);
    const std::uint64_t is_del = (del - kOnes) & ~del & kHigh;
    if ((below_space | is_del) != 0) break;
    at += 8;
  }
  return skip(at, end, kText);
}

}  // namespace shellac::http::octets
