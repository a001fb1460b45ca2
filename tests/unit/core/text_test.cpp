#include "shellac/core/text.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace shellac {
namespace {

TEST(Text, ParsesUnsignedNumbersStrictly) {
  EXPECT_EQ(parse_unsigned("0"), 0u);
  EXPECT_EQ(parse_unsigned("18446744073709551615"), 18446744073709551615u);
  for (const char* text : {"", "-1", "+1", " 1", "1 ", "1a", "18446744073709551616"})
    EXPECT_FALSE(parse_unsigned(text)) << text;
  EXPECT_FALSE(parse_unsigned<std::uint8_t>("256"));
}

TEST(Text, CaseIsAsciiOnly) {
  EXPECT_TRUE(iequals("Content-TYPE", "content-type"));
  EXPECT_FALSE(iequals("a", "ab"));
  EXPECT_FALSE(iequals("[", "{"));
  EXPECT_EQ(lowercase("ÄBC-Z[@"), "Äbc-z[@");
}

TEST(Text, TrimsSpacesAndTabsOnly) {
  EXPECT_EQ(trim(" \ta b\t "), "a b");
  EXPECT_EQ(trim(" \t"), "");
  EXPECT_EQ(trim("\na"), "\na");
}

TEST(Text, GlobMatches) {
  EXPECT_TRUE(glob_match("", ""));
  EXPECT_FALSE(glob_match("", "a"));
  EXPECT_TRUE(glob_match("*", ""));
  EXPECT_TRUE(glob_match("*", "/a/b"));
  EXPECT_TRUE(glob_match("/i/*", "/i/"));
  EXPECT_FALSE(glob_match("/i/*", "/i"));
  EXPECT_TRUE(glob_match("*.jpg", "a.jpg.jpg"));
  EXPECT_FALSE(glob_match("*.jpg", "a.jpg.png"));
  EXPECT_TRUE(glob_match("a*b*c", "aXbYbZc"));
  EXPECT_FALSE(glob_match("a*b*c", "aXcYb"));
  EXPECT_TRUE(glob_match("a**", "a"));
  EXPECT_FALSE(glob_match("a?c", "abc")) << "only the star is special";
}

// The definition, without regard to cost.
bool glob_match_plainly(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern.front() == '*')
    return glob_match_plainly(pattern.substr(1), text) ||
           (!text.empty() && glob_match_plainly(pattern, text.substr(1)));
  return !text.empty() && pattern.front() == text.front() && glob_match_plainly(pattern.substr(1), text.substr(1));
}

TEST(Text, GlobAgreesWithItsDefinition) {
  std::minstd_rand random(1);
  const auto word = [&](std::string_view letters, std::size_t length_max) {
    std::string made(random() % (length_max + 1), ' ');
    for (char& c : made) c = letters[random() % letters.size()];
    return made;
  };
  for (int i = 0; i < 20'000; ++i) {
    const auto pattern = word("ab*", 6), text = word("ab", 8);
    ASSERT_EQ(glob_match(pattern, text), glob_match_plainly(pattern, text)) << pattern << " " << text;
  }
}

TEST(Text, EditDistanceCountsSingleEdits) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("abc", ""), 3u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(edit_distance("listen", "lisetn"), 1u);
  EXPECT_EQ(edit_distance("ca", "abc"), 3u) << "a transposed pair is not edited again";
  EXPECT_EQ(edit_distance("timeouts", "timeout"), 1u);
}

}  // namespace
}  // namespace shellac
