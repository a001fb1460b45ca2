#include "shellac/core/bug.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <string>
#include <thread>
#include <vector>

namespace shellac {
namespace {

// Counts are the process's, so each test uses places of its own.
std::map<std::string, std::uint64_t> counts() {
  std::map<std::string, std::uint64_t> counts;
  visit_bugs(
      [](void* context, std::string_view place, std::uint64_t count) {
        auto& by_place = *static_cast<std::map<std::string, std::uint64_t>*>(context);
        if (!by_place.emplace(place, count).second) ADD_FAILURE() << place << " is told twice";
      },
      &counts);
  return counts;
}

TEST(Bug, OnlyABrokenPromiseCounts) {
  testing::internal::CaptureStderr();
  EXPECT_FALSE(BUG_IF(1 > 2, "test/kept"));
  EXPECT_TRUE(BUG_IF(2 > 1, "test/broken"));
  const auto text = testing::internal::GetCapturedStderr();
  EXPECT_EQ(counts().count("test/kept"), 0u);
  EXPECT_EQ(counts().at("test/broken"), 1u);
  EXPECT_THAT(text, testing::MatchesRegex("[0-9-]+T[0-9:]+[.][0-9][0-9][0-9]Z error bug in test/broken: 2 > 1\n"));
}

TEST(Bug, EqualPlacesAreOneWhereverTheirTextLies) {
  static char first[] = "test/same", second[] = "test/same";
  testing::internal::CaptureStderr();
  note_bug(first, "x");
  note_bug(second, "x");
  testing::internal::GetCapturedStderr();
  EXPECT_EQ(counts().at("test/same"), 2u);
}

TEST(Bug, ARepeatedBugDoesNotFloodTheLog) {
  testing::internal::CaptureStderr();
  for (int i = 0; i < 1000; ++i) note_bug("test/flood", "again");
  const auto text = testing::internal::GetCapturedStderr();
  EXPECT_EQ(counts().at("test/flood"), 1000u);
  const auto lines = std::ranges::count(text, '\n');
  EXPECT_GE(lines, 1);
  EXPECT_LT(lines, 1000);
}

TEST(Bug, ThreadsCountTogether) {
  testing::internal::CaptureStderr();
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([] {
        for (int n = 0; n < 1000; ++n) note_bug("test/threads", "x");
      });
  }
  testing::internal::GetCapturedStderr();
  EXPECT_EQ(counts().at("test/threads"), 4000u);
}

// True when 200 places were counted once each, by their own names or together.
bool fill_table() {
  static std::vector<std::string> names;
  for (int i = 0; i < 200; ++i) names.push_back("test/many" + std::to_string(i));
  for (const auto& name : names) note_bug(name.c_str(), "x");
  const auto after = counts();
  std::uint64_t sum = after.at("other");
  if (sum < 200 - 128) return false;
  for (const auto& name : names)
    if (const auto found = after.find(name); found != after.end()) sum += found->second;
  return sum == 200;
}

TEST(BugDeathTest, PlacesBeyondTheTableShareOneCount) {
  // In a process of its own, as the table cannot be emptied.
  EXPECT_EXIT(std::exit(fill_table() ? 0 : 1), testing::ExitedWithCode(0), "test/many0");
}

}  // namespace
}  // namespace shellac
