// ASCII text as protocols see it: no locale, no allocation. Thread: any.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace shellac {

constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Equal without regard to ASCII case.
constexpr bool iequals(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (to_lower(a[i]) != to_lower(b[i])) return false;
  return true;
}

// Without spaces and tabs at both ends (OWS of RFC 9110 §5.6.3).
constexpr std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Digits only, the whole text, no sign; nothing when empty, not digits or above 64 bits.
template <class Int = std::uint64_t>
std::optional<Int> parse_unsigned(std::string_view text) {
  if (text.empty() || !is_digit(text.front())) return std::nullopt;
  Int value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 10);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string lowercase(std::string_view text);

// `*` stands for any run of characters, also none and also `/`; every other character for itself.
// Linear in text × stars, no recursion.
bool glob_match(std::string_view pattern, std::string_view text);

// The number of single-character edits between two words, transpositions counted as one; used to guess a misspelt key.
std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace shellac
