#include "shellac/cache/reasons.hpp"

#include <gtest/gtest.h>

#include <set>

namespace shellac::cache {
namespace {

// Labels of metrics: each value has a word of its own.
template <class Why>
void expect_own_words(Why last) {
  std::set<std::string_view> words;
  for (int i = 0; i <= static_cast<int>(last); ++i) words.insert(to_string(static_cast<Why>(i)));
  EXPECT_EQ(words.size(), static_cast<std::size_t>(last) + 1);
}

TEST(Reasons, HaveWordsOfTheirOwn) {
  expect_own_words(Bypass::range);
  expect_own_words(Miss::partial);
  expect_own_words(NotStored::broken);
}

TEST(Reasons, MissesAreThoseOfRfc9211) {
  EXPECT_EQ(to_string(Miss::uri), "uri-miss");
  EXPECT_EQ(to_string(Miss::vary), "vary-miss");
}

}  // namespace
}  // namespace shellac::cache
