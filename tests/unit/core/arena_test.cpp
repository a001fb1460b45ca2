#include "shellac/core/arena.hpp"

#include <gtest/gtest.h>

#include <string>

namespace shellac {
namespace {

bool is_within(const void* memory, const Arena& arena) {
  const auto* begin = reinterpret_cast<const char*>(&arena);
  return memory >= begin && memory < begin + sizeof arena;
}

TEST(Arena, CopiesOutliveTheirSource) {
  Arena arena;
  std::string source = "value";
  const auto copy = arena.copy(source);
  source.assign("other");
  EXPECT_EQ(copy, "value");
}

TEST(Arena, JoinsParts) {
  Arena arena;
  EXPECT_EQ(arena.concat({"a", "", std::string_view(), "bc"}), "abc");
  EXPECT_EQ(arena.concat({}), "");
  EXPECT_EQ(arena.copy({}), "");
}

TEST(Arena, SmallStringsStayInside) {
  Arena arena;
  EXPECT_TRUE(is_within(arena.copy(std::string(1000, 'a')).data(), arena));
  EXPECT_FALSE(is_within(arena.copy(std::string(100, 'b')).data(), arena));
  arena.clear();
  EXPECT_TRUE(is_within(arena.copy("again").data(), arena));
}

TEST(Arena, EarlierStringsStayWhereTheyAre) {
  Arena arena;
  std::vector<std::string_view> views;
  for (std::size_t i = 0; i < 500; ++i) views.push_back(arena.copy(std::string(i, static_cast<char>('a' + i % 26))));
  for (std::size_t i = 0; i < 500; ++i) EXPECT_EQ(views[i], std::string(i, static_cast<char>('a' + i % 26)));
}

TEST(Arena, ALargePieceLeavesThePresentBlockInUse) {
  Arena arena;
  const auto* before = arena.copy("a").data();
  EXPECT_EQ(arena.copy(std::string(2'000, 'x')).size(), 2'000u);
  EXPECT_EQ(arena.copy(std::string(100'000, 'x')).size(), 100'000u);
  EXPECT_EQ(arena.copy("b").data(), before + 1);
}

}  // namespace
}  // namespace shellac
