// One writer and its readers, each on a thread of its own: what ThreadSanitizer is to see.
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "body_of.hpp"

namespace shellac::cache::test {
namespace {

using http::Pull;
using Append = Content::Append;
using Mode = Content::Mode;

constexpr Error kBroken{Side::backend, Cause::reset, false, {}, "testing"};

// Sleeps until the bell has rung more often than `seen`.
void wait(Bell& bell, int& seen) {
  bell.rings.wait(seen);
  seen = bell.rings;
}

struct Plan {
  unsigned seed;
  Mode mode;
  bool knows_length;
  std::uint64_t length;
  std::uint64_t fails_at;   // beyond `length`: it does not
  std::uint64_t slides_at;  // where it becomes a window
};

// The last reader of a window may leave first; then the writer stops, which is what it should.
void write(const ContentRef& content, const Plan& plan) {
  std::mt19937_64 random(plan.seed);
  Bell bell;
  int seen = 0;
  std::uint64_t at = 0;
  while (at < plan.length) {
    if (at >= plan.fails_at) return content->fail(kBroken);
    if (at >= plan.slides_at) content->become_window();
    const std::uint64_t count = std::min<std::uint64_t>(1 + random() % 20'000, plan.length - at);
    const Append said = content->try_append(octets(at, count), bell);
    if (said == Append::wait) wait(bell, seen);
    if (said == Append::done) at += count;
    ASSERT_NE(said, Append::no_memory);
    if (said == Append::unread) return content->fail(kBroken);
  }
  content->stop_waiting(bell);
  EXPECT_TRUE(content->finish());
}

// Reads until the end, or leaves before it. True when it had everything.
bool read(Reader& reader, std::uint64_t at, std::mt19937_64& random, std::uint64_t leaves_at) {
  Bell bell;
  int seen = 0;
  while (reader.has_opened() && at < leaves_at) {
    const Pull pull = reader.try_next(1 + random() % 150'000, bell);
    for (const std::string_view part : pull.data) {
      EXPECT_EQ(part, octets(at, part.size()));
      at += part.size();
    }
    if (pull.state == Pull::State::end) return true;
    if (pull.state == Pull::State::failed) return false;
    if (pull.state == Pull::State::pending) wait(bell, seen);
  }
  reader.stop_waiting();
  return false;
}

struct Following : testing::TestWithParam<unsigned> {
  static Plan plan_of(unsigned seed) {
    std::mt19937_64 random(seed);
    const std::uint64_t length = 100'000 + random() % 1'000'000;
    const std::uint64_t never = length + 1;
    return {seed,   seed % 4 == 0 ? Mode::window : Mode::stored, seed % 2 == 0,
            length, seed % 5 == 0 ? random() % length : never,   seed % 3 == 0 ? random() % length : never};
  }
};
INSTANTIATE_TEST_SUITE_P(Seeds, Following, testing::Range(1u, 25u));

// The first reader opens before the writer begins and stays; the others come and go, early, late and for parts.
TEST_P(Following, EveryoneGetsTheirOctets) {
  const Plan plan = plan_of(GetParam());
  Pages pages(16_MiB);
  {
    const ContentRef content =
        Content::make(pages, plan.mode, plan.knows_length ? std::optional(plan.length) : std::nullopt);
    Reader stays(content, {});
    bool is_whole = false;
    std::vector<std::thread> threads;
    threads.emplace_back([&] {
      std::mt19937_64 random(plan.seed);
      is_whole = read(stays, 0, random, ~std::uint64_t{0});
    });
    threads.emplace_back([&] { write(content, plan); });
    for (unsigned other = 0; other < 2; ++other)
      threads.emplace_back([&content, &plan, other] {
        std::mt19937_64 random(plan.seed * 7 + other);
        for (int round = 0; round < 6; ++round) {
          const std::uint64_t first = random() % 3 == 0 ? random() % plan.length : 0;
          Reader reader(content, {first, first + random() % plan.length});
          read(reader, first, random, random() % (2 * plan.length));
        }
      });
    for (std::thread& thread : threads) thread.join();
    const bool fails = plan.fails_at < plan.length;
    EXPECT_EQ(content->is_complete(), !fails);
    EXPECT_EQ(is_whole, !fails) << "who was there from the start and keeps up has everything";
  }
  EXPECT_EQ(pages.used().count, 0u);
}

}  // namespace
}  // namespace shellac::cache::test
