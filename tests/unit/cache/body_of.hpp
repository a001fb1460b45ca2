// Bodies whose every octet tells its place, and how tests read them.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "shellac/cache/reader.hpp"

namespace shellac::cache::test {

struct Bell final : Waiter {
  std::atomic<int> rings{0};
  void wake() noexcept override {
    ++rings;
    rings.notify_one();
  }
};

// Octet p of every body in these tests is (p mod 251) xor (p div 251), which repeats after a length that fits no
// extent.
inline std::string octets(std::uint64_t first, std::size_t count) {
  constexpr std::size_t kPeriod = 251 * 256;
  static const std::string period = [] {
    std::string text(kPeriod, '\0');
    for (std::size_t i = 0; i < kPeriod; ++i) text[i] = static_cast<char>((i % 251) ^ (i / 251));
    return text;
  }();
  std::string text;
  text.reserve(count);
  for (std::size_t at = first % kPeriod; text.size() < count; at = 0) text.append(period, at, count - text.size());
  return text;
}

// What a reader gets until it ends, fails or would have to wait; `state` tells which.
inline std::string read_on(Reader& reader, Waiter& waiter, http::Pull::State& state, std::size_t max = 50'000) {
  std::string text;
  do {
    const http::Pull pull = reader.try_next(max, waiter);
    for (const std::string_view part : pull.data) text += part;
    state = pull.state;
  } while (state == http::Pull::State::more);
  return text;
}

// Of a complete content; what did not end well ends in "!".
inline std::string read_all(const ContentRef& content, Reader::Span span) {
  Reader reader(content, span);
  Bell bell;
  http::Pull::State state{};
  std::string text = read_on(reader, bell, state);
  return state == http::Pull::State::end ? text : text + "!";
}

}  // namespace shellac::cache::test
