// Units that are types: sizes and durations as the configuration writes them.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace shellac {

// A count of octets. Value.
struct Bytes {
  std::uint64_t count = 0;
  friend constexpr auto operator<=>(Bytes, Bytes) = default;
};

inline namespace literals {
constexpr Bytes operator""_B(unsigned long long n) { return {n}; }
constexpr Bytes operator""_KiB(unsigned long long n) { return {n << 10}; }
constexpr Bytes operator""_MiB(unsigned long long n) { return {n << 20}; }
constexpr Bytes operator""_GiB(unsigned long long n) { return {n << 30}; }
}  // namespace literals

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;                          // monotonic: deadlines, durations
using WallTime = std::chrono::system_clock::time_point;  // dates that others see
using Duration = std::chrono::nanoseconds;

// "250ms", "10s", "5m", "1h", "7d", and the bare "0" is refused: a unit is required ("0s"). Digits and an optional
// fraction ("1.5s"). Nothing when the text is not a duration or does not fit.
std::optional<Duration> parse_duration(std::string_view text);

// "64KiB", "512MiB", "4GiB", "1TiB", "100B". Decimal units (KB, MB) are refused: they invite doubt.
std::optional<Bytes> parse_bytes(std::string_view text);

// The shortest text that parses back to the same value, in the largest unit that does not put zero before the point:
// "90s" → "90s", "60m" → "1h", 1500 ms → "1.5s", 500 ms → "500ms"; "64KiB". Durations below zero begin with '-'.
std::string to_string(Duration duration);
std::string to_string(Bytes bytes);

}  // namespace shellac
