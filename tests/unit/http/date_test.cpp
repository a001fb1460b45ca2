// Dates (RFC 9110 §5.6.7): three forms are read, one is written.
#include "shellac/http/date.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace shellac::http {
namespace {

using namespace std::chrono;

WallTime at(int year, unsigned month, unsigned day, int seconds_of_day = 0) {
  return sys_days(std::chrono::year(year) / month / day) + seconds(seconds_of_day);
}
const WallTime kNow = at(2026, 11, 25);

// What is understood, as IMF-fixdate; "-" for nothing.
std::string read(std::string_view text, WallTime now = kNow) {
  const auto when = parse_date(text, now);
  return when ? format_date(*when) : "-";
}

TEST(Date, ThreeFormsOfOneMoment) {
  const std::string moment = "Sun, 06 Nov 1994 08:49:37 GMT";
  EXPECT_EQ(read(moment), moment);
  EXPECT_EQ(read("Sunday, 06-Nov-94 08:49:37 GMT"), moment);
  EXPECT_EQ(read("Sun Nov  6 08:49:37 1994"), moment);
  EXPECT_EQ(parse_date(moment, kNow), at(1994, 11, 6, 8 * 3600 + 49 * 60 + 37));
  EXPECT_EQ(read("Wed Nov 16 08:49:37 1994"), "Wed, 16 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(read("Wednesday, 16-Nov-94 08:49:37 GMT"), "Wed, 16 Nov 1994 08:49:37 GMT");
}

// Every day of some years, midnight and the last second: written and read again.
TEST(Date, RoundTrip) {
  for (const int year : {1678, 1899, 1900, 1969, 1970, 1999, 2000, 2024, 2026, 2038, 2100, 2261}) {
    for (WallTime when = at(year, 1, 1); when < at(year + 1, 1, 1); when += hours(24)) {
      ASSERT_EQ(parse_date(format_date(when), kNow), when);
      ASSERT_EQ(parse_date(format_date(when + seconds(86399)), kNow), when + seconds(86399));
    }
  }
  EXPECT_EQ(format_date(at(1970, 1, 1)), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(format_date(at(2000, 2, 29, 86399)), "Tue, 29 Feb 2000 23:59:59 GMT");
  // Parts of a second are left out, also before the epoch.
  EXPECT_EQ(format_date(at(1970, 1, 1) + milliseconds(999)), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(format_date(at(1970, 1, 1) - milliseconds(1)), "Wed, 31 Dec 1969 23:59:59 GMT");
}

TEST(Date, WritesExactlyItsSize) {
  std::string out(kDateSize + 2, '#');
  write_date(kNow, out.data() + 1);
  EXPECT_EQ(out, "#Wed, 25 Nov 2026 00:00:00 GMT#");
}

TEST(Date, EveryMonthInEveryForm) {
  const std::vector<std::string> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  for (unsigned i = 0; i < months.size(); ++i) {
    const WallTime when = at(2025, i + 1, 9);
    EXPECT_EQ(parse_date("Mon, 09 " + months[i] + " 2025 00:00:00 GMT", kNow), when);
    EXPECT_EQ(parse_date("Monday, 09-" + months[i] + "-25 00:00:00 GMT", kNow), when);
    EXPECT_EQ(parse_date("Mon " + months[i] + "  9 00:00:00 2025", kNow), when);
  }
}

// The day's name must be one, but not the right one: senders get it wrong, and the date is clear without it.
TEST(Date, DayNamesAreNotCompared) {
  EXPECT_EQ(read("Mon, 06 Nov 1994 08:49:37 GMT"), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(read("Friday, 06-Nov-94 08:49:37 GMT"), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(read("Fri Nov  6 08:49:37 1994"), "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST(Date, CalendarAndClock) {
  EXPECT_EQ(read("Thu, 29 Feb 2024 00:00:00 GMT"), "Thu, 29 Feb 2024 00:00:00 GMT");
  EXPECT_EQ(read("Sat, 31 Dec 2016 23:59:60 GMT"), "Sun, 01 Jan 2017 00:00:00 GMT");  // a leap second
  for (const std::string_view bad :
       {"Thu, 29 Feb 2023 00:00:00 GMT", "Thu, 29 Feb 2100 00:00:00 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT", "Sun, 32 Dec 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:00 GMT", "Sun, 06 Nov 1994 08:49:61 GMT"})
    EXPECT_EQ(read(bad), "-") << bad;
}

TEST(Date, MalformedOnesAreNothing) {
  for (const std::string_view bad : {"",
                                     ",",
                                     " ",
                                     "0",
                                     "-1",
                                     "Sun",
                                     "Sun,",
                                     "Sun, ",
                                     "Sun, 06 Nov 1994",
                                     "Sun, 06 Nov 1994 08:49:37",
                                     "Sun, 06 Nov 1994 08:49:37 ",
                                     "Sun, 06 Nov 1994 08:49:37 UTC",
                                     "Sun, 06 Nov 1994 08:49:37 gmt",
                                     "Sun, 06 Nov 1994 08:49:37 GMT ",
                                     "Sun, 06 Nov 1994 08:49:37 GMT+1",
                                     " Sun, 06 Nov 1994 08:49:37 GMT",
                                     "sun, 06 Nov 1994 08:49:37 GMT",
                                     "Sun, 6 Nov 1994 08:49:37 GMT",
                                     "Sun,  6 Nov 1994 08:49:37 GMT",
                                     "Sun, 06 nov 1994 08:49:37 GMT",
                                     "Sun, 06 Nov 94 08:49:37 GMT",
                                     "Sun, 06 Nov 01994 08:49:37 GMT",
                                     "Sun, 06 Nov 1994 8:49:37 GMT",
                                     "Sun, 06 Nov 1994 08.49.37 GMT",
                                     "Sun, 06 Nov 1994  08:49:37 GMT",
                                     "Sun, 06-Nov-1994 08:49:37 GMT",
                                     "Sun, 06 Nov -994 08:49:37 GMT",
                                     "Sun, +6 Nov 1994 08:49:37 GMT",
                                     "Sun, 06 Nov 1994 -8:49:37 GMT",
                                     "Xyz, 06 Nov 1994 08:49:37 GMT",
                                     "Sun, 06 Xyz 1994 08:49:37 GMT",
                                     "Sunday, 06-Nov-1994 08:49:37 GMT",
                                     "Sunday, 06 Nov 94 08:49:37 GMT",
                                     "Sunday, 6-Nov-94 08:49:37 GMT",
                                     "Someday, 06-Nov-94 08:49:37 GMT",
                                     "Sun Nov 6 08:49:37 1994",
                                     "Sun Nov 06 08:49:37 94",
                                     "Sun Nov  6 08:49:37 1994 GMT",
                                     "Sun Nov   6 08:49:37 1994",
                                     "Sun Nov  6  08:49:37 1994",
                                     "1994-11-06T08:49:37Z",
                                     "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT"})
    EXPECT_EQ(read(bad), "-") << bad;
  EXPECT_EQ(read("Sun Nov 06 08:49:37 1994"), "Sun, 06 Nov 1994 08:49:37 GMT");  // what some write for "  6"
  // Cut anywhere it is nothing, and nothing is read behind its end.
  for (const std::string whole :
       {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const std::vector<char> part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_EQ(read({part.data(), part.size()}), "-") << whole << " " << size;
    }
  }
}

// RFC 9110 §5.6.7: two digits mean the year nearest to ours that is not more than 50 years ahead.
TEST(Date, YearsOfTwoDigits) {
  const auto year = [](std::string_view digits, int now) {
    const auto when = parse_date("Monday, 01-Jan-" + std::string(digits) + " 00:00:00 GMT", at(now, 6, 15));
    return when ? static_cast<int>(year_month_day(floor<days>(*when)).year()) : 0;
  };
  EXPECT_EQ(year("26", 2026), 2026);
  EXPECT_EQ(year("25", 2026), 2025);
  EXPECT_EQ(year("76", 2026), 2076);
  EXPECT_EQ(year("77", 2026), 1977);
  EXPECT_EQ(year("94", 2026), 1994);
  EXPECT_EQ(year("00", 2026), 2000);
  EXPECT_EQ(year("99", 2026), 1999);
  EXPECT_EQ(year("01", 1999), 2001);
  EXPECT_EQ(year("49", 1999), 2049);
  EXPECT_EQ(year("50", 1999), 1950);
  EXPECT_EQ(year("99", 2000), 1999);
  EXPECT_EQ(year("10", 2080), 2110);
  EXPECT_EQ(year("31", 2080), 2031);
}

// WallTime holds 1677 to 2262: what is outside becomes the nearest moment inside, never a wrapped one.
TEST(Date, BeyondWhatTheClockHolds) {
  const WallTime latest = floor<seconds>(WallTime::max()), earliest = ceil<seconds>(WallTime::min());
  EXPECT_EQ(parse_date("Fri, 31 Dec 9999 23:59:59 GMT", kNow), latest);
  EXPECT_EQ(parse_date("Fri Dec 31 23:59:59 9999", kNow), latest);
  EXPECT_EQ(parse_date("Sat, 01 Jan 0000 00:00:00 GMT", kNow), earliest);
  EXPECT_EQ(parse_date("Mon, 01 Jan 1601 00:00:00 GMT", kNow), earliest);
  EXPECT_EQ(parse_date("Mon, 01 Jan 2263 00:00:00 GMT", kNow), latest);
  EXPECT_EQ(parse_date(format_date(latest), kNow), latest);
  EXPECT_EQ(parse_date(format_date(earliest), kNow), earliest);
}

}  // namespace
}  // namespace shellac::http
