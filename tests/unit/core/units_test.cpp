#include "shellac/core/units.hpp"

#include <gtest/gtest.h>

namespace shellac {
namespace {

using namespace std::chrono_literals;

TEST(Units, DurationsParse) {
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  EXPECT_EQ(parse_duration("10s"), 10s);
  EXPECT_EQ(parse_duration("5m"), 5min);
  EXPECT_EQ(parse_duration("1h"), 1h);
  EXPECT_EQ(parse_duration("7d"), 24h * 7);
  EXPECT_EQ(parse_duration("0s"), 0s);
  EXPECT_EQ(parse_duration("1.5s"), 1500ms);
  EXPECT_EQ(parse_duration("0.25d"), 6h);
  EXPECT_EQ(parse_duration("0.000001ms"), 1ns);
  EXPECT_EQ(parse_duration("1.500000000000000000000s"), 1500ms);
}

TEST(Units, WhatIsNoDurationIsRefused) {
  for (const char* text : {"",      "0",    "10", "s",    "-1s", "+1s", " 1s",  "1s ",  "1 s", "1.s",  ".5s",
                           "1..5s", "1,5s", "1S", "1sec", "1M",  "1us", "1e3s", "0x1s", "1s1", "1h30m"})
    EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(Units, DurationsBeyondTheTypeAreRefused) {
  EXPECT_EQ(parse_duration("9223372036s"), 9223372036s);
  EXPECT_FALSE(parse_duration("9223372037s"));
  EXPECT_TRUE(parse_duration("9223372036.854775807s"));
  EXPECT_FALSE(parse_duration("9223372036.854775808s"));
  EXPECT_FALSE(parse_duration("106752d"));
  EXPECT_FALSE(parse_duration("99999999999999999999s"));
  EXPECT_FALSE(parse_duration("0.0000001ms")) << "less than a nanosecond";
}

TEST(Units, DurationsPrintShort) {
  EXPECT_EQ(to_string(Duration(0)), "0s");
  EXPECT_EQ(to_string(Duration(90s)), "90s");
  EXPECT_EQ(to_string(Duration(60min)), "1h");
  EXPECT_EQ(to_string(Duration(24h)), "1d");
  EXPECT_EQ(to_string(Duration(36h)), "36h");
  EXPECT_EQ(to_string(Duration(150s)), "150s");
  EXPECT_EQ(to_string(Duration(1500ms)), "1.5s");
  EXPECT_EQ(to_string(Duration(500ms)), "500ms");
  EXPECT_EQ(to_string(Duration(1ns)), "0.000001ms");
  EXPECT_EQ(to_string(Duration(-5s)), "-5s");
}

TEST(Units, PrintedDurationsParseBack) {
  for (const std::int64_t count : {1L, 999L, 1'000'001L, 1'234'567'890L, 86'399'999'999'999L, 86'400'000'000'432L,
                                   3'600'000'000'001L, 9'223'372'036'854'775'807L})
    EXPECT_EQ(parse_duration(to_string(Duration(count))), Duration(count)) << to_string(Duration(count));
}

TEST(Units, SizesParse) {
  EXPECT_EQ(parse_bytes("100B"), 100_B);
  EXPECT_EQ(parse_bytes("64KiB"), 64_KiB);
  EXPECT_EQ(parse_bytes("512MiB"), 512_MiB);
  EXPECT_EQ(parse_bytes("4GiB"), 4_GiB);
  EXPECT_EQ(parse_bytes("1TiB"), 1024_GiB);
  EXPECT_EQ(parse_bytes("16777215TiB"), Bytes{16777215ULL << 40});
}

TEST(Units, WhatIsNoSizeIsRefused) {
  for (const char* text : {"", "0", "64", "B", "64KB", "64MB", "64K", "64kib", "64 KiB", "-1B", "1.5KiB", "16777216TiB",
                           "18446744073709551616B"})
    EXPECT_FALSE(parse_bytes(text)) << text;
}

TEST(Units, SizesPrintInTheLargestWholeUnit) {
  EXPECT_EQ(to_string(0_B), "0B");
  EXPECT_EQ(to_string(1023_B), "1023B");
  EXPECT_EQ(to_string(1024_B), "1KiB");
  EXPECT_EQ(to_string(1536_KiB), "1536KiB");
  EXPECT_EQ(to_string(64_KiB), "64KiB");
  EXPECT_EQ(to_string(2048_GiB), "2TiB");
}

}  // namespace
}  // namespace shellac
