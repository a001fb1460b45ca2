#include "shellac/core/utf8.hpp"

#include <gtest/gtest.h>

namespace shellac {
namespace {

TEST(Utf8, WellFormedSequencesHaveTheirLength) {
  EXPECT_EQ(utf8_sequence("a"), 1u);
  EXPECT_EQ(utf8_sequence(std::string_view("\0", 1)), 1u);
  EXPECT_EQ(utf8_sequence("\xC2\x80"), 2u);
  EXPECT_EQ(utf8_sequence("\xDF\xBF"), 2u);
  EXPECT_EQ(utf8_sequence("\xE0\xA0\x80"), 3u);
  EXPECT_EQ(utf8_sequence("\xED\x9F\xBF"), 3u);
  EXPECT_EQ(utf8_sequence("\xEF\xBF\xBD"), 3u);
  EXPECT_EQ(utf8_sequence("\xF0\x90\x80\x80"), 4u);
  EXPECT_EQ(utf8_sequence("\xF4\x8F\xBF\xBF"), 4u);
}

TEST(Utf8, IllFormedSequencesHaveNone) {
  for (const char* text : {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC2",
                           "\xC2"
                           "a",
                           "\xE0\x9F\xBF", "\xED\xA0\x80", "\xE1\x80",
                           "\xE1\x80"
                           "a",
                           "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xF1\x80\x80", "\xFF"})
    EXPECT_EQ(utf8_sequence(text), 0u) << testing::PrintToString(text);
}

TEST(Utf8, WhatIsIllFormedIsReplaced) {
  EXPECT_EQ(valid_utf8("caf\xC3\xA9"), "caf\xC3\xA9");
  EXPECT_EQ(valid_utf8("caf\xE9!"), "caf\xEF\xBF\xBD!");
  EXPECT_EQ(valid_utf8("\xE1\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(valid_utf8(""), "");
}

}  // namespace
}  // namespace shellac
