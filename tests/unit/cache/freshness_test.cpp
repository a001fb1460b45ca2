// RFC 9111 §4.2: age and lifetime.
#include "shellac/cache/freshness.hpp"

#include <gtest/gtest.h>

#include "cache/rules_fixture.hpp"

namespace shellac::cache {
namespace {

Freshness fresh(const Lines& lines, const PolicyOptions& options = strict(), int status = 200) {
  const Policy policy(options);
  const http::Fields fields = fields_of(lines);
  return freshness_of(policy, read_response_directives(fields), read_dates(fields, now()), status);
}

TEST(Freshness, Age) {
  struct Row {
    std::vector<std::string_view> lines;
    std::optional<Duration> expected;
  };
  const std::vector<Row> rows = {
      {{}, std::nullopt},
      {{"30"}, seconds(30)},
      {{"0, 7200"}, seconds(0)},
      {{"7200,0"}, seconds(7200)},
      {{"7200", "0"}, seconds(7200)},
      {{"0", "7200"}, seconds(0)},
      {{"abc"}, std::nullopt},
      {{"-7200"}, std::nullopt},
      {{"7200.0"}, std::nullopt},
      {{"7200;foo=bar"}, seconds(7200)},
      {{"2147483649"}, kDeltaMax},
  };
  for (const Row& row : rows) {
    http::Fields fields;
    for (const auto line : row.lines) fields.add("Age", line);
    EXPECT_EQ(read_age(fields), row.expected) << (row.lines.empty() ? "" : row.lines[0]);
  }
}

TEST(Freshness, InitialAge) {
  const auto age = [](const Lines& lines, seconds delay = seconds(0)) {
    const http::Fields fields = fields_of(lines);
    return corrected_initial_age(fields, read_dates(fields, now()), {now() - delay, now()});
  };
  EXPECT_EQ(age({}), seconds(0));
  EXPECT_EQ(age({{"Date", kHourAgo}}), seconds(3600));
  EXPECT_EQ(age({{"Date", kHourAhead}}), seconds(0));
  EXPECT_EQ(age({{"Date", kNow}, {"Age", "30"}}, seconds(2)), seconds(32));
  EXPECT_EQ(age({{"Date", kHourAgo}, {"Age", "30"}}), seconds(3600));
  EXPECT_EQ(age({{"Date", "foo"}, {"Age", "30"}}), seconds(30));
}

// Dates at the ends of what a clock can hold.
TEST(Freshness, FarDates) {
  const Lines early = {{"Date", "Wed, 25 Nov 1013 00:00:00 GMT"}, {"Expires", "Wed, 25 Nov 9013 00:00:00 GMT"}};
  const http::Fields fields = fields_of(early);
  EXPECT_EQ(corrected_initial_age(fields, read_dates(fields, now()), {now(), now()}), kDeltaMax);
  EXPECT_EQ(fresh(early).lifetime, kDeltaMax);
  EXPECT_EQ(fresh({{"Date", kNow}, {"Last-Modified", "Wed, 25 Nov 1013 00:00:00 GMT"}}).lifetime, kHeuristicMax);
}

TEST(Freshness, Order) {
  struct Row {
    Lines lines;
    Lifetime from;
    Duration lifetime;
  };
  const std::vector<Row> rows = {
      {{{"Cache-Control", "max-age=1, s-maxage=9"}}, Lifetime::s_maxage, seconds(9)},
      {{{"Cache-Control", "max-age=7"}, {"Expires", "0"}}, Lifetime::max_age, seconds(7)},
      {{{"Expires", kHourAhead}, {"Date", kNow}}, Lifetime::expires, seconds(3600)},
      {{{"Expires", kHourAhead}}, Lifetime::expires, seconds(3600)},
      {{{"Expires", kNow}, {"Date", kNow}}, Lifetime::expires, seconds(0)},
      {{{"Expires", kNow}, {"Date", kHourAhead}}, Lifetime::expires, seconds(0)},
      {{{"Expires", kHourAhead}, {"Date", kHourAgo}}, Lifetime::expires, seconds(7200)},
      {{{"Expires", "Sunday, 06-Nov-94 09:49:37 GMT"}, {"Date", kNow}}, Lifetime::expires, seconds(3600)},
      {{{"Expires", "Sun Nov  6 09:49:37 1994"}, {"Date", kNow}}, Lifetime::expires, seconds(3600)},
      {{{"Expires", "0"}}, Lifetime::expires, seconds(0)},  // §5.3
      {{{"Expires", "Sun, 06 Nov 1994 09:49:37 UTC"}}, Lifetime::expires, seconds(0)},
      {{{"Expires", "Sun, 06 Nov 94 09:49:37 GMT"}}, Lifetime::expires, seconds(0)},
      {{{"Expires", "Sun, 06-Nov-1994 09:49:37 GMT"}}, Lifetime::expires, seconds(0)},
      {{{"Expires", kHourAhead}, {"Expires", kHourAhead}}, Lifetime::expires, seconds(0)},
      {{{"CDN-Cache-Control", "max-age=5"}, {"Expires", "0"}}, Lifetime::max_age, seconds(5)},
      {{{"CDN-Cache-Control", "public"}, {"Expires", kHourAhead}}, Lifetime::none, seconds(0)},  // RFC 9213 §2.2
      {{{"Last-Modified", kHourAgo}, {"Date", kNow}}, Lifetime::heuristic, seconds(360)},
      {{{"Last-Modified", kHourAhead}, {"Date", kNow}}, Lifetime::none, seconds(0)},
      {{{"Last-Modified", "Sun, 06 Nov 1904 08:49:37 GMT"}, {"Date", kNow}}, Lifetime::heuristic, kHeuristicMax},
      {{{"Date", kNow}}, Lifetime::none, seconds(0)},
  };
  for (const Row& row : rows) {
    const Freshness read = fresh(row.lines);
    EXPECT_EQ(read.from, row.from) << row.lines[0].second;
    EXPECT_EQ(read.lifetime, row.lifetime) << row.lines[0].second;
  }
}

TEST(Freshness, Heuristic) {
  const Lines old = {{"Last-Modified", kHourAgo}, {"Date", kNow}};
  for (const int status : {200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501})
    EXPECT_EQ(fresh(old, strict(), status).from, Lifetime::heuristic) << status;
  for (const int status : {201, 202, 302, 303, 307, 400, 403, 500, 502, 503, 504, 599})
    EXPECT_EQ(fresh(old, strict(), status).from, Lifetime::none) << status;
  Lines marked = old;
  marked.push_back({"Cache-Control", "public"});
  EXPECT_EQ(fresh(marked, strict(), 599).from, Lifetime::heuristic);  // §5.2.2.9
  EXPECT_EQ(fresh(old, {}).from, Lifetime::none);
  PolicyOptions options;
  options.heuristic = true;
  EXPECT_EQ(fresh(old, options).lifetime, seconds(360));
}

TEST(Freshness, Policy) {
  PolicyOptions options;
  options.default_ttl = seconds(50);
  EXPECT_EQ(fresh({}, options).lifetime, seconds(50));
  EXPECT_EQ(fresh({}, options, 404).lifetime, seconds(10));
  EXPECT_EQ(fresh({}, options, 410).from, Lifetime::negative);
  EXPECT_EQ(fresh({}, options, 500).from, Lifetime::none);
  EXPECT_EQ(fresh({{"Cache-Control", "max-age=1"}}, options, 404).lifetime, seconds(1));
  options.strict_rfc = true;
  EXPECT_EQ(fresh({}, options).from, Lifetime::none);
  EXPECT_EQ(fresh({}, options, 404).from, Lifetime::none);
}

}  // namespace
}  // namespace shellac::cache
