#include "shellac/core/units.hpp"

#include <array>
#include <charconv>

#include "shellac/core/text.hpp"

namespace shellac {
namespace {

struct DurationUnit {
  std::string_view name;
  std::int64_t nanoseconds;
};
constexpr std::array kDurationUnits{
    DurationUnit{"d", 86'400'000'000'000}, DurationUnit{"h", 3'600'000'000'000}, DurationUnit{"m", 60'000'000'000},
    DurationUnit{"s", 1'000'000'000},      DurationUnit{"ms", 1'000'000},
};

struct BytesUnit {
  std::string_view name;
  unsigned shift;
};
constexpr std::array kBytesUnits{
    BytesUnit{"TiB", 40}, BytesUnit{"GiB", 30}, BytesUnit{"MiB", 20}, BytesUnit{"KiB", 10}, BytesUnit{"B", 0},
};

// "1500", or "1.5" with the digits behind the point apart. Both parts are non-empty digits when present.
struct Number {
  std::string_view whole, fraction, unit;
};

std::optional<Number> split_number(std::string_view text) {
  const auto digits = [](std::string_view from) {
    std::size_t count = 0;
    while (count < from.size() && is_digit(from[count])) ++count;
    return count;
  };
  Number number;
  number.whole = text.substr(0, digits(text));
  if (number.whole.empty()) return std::nullopt;
  text.remove_prefix(number.whole.size());
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    number.fraction = text.substr(0, digits(text));
    if (number.fraction.empty()) return std::nullopt;
    text.remove_prefix(number.fraction.size());
  }
  number.unit = text;
  return number;
}

// The fraction's digits in nanoseconds. Nothing when a digit stands for less than one.
std::optional<std::int64_t> fraction_nanoseconds(std::string_view digits, std::int64_t unit) {
  std::int64_t sum = 0;
  std::int64_t place = unit;
  for (const char c : digits) {
    if (place % 10 != 0 && c != '0') return std::nullopt;
    place = place % 10 == 0 ? place / 10 : 1;  // past the last exact place only zeros may follow
    sum += (c - '0') * place;
  }
  return sum;
}

std::string format_in(std::int64_t nanoseconds, const DurationUnit& unit) {
  std::string text = std::to_string(nanoseconds / unit.nanoseconds);
  std::int64_t rest = nanoseconds % unit.nanoseconds;
  constexpr int kFractionMax = 12;  // 86.4·10¹² ns of a day have no more exact decimal places
  for (int digit = 0; rest != 0 && digit < kFractionMax; ++digit) {
    if (digit == 0) text += '.';
    rest *= 10;
    text += static_cast<char>('0' + rest / unit.nanoseconds);
    rest %= unit.nanoseconds;
  }
  return text.append(unit.name);
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
  const auto number = split_number(text);
  if (!number) return std::nullopt;
  for (const auto& unit : kDurationUnits) {
    if (number->unit != unit.name) continue;
    const auto whole = parse_unsigned<std::int64_t>(number->whole);
    const auto fraction = fraction_nanoseconds(number->fraction, unit.nanoseconds);
    std::int64_t sum = 0;
    if (!whole || !fraction || __builtin_mul_overflow(*whole, unit.nanoseconds, &sum) ||
        __builtin_add_overflow(sum, *fraction, &sum))
      return std::nullopt;
    return Duration(sum);
  }
  return std::nullopt;
}

std::optional<Bytes> parse_bytes(std::string_view text) {
  const auto number = split_number(text);
  if (!number || !number->fraction.empty()) return std::nullopt;
  for (const auto& unit : kBytesUnits) {
    if (number->unit != unit.name) continue;
    const auto count = parse_unsigned(number->whole);
    if (!count || (*count << unit.shift) >> unit.shift != *count) return std::nullopt;
    return Bytes{*count << unit.shift};
  }
  return std::nullopt;
}

std::string to_string(Duration duration) {
  if (duration == Duration::zero()) return "0s";
  if (duration < Duration::zero()) {
    // Durations below zero do not parse; they appear in messages only.
    return duration == Duration::min() ? "-292y" : "-" + to_string(-duration);
  }
  std::string best;
  for (const auto& unit : kDurationUnits) {
    // "500ms", not "0.5s": nobody writes the latter, and the shortest unit has no other choice.
    if (duration.count() < unit.nanoseconds && &unit != &kDurationUnits.back()) continue;
    std::string text = format_in(duration.count(), unit);
    if (parse_duration(text) != duration) continue;
    // Of equally short texts the one without a fraction: "150s", not "2.5m".
    const bool whole = duration.count() % unit.nanoseconds == 0;
    if (best.empty() || text.size() < best.size() ||
        (text.size() == best.size() && whole && best.find('.') != std::string::npos))
      best = std::move(text);
  }
  return best;
}

std::string to_string(Bytes bytes) {
  for (const auto& unit : kBytesUnits)
    if (bytes.count != 0 && (bytes.count & ((std::uint64_t{1} << unit.shift) - 1)) == 0)
      return std::to_string(bytes.count >> unit.shift).append(unit.name);
  return "0B";
}

}  // namespace shellac
