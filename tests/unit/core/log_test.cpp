#include "shellac/core/log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>

namespace shellac {
namespace {

using testing::internal::CaptureStderr;
using testing::internal::GetCapturedStderr;

TEST(Log, ALineIsTimeLevelText) {
  Log log(LogLevel::debug);
  CaptureStderr();
  log.debug("pool {} has {} servers", "web", 3);
  log.warn("w");
  log.error("e");
  EXPECT_THAT(GetCapturedStderr(),
              testing::MatchesRegex("[0-9-]+T[0-9:]+[.][0-9][0-9][0-9]Z debug pool web has 3 servers\n"
                                    "[0-9-]+T[0-9:]+[.][0-9][0-9][0-9]Z warn w\n"
                                    "[0-9-]+T[0-9:]+[.][0-9][0-9][0-9]Z error e\n"));
}

TEST(Log, TimesAreUtc) {
  setenv("TZ", "AHEAD-11", 1);  // POSIX: eleven hours ahead of UTC
  tzset();
  Log log;
  CaptureStderr();
  log.info("x");
  const auto text = GetCapturedStderr();
  unsetenv("TZ");
  tzset();
  std::tm read{};
  ASSERT_NE(strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &read), nullptr) << text;
  EXPECT_NEAR(static_cast<double>(timegm(&read)), static_cast<double>(std::time(nullptr)), 3600);
}

TEST(Log, BelowItsLevelNothingIsWritten) {
  Log log(LogLevel::warn);
  CaptureStderr();
  log.debug("d");
  log.info("i");
  EXPECT_EQ(GetCapturedStderr(), "");
  log.set_level(LogLevel::off);
  CaptureStderr();
  log.error("e");
  EXPECT_EQ(GetCapturedStderr(), "");
}

TEST(Log, KeepsEachLevel) {
  Log log;
  EXPECT_EQ(log.level(), LogLevel::info);
  for (const auto level :
       {LogLevel::trace, LogLevel::debug, LogLevel::info, LogLevel::warn, LogLevel::error, LogLevel::off}) {
    log.set_level(level);
    EXPECT_EQ(log.level(), level);
    EXPECT_EQ(parse_log_level(to_string(level)), level);
  }
  EXPECT_FALSE(parse_log_level("warning"));
  EXPECT_FALSE(parse_log_level(""));
}

TEST(Log, APeerCannotForgeALine) {
  Log log;
  CaptureStderr();
  log.info("host {}", "a\r\n2026-01-01T00:00:00.000Z error forged\x1B[2J%v {}");
  const auto text = GetCapturedStderr();
  EXPECT_EQ(std::ranges::count(text, '\n'), 1);
  EXPECT_THAT(text, testing::EndsWith("host a\\x0d\\x0a2026-01-01T00:00:00.000Z error forged\\x1b[2J%v {}\n"));
}

}  // namespace
}  // namespace shellac
