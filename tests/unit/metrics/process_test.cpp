#include "shellac/metrics/process.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <ctime>
#include <limits>
#include <string>

#include "metrics/process_stat.hpp"
#include "metrics/scrape.hpp"

namespace shellac::metrics {
namespace {

// Fields 3–24 of proc(5), of which the asked ones are told apart by their values.
constexpr std::string_view kFields =
    " S 1 2 3 4 -1 5 6 7 8 9 1400 1500 10 11 20 0 12 0 2200 230000 24 18446744073709551615\n";

TEST(ProcessStat, ReadsItsFields) {
  const auto stat = parse_process_stat("42 (shellac)" + std::string(kFields));
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->user_ticks, 1400u);
  EXPECT_EQ(stat->system_ticks, 1500u);
  EXPECT_EQ(stat->start_ticks, 2200u);
  EXPECT_EQ(stat->virtual_bytes, 230000u);
  EXPECT_EQ(stat->resident_pages, 24u);
}

TEST(ProcessStat, TheNameMayHoldAnything) {
  const auto stat = parse_process_stat("42 (a) S 1 (b c)" + std::string(kFields));
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->resident_pages, 24u);
}

TEST(ProcessStat, AnotherShapeIsRefused) {
  EXPECT_FALSE(parse_process_stat(""));
  EXPECT_FALSE(parse_process_stat("42 shellac S 1 2 3"));
  EXPECT_FALSE(parse_process_stat("42 (shellac) S 1 2 3\n"));
  EXPECT_FALSE(parse_process_stat("42 (s) S 1 2 3 4 -1 5 6 7 8 9 x 1500 10 11 20 0 12 0 2200 230000 24\n"));
}

// Counted another way; a test holds no descriptor as high as `end`.
int open_below(int end) {
  int count = 0;
  for (int descriptor = 0; descriptor < end; ++descriptor) count += fcntl(descriptor, F_GETFD) != -1;
  return count;
}

TEST(Process, TellsAboutItself) {
  Registry registry(0);
  collect_process(registry, "1.2.3");
  const Scrape before(registry.expose());
  const int descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC);
  ASSERT_GE(descriptor, 0);
  const Scrape after(registry.expose());
  close(descriptor);

  EXPECT_EQ(after.find(R"(shellac_build_info{version="1.2.3"})"), 1);
  EXPECT_EQ(after.find("process_open_fds"), before.find("process_open_fds").value() + 1);
  EXPECT_EQ(before.find("process_open_fds"), open_below(4096));
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const double limit_told =
      limit.rlim_cur == RLIM_INFINITY ? std::numeric_limits<double>::infinity() : static_cast<double>(limit.rlim_cur);
  EXPECT_EQ(after.find("process_max_fds"), limit_told);
  EXPECT_GE(after.find("process_cpu_seconds_total"), 0);
  EXPECT_EQ(after.type("process_cpu_seconds_total"), "counter");
  EXPECT_GT(after.find("process_resident_memory_bytes"), 100'000);
  EXPECT_GT(after.find("process_virtual_memory_bytes"), after.find("process_resident_memory_bytes"));
}

TEST(Process, StartedBeforeNowAndNotLongAgo) {
  Registry registry(0);
  collect_process(registry, "1");
  const auto start = Scrape(registry.expose()).find("process_start_time_seconds");
  ASSERT_TRUE(start);
  // The boot time is rounded to seconds, and the machine's clock may have been set since.
  EXPECT_NEAR(*start, static_cast<double>(std::time(nullptr)), 600);
}

}  // namespace
}  // namespace shellac::metrics
