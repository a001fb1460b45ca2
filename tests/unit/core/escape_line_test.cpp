#include "core/escape_line.hpp"

#include <gtest/gtest.h>

namespace shellac {
namespace {

using namespace std::string_view_literals;

TEST(EscapeLine, PlainTextStays) {
  EXPECT_EQ(escape_line(""), "");
  EXPECT_EQ(escape_line("GET /?a=b \"q\" ~"), "GET /?a=b \"q\" ~");
  EXPECT_EQ(escape_line("Zürich → 東京 🚗"), "Zürich → 東京 🚗");
}

TEST(EscapeLine, ControlsBecomeVisible) {
  EXPECT_EQ(escape_line("a\0b\tc\n\x1F\x7F"sv), "a\\x00b\\x09c\\x0a\\x1f\\x7f");
  EXPECT_EQ(escape_line("\xC2\x9B"
                        "31m"),
            "\\xc2\\x9b31m")
      << "C1 control sequence introducer";
  EXPECT_EQ(escape_line("\xC2\xA0"), "\xC2\xA0");
  EXPECT_EQ(escape_line("\xE2\x80\xA8"), "\\xe2\\x80\\xa8") << "line separator";
}

TEST(EscapeLine, WhatIsNotUtf8BecomesVisible) {
  EXPECT_EQ(escape_line("\x9B"
                        "31m"),
            "\\x9b31m");
  EXPECT_EQ(escape_line("a\xC3"), "a\\xc3");
  EXPECT_EQ(escape_line("\xC3\n"), "\\xc3\\x0a");
}

TEST(EscapeLine, ABackslashIsNotTakenForAnEscape) { EXPECT_EQ(escape_line("\\x0a"), "\\\\x0a"); }

}  // namespace
}  // namespace shellac
