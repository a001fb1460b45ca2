#include "shellac/core/log.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

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

// Standard error becomes a pipe that is read only when told to.
class StderrPipe {
 public:
  StderrPipe() : former_(::dup(STDERR_FILENO)) {
    EXPECT_EQ(::pipe2(ends_, O_CLOEXEC), 0);
    EXPECT_GT(::fcntl(ends_[1], F_SETPIPE_SZ, 4096), 0);
    ::dup2(ends_[1], STDERR_FILENO);
    ::fcntl(ends_[0], F_SETFL, O_NONBLOCK);
  }
  ~StderrPipe() {
    ::dup2(former_, STDERR_FILENO);
    for (const int fd : {ends_[0], ends_[1], former_}) ::close(fd);
  }
  StderrPipe(const StderrPipe&) = delete;
  StderrPipe& operator=(const StderrPipe&) = delete;

  std::string read() const {
    std::string text;
    char part[4096];
    for (ssize_t size; (size = ::read(ends_[0], part, sizeof part)) > 0;)
      text.append(part, static_cast<std::size_t>(size));
    return text;
  }

 private:
  int former_;
  int ends_[2]{};
};

// That this ends is half of the test: a write that waits for the reader would wait for ever.
TEST(Log, DropsWhatNobodyReads) {
  Log log;
  std::string text;
  {
    const StderrPipe pipe;
    for (int i = 0; i < 1000; ++i) log.info("line {}", i);
    text = pipe.read();
    log.info("read again");
    text += pipe.read();
  }
  EXPECT_THAT(text, testing::HasSubstr(" info line 0\n"));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr(" info line 999\n")));
  EXPECT_THAT(text, testing::EndsWith(" info read again\n"));
  EXPECT_EQ(static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n')) + log.dropped(), 1001u);
}

}  // namespace
}  // namespace shellac
