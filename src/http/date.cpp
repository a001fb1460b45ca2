#include "shellac/http/date.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "shellac/core/text.hpp"

namespace shellac::http {
namespace {

constexpr std::array<std::string_view, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 7> kLongDays{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                    "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void put_two(char* out, unsigned value) {
  out[0] = static_cast<char>('0' + value / 10 % 10);
  out[1] = static_cast<char>('0' + value % 10);
}

// Reads a date from left to right; any mismatch makes it fail for good.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}
  bool failed() const { return failed_; }
  bool done() const { return !failed_ && rest_.empty(); }
  void expect(std::string_view text) {
    if (!rest_.starts_with(text))
      failed_ = true;
    else
      rest_.remove_prefix(text.size());
  }
  template <std::size_t N>
  unsigned name(const std::array<std::string_view, N>& names) {
    for (unsigned i = 0; i < N; ++i) {
      if (!rest_.starts_with(names[i])) continue;
      rest_.remove_prefix(names[i].size());
      return i;
    }
    failed_ = true;
    return 0;
  }
  unsigned digits(std::size_t count) {
    const auto value = rest_.size() >= count ? parse_unsigned<unsigned>(rest_.substr(0, count)) : std::nullopt;
    if (!value) {
      failed_ = true;
      return 0;
    }
    rest_.remove_prefix(count);
    return *value;
  }
  bool try_skip(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

struct Civil {
  unsigned year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
};

void read_clock(Reader& reader, Civil& date) {
  date.hour = reader.digits(2);
  reader.expect(":");
  date.minute = reader.digits(2);
  reader.expect(":");
  date.second = reader.digits(2);
}

std::optional<WallTime> to_time(const Civil& date) {
  using namespace std::chrono;
  const year_month_day day{year(static_cast<int>(date.year)), month(date.month + 1), std::chrono::day(date.day)};
  if (!day.ok() || date.hour > 23 || date.minute > 59 || date.second > 60) return std::nullopt;
  const auto when = sys_days(day) + hours(date.hour) + minutes(date.minute) + seconds(date.second);
  // WallTime counts nanoseconds in 64 bits: 1677 to 2262. "Expires: 9999" is common and means: as late as there is.
  constexpr auto kFirst = ceil<seconds>(WallTime::min()), kLast = floor<seconds>(WallTime::max());
  return std::clamp<sys_seconds>(when, kFirst, kLast);
}

}  // namespace

void write_date(WallTime when, char* out) {
  using namespace std::chrono;
  // The first day that WallTime reaches into began before its first moment: days are counted in seconds, which hold it.
  const auto second = floor<seconds>(when);
  const auto days_since = floor<days>(second);
  const year_month_day date{days_since};
  const hh_mm_ss clock{second - days_since};
  std::memcpy(out, "Sun, 00 Jan 0000 00:00:00 GMT", kDateSize);
  std::memcpy(out, kDays[weekday(days_since).c_encoding()].data(), 3);
  put_two(out + 5, static_cast<unsigned>(date.day()));
  std::memcpy(out + 8, kMonths[static_cast<unsigned>(date.month()) - 1].data(), 3);
  const auto year_number = static_cast<unsigned>(static_cast<int>(date.year()));
  put_two(out + 12, year_number / 100);
  put_two(out + 14, year_number % 100);
  put_two(out + 17, static_cast<unsigned>(clock.hours().count()));
  put_two(out + 20, static_cast<unsigned>(clock.minutes().count()));
  put_two(out + 23, static_cast<unsigned>(clock.seconds().count()));
}

std::string format_date(WallTime when) {
  std::string text(kDateSize, ' ');
  write_date(when, text.data());
  return text;
}

std::optional<WallTime> parse_date(std::string_view text, WallTime now) {
  Civil date;
  const std::size_t comma = text.find(',');
  Reader reader(text);
  if (comma == 3) {  // IMF-fixdate
    reader.name(kDays);
    reader.expect(", ");
    date.day = reader.digits(2);
    reader.expect(" ");
    date.month = reader.name(kMonths);
    reader.expect(" ");
    date.year = reader.digits(4);
    reader.expect(" ");
    read_clock(reader, date);
    reader.expect(" GMT");
  } else if (comma != text.npos) {  // RFC 850
    reader.name(kLongDays);
    reader.expect(", ");
    date.day = reader.digits(2);
    reader.expect("-");
    date.month = reader.name(kMonths);
    reader.expect("-");
    date.year = reader.digits(2);
    reader.expect(" ");
    read_clock(reader, date);
    reader.expect(" GMT");
    // RFC 9110 §5.6.7: more than 50 years ahead means the past. The year is the one nearest to ours with these digits.
    const std::chrono::year_month_day today{std::chrono::floor<std::chrono::days>(now)};
    const auto this_year = static_cast<unsigned>(static_cast<int>(today.year()));
    date.year += this_year / 100 * 100;
    if (date.year > this_year + 50) date.year -= 100;
    if (date.year + 50 <= this_year) date.year += 100;
  } else {  // asctime
    reader.name(kDays);
    reader.expect(" ");
    date.month = reader.name(kMonths);
    reader.expect(" ");
    date.day = reader.try_skip(' ') ? reader.digits(1) : reader.digits(2);
    reader.expect(" ");
    read_clock(reader, date);
    reader.expect(" ");
    date.year = reader.digits(4);
  }
  if (!reader.done()) return std::nullopt;
  return to_time(date);
}

}  // namespace shellac::http
