// The two formats of the access log.
#include <charconv>
#include <chrono>

#include "shellac/edge/access_log.hpp"
#include "shellac/web/json_text.hpp"

namespace shellac::edge {
namespace {

void append_number(std::string& out, std::uint64_t number) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, end);
}

void append_padded(std::string& out, std::uint64_t number, int width) {
  char digits[20];
  for (int i = width; i-- > 0; number /= 10) digits[i] = static_cast<char>('0' + number % 10);
  out.append(digits, static_cast<std::size_t>(width));
}

// A moment taken apart, UTC.
struct Moment {
  std::chrono::year_month_day date;
  std::chrono::hh_mm_ss<std::chrono::microseconds> time;

  explicit Moment(WallTime when)
      : date(std::chrono::floor<std::chrono::days>(when)),
        time(std::chrono::floor<std::chrono::microseconds>(when - std::chrono::floor<std::chrono::days>(when))) {}
};

void append_clock(std::string& out, const Moment& moment) {
  append_padded(out, static_cast<std::uint64_t>(moment.time.hours().count()), 2);
  out += ':';
  append_padded(out, static_cast<std::uint64_t>(moment.time.minutes().count()), 2);
  out += ':';
  append_padded(out, static_cast<std::uint64_t>(moment.time.seconds().count()), 2);
}

// RFC 3339: "2026-03-09T08:07:06.000123Z".
void append_timestamp(std::string& out, WallTime when) {
  const Moment moment(when);
  append_padded(out, static_cast<std::uint64_t>(static_cast<int>(moment.date.year())), 4);
  out += '-';
  append_padded(out, static_cast<unsigned>(moment.date.month()), 2);
  out += '-';
  append_padded(out, static_cast<unsigned>(moment.date.day()), 2);
  out += 'T';
  append_clock(out, moment);
  out += '.';
  append_padded(out, static_cast<std::uint64_t>(moment.time.subseconds().count()), 6);
  out += 'Z';
}

// Appends members of one object, one after the other.
class Members {
 public:
  explicit Members(std::string& out) : out_(out) {}
  // `name` brings its quotation marks, colon and the comma before them.
  std::string& key(std::string_view name) { return out_.append(name); }
  void text(std::string_view name, std::string_view value) {
    key(name);
    if (value.empty())
      out_ += "null";
    else
      web::append_json_string(out_, value);
  }
  void number(std::string_view name, std::uint64_t value) { append_number(key(name), value); }
  void seconds(std::string_view name, Duration value) {
    key(name);
    if (value < Duration{0}) {
      out_ += "null";
      return;
    }
    const auto us = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(value).count());
    append_number(out_, us / 1'000'000);
    out_ += '.';
    append_padded(out_, us % 1'000'000, 6);
  }

 private:
  std::string& out_;
};

// As Apache's log escapes: nothing that a client sends can end a quoted string or a line.
void append_apache(std::string& out, std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  if (text.empty()) out += '-';
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (octet >= 0x20 && octet < 0x7F) {
      out += c;
    } else {
      out += "\\x";
      out += kDigits[octet >> 4];
      out += kDigits[octet & 15];
    }
  }
}

// "[09/Mar/2026:08:07:06 +0000]"
void append_apache_time(std::string& out, WallTime when) {
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const Moment moment(when);
  out += '[';
  append_padded(out, static_cast<unsigned>(moment.date.day()), 2);
  out += '/';
  out += kMonths.substr((static_cast<unsigned>(moment.date.month()) - 1) * 3, 3);
  out += '/';
  append_padded(out, static_cast<std::uint64_t>(static_cast<int>(moment.date.year())), 4);
  out += ':';
  append_clock(out, moment);
  out += " +0000]";
}

std::string client_of(const proxy::RequestRecord& record) { return record.has_client ? to_string(record.client) : ""; }

}  // namespace

void format_json(const proxy::RequestRecord& record, std::string& out) {
  Members members(out);
  members.key("{\"time\":\"");
  append_timestamp(out, record.time);
  out += '"';
  members.text(",\"id\":", record.id);
  members.text(",\"client\":", client_of(record));
  members.text(",\"listener\":", record.listener);
  members.text(",\"tls\":", record.tls);
  members.text(",\"protocol\":", record.protocol);
  members.text(",\"method\":", record.method);
  members.text(",\"scheme\":", record.scheme);
  members.text(",\"host\":", record.host);
  members.text(",\"path\":", record.path);
  members.text(",\"route\":", record.route);
  members.number(",\"status\":", static_cast<std::uint64_t>(record.status));
  members.number(",\"bytes_in\":", record.bytes_in);
  members.number(",\"bytes_out\":", record.bytes_out);
  members.text(",\"cache\":", to_string(record.cache));
  members.text(",\"cache_reason\":", record.cache_reason);
  members.text(",\"pool\":", record.pool);
  members.text(",\"backend\":", record.backend);
  members.text(",\"zone\":", record.zone);
  members.number(",\"attempts\":", static_cast<std::uint64_t>(record.attempts));
  members.text(",\"sticky\":", record.sticky);
  members.seconds(",\"t_queue\":", record.t_queue);
  members.seconds(",\"t_connect\":", record.t_connect);
  members.seconds(",\"t_first_byte\":", record.t_first_byte);
  members.seconds(",\"t_total\":", record.t_total);
  members.text(",\"ended\":", to_string(record.ended));
  members.text(",\"referer\":", record.referer);
  members.text(",\"user_agent\":", record.user_agent);
  out += '}';
}

void format_combined(const proxy::RequestRecord& record, std::string& out) {
  append_apache(out, client_of(record));
  out += " - - ";
  append_apache_time(out, record.time);
  out += " \"";
  if (!record.method.empty()) {
    append_apache(out, record.method);
    out += ' ';
    append_apache(out, record.path);
    out += ' ';
    append_apache(out, record.protocol);
  } else {
    out += '-';  // refused before there was a request line
  }
  out += "\" ";
  append_apache(out, record.status == 0 ? "" : std::to_string(record.status));
  out += ' ';
  append_apache(out, record.bytes_out == 0 ? "" : std::to_string(record.bytes_out));
  out += " \"";
  append_apache(out, record.referer);
  out += "\" \"";
  append_apache(out, record.user_agent);
  out += '"';
}

}  // namespace shellac::edge
