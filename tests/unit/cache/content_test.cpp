#include "shellac/cache/content.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "body_of.hpp"

namespace shellac::cache::test {
namespace {

using Append = Content::Append;
using Mode = Content::Mode;

struct Body : testing::Test {
  Pages pages{8_MiB};
  Bell bell;

  ContentRef make(std::optional<std::uint64_t> expected, Mode mode = Mode::stored) {
    return Content::make(pages, mode, expected);
  }
  Append append(const ContentRef& content, std::size_t count) {
    return content->try_append(octets(content->size(), std::min(count, Content::kAppendMax)), bell);
  }
};

TEST_F(Body, KnownLengthIsReadWhole) {
  for (const std::size_t length : {0, 1, 1000, 4000, 4096, 16385, 65000, 65536, 65537, 340'992, 1'000'000}) {
    const ContentRef content = make(length);
    for (std::size_t at = 0; at < length; at += 30'000)
      ASSERT_EQ(append(content, std::min<std::size_t>(30'000, length - at)), Append::done);
    EXPECT_TRUE(content->finish()) << length;
    EXPECT_EQ(content->expected(), length);
    EXPECT_EQ(read_all(content, {}), octets(0, length)) << length;
  }
  EXPECT_EQ(pages.used().count, 0u);
}

// The budget of an object of 1 KiB is 400 octets beyond its body and head; the content takes its part of that.
TEST_F(Body, TakesLittleBeyondItsOctets) {
  struct Row {
    std::size_t length;
    std::size_t over_max;
  };
  for (const Row row :
       {Row{0, 96}, {1, 96}, {100, 96}, {1024, 96}, {4096, 96}, {65'536, 96}, {340'992, 400}, {1'048'576, 400}}) {
    for (const bool knows : {true, false}) {
      const ContentRef content = make(knows ? std::optional<std::uint64_t>(row.length) : std::nullopt);
      for (std::size_t at = 0; at < row.length; at += 50'000)
        append(content, std::min<std::size_t>(50'000, row.length - at));
      const Bytes before = content->footprint();
      EXPECT_TRUE(content->finish());
      EXPECT_LT(content->footprint(), before) << "what growing takes goes with it";
      EXPECT_LE(content->footprint().count, Pages::rounded(row.length + 15) + row.over_max) << row.length << knows;
    }
  }
}

TEST_F(Body, AMillionthIsAsCheapAsTheFirst) {
  std::vector<ContentRef> all;
  for (;;) {
    ContentRef content = make(1024);
    if (!content || append(content, 1024) != Append::done) break;
    content->finish();
    all.push_back(std::move(content));
  }
  EXPECT_LE(pages.cap().count / all.size(), 1024u + 96 + 16);
}

TEST_F(Body, RoundingWastesAtMostAnEighthOfAnyLength) {
  for (std::size_t length = 1; length < 400'000; length += 1 + length / 90) {
    const ContentRef content = make(length);
    for (std::size_t at = 0; at < length; at += 65'536)
      ASSERT_EQ(append(content, std::min<std::size_t>(65'536, length - at)), Append::done);
    ASSERT_TRUE(content->finish());
    ASSERT_LE(content->footprint().count, length + length / 8 + 224) << length;
  }
}

TEST_F(Body, FootprintIsWhatItTakes) {
  for (const std::size_t length : {3 * 4096, 300'000}) {
    std::uint64_t before = pages.used().count;
    const ContentRef content = make(std::nullopt);
    for (std::size_t at = 0; at < length; at += 4096) append(content, std::min<std::size_t>(4096, length - at));
    content->finish();
    // Bookkeeping is in slabs of a page each, the chunk has its header.
    EXPECT_LE(pages.used().count - before, content->footprint().count + 5 * 4096);
    EXPECT_GE(pages.used().count - before, content->footprint().count);
  }
}

#ifndef __SANITIZE_THREAD__  // whose shadow of so much memory is too large
TEST_F(Body, LargerThanOneTableOfExtents) {
  Pages large(400_MiB);
  constexpr std::uint64_t kExtents = 4096 + 300;
  {
    const ContentRef content = Content::make(large, Mode::stored, std::nullopt);
    std::string piece(65'536, 'x');
    for (std::uint64_t i = 0; i < kExtents; ++i) {
      piece.replace(0, 8, std::to_string(10'000'000 + i));
      ASSERT_EQ(content->try_append(piece, bell), Append::done);
    }
    ASSERT_TRUE(content->finish());
    for (const std::uint64_t i : {0, 1, 4094, 4095, 4096, 4097, 4395}) {
      const std::uint64_t at = i * 65'536;
      EXPECT_EQ(read_all(content, {at, at + 7}), std::to_string(10'000'000 + i));
    }
    Reader reader(content, {4095ull * 65'536, 4097ull * 65'536 - 1});
    http::Pull::State state{};
    EXPECT_EQ(read_on(reader, bell, state).substr(65'536, 8), "10004096");
  }
  EXPECT_EQ(large.used().count, 0u);
}
#endif

// A window takes smaller extents when there are no large ones, and gives them back when even these do not suffice.
TEST_F(Body, WhatDoesNotFitTakesNothing) {
  for (const Mode mode : {Mode::stored, Mode::window}) {
    const ContentRef content = make(std::nullopt, mode);
    ASSERT_EQ(append(content, 10), Append::done);
    std::vector<void*> others;
    while (void* const block = pages.try_allocate(4096)) others.push_back(block);
    const auto release = [&](std::size_t count) {
      for (; count != 0; --count) {
        pages.release(others.back(), 4096);
        others.pop_back();
      }
    };
    release(3);
    const Bytes footprint = content->footprint();
    EXPECT_EQ(append(content, 60'000), Append::no_memory);
    EXPECT_EQ(content->size(), 10u);
    EXPECT_LE(content->footprint().count - footprint.count, 64u) << "its table has grown, that is all";
    EXPECT_EQ(append(content, 4000), Append::done) << "there was room left in the first extent";
    release(16);
    EXPECT_EQ(append(content, 60'000), Append::done);
    EXPECT_TRUE(content->finish());
    EXPECT_EQ(read_all(content, {}), octets(0, 64'010));
    release(others.size());
  }
}

TEST_F(Body, WithoutMemoryThereIsNone) {
  Pages tiny(Bytes{8192});
  const ContentRef content = Content::make(tiny, Mode::stored, std::nullopt);
  EXPECT_FALSE(content);
  EXPECT_EQ(tiny.used().count, 0u);
}

TEST_F(Body, MoreThanExpectedFails) {
  const ContentRef content = make(100);
  EXPECT_EQ(append(content, 60), Append::done);
  EXPECT_EQ(append(content, 60), Append::done);
  EXPECT_EQ(content->size(), 100u);
  EXPECT_FALSE(content->finish());
  EXPECT_TRUE(content->has_failed());
}

TEST_F(Body, TheLastReferenceFreesIt) {
  ContentRef one = make(10'000);
  append(one, 10'000);
  one->finish();
  ContentRef other = one;
  EXPECT_EQ(one, other);
  one = {};
  EXPECT_FALSE(one);
  EXPECT_EQ(read_all(other, {}), octets(0, 10'000));
  other = other;
  ContentRef moved = std::move(other);
  EXPECT_GT(pages.used().count, 0u);
  moved = {};
  EXPECT_EQ(pages.used().count, 0u);
}

TEST_F(Body, AFailedOneGivesEverythingBack) {
  {
    const ContentRef content = make(std::nullopt);
    append(content, 100'000);
    append(content, 100'000);
    content->fail({});
    content->fail({});
    EXPECT_FALSE(content->is_complete());
    EXPECT_FALSE(content->expected());
  }
  EXPECT_EQ(pages.used().count, 0u);
}

TEST_F(Body, UnknownLengthIsReadWhole) {
  for (const std::size_t length : {0, 1, 4097, 70'000, 1'000'000}) {
    const ContentRef content = make(std::nullopt);
    for (std::size_t at = 0; at < length; at += 3000)
      ASSERT_EQ(append(content, std::min<std::size_t>(3000, length - at)), Append::done);
    EXPECT_FALSE(content->expected());
    EXPECT_TRUE(content->finish());
    EXPECT_EQ(content->expected(), length);
    EXPECT_EQ(read_all(content, {}), octets(0, length)) << length;
  }
  EXPECT_EQ(pages.used().count, 0u);
}

}  // namespace
}  // namespace shellac::cache::test
