// RFC 9111 §3: which answers are stored, and on which terms.
#include <gtest/gtest.h>

#include <algorithm>

#include "cache/rules_fixture.hpp"

namespace shellac::cache {
namespace {

constexpr std::pair<std::string_view, std::string_view> kFresh = {"Cache-Control", "max-age=60"};

TEST(JudgeResponse, Storable) {
  struct Row {
    Lines lines;
    NotStored ours, by_rfc;
  };
  using enum NotStored;
  const std::vector<Row> rows = {
      {{kFresh}, none, none},
      {{{"Cache-Control", "max-age=60, no-store"}}, no_store, no_store},           // §5.2.2.5
      {{{"Cache-Control", "max-age=60, no-store, must-understand"}}, none, none},  // §5.2.2.3
      {{{"Cache-Control", "private, max-age=60"}}, private_, private_},            // §5.2.2.7
      {{{"Cache-Control", "private=\"X\", max-age=60"}}, none, none},
      {{kFresh, {"Set-Cookie", "a=b"}}, set_cookie, none},  // §7.3
      {{{"Cache-Control", "max-age=60, no-cache=\"Set-Cookie\""}, {"Set-Cookie", "a=b"}}, none, none},
      {{kFresh, {"Vary", "*"}}, vary_any, vary_any},  // §4.1
      {{kFresh, {"Vary", "Foo, *"}}, vary_any, vary_any},
      {{kFresh, {"Vary", ""}, {"Vary", "*"}}, vary_any, vary_any},
      {{}, no_freshness, no_freshness},
      {{{"ETag", "\"a\""}}, none, none},
      {{{"Cache-Control", "max-age=0"}}, uncacheable, uncacheable},
      {{{"Cache-Control", "max-age=0"}, {"ETag", "\"a\""}}, none, none},
      {{{"Cache-Control", "max-age=0, stale-while-revalidate=5"}}, none, none},
      {{{"Cache-Control", "no-cache"}}, no_freshness, no_freshness},
      {{{"Cache-Control", "no-cache, max-age=60"}}, uncacheable, uncacheable},
      {{{"Cache-Control", "no-cache"}, {"ETag", "\"a\""}}, none, none},
      {{kFresh, {"Age", "70"}}, uncacheable, uncacheable},
      {{{"CDN-Cache-Control", "max-age=60"}, {"Cache-Control", "no-store"}}, none, none},
      {{{"CDN-Cache-Control", "no-store"}, kFresh}, no_store, no_store},
      {{{"CDN-Cache-Control", "private"}, kFresh}, private_, private_},
      {{{"CDN-Cache-Control", "max-age=\"60\""}, {"Cache-Control", "no-store"}}, no_freshness, no_freshness},
      {{{"Surrogate-Control", "no-store"}, kFresh}, no_store, no_store},
  };
  for (const Row& row : rows) {
    const auto name = row.lines.empty() ? std::string() : std::string(row.lines[0].second);
    EXPECT_EQ(judge({}, row.lines).why, row.ours) << name;
    EXPECT_EQ(judge(strict(), row.lines).why, row.by_rfc) << name;
  }
}

TEST(JudgeResponse, Statuses) {
  for (const int status : {200, 203, 204, 299, 301, 302, 303, 307, 308, 400, 404, 410, 499, 500, 502, 503, 504, 599})
    EXPECT_EQ(judge({}, {kFresh}, status).why, NotStored::none) << status;
  for (const int status : {100, 103, 304, 206}) EXPECT_EQ(judge({}, {kFresh}, status).why, NotStored::status) << status;
  for (const int status : {201, 302, 403, 500, 599}) EXPECT_EQ(judge({}, {}, status).why, NotStored::status) << status;
  const Lines must = {{"Cache-Control", "max-age=60, must-understand"}};
  EXPECT_EQ(judge({}, must, 599).why, NotStored::status);
  EXPECT_EQ(judge({}, must, 404).why, NotStored::none);
  EXPECT_EQ(judge({}, {}, 404).why, NotStored::none);  // negative_ttl
}

TEST(JudgeResponse, Methods) {
  EXPECT_EQ(judge(strict(), {kFresh}, 200, {}, "HEAD").why, NotStored::method);
  EXPECT_EQ(judge(strict(), {kFresh}, 200, {}, "POST").why, NotStored::method);
  const Lines located = {kFresh, {"Content-Location", "/p"}};
  EXPECT_EQ(judge(strict(), located, 200, {}, "POST").why, NotStored::none);  // RFC 9110 §9.3.3
  EXPECT_EQ(judge(strict(), {kFresh, {"Content-Location", "http://A.example:80/p"}}, 200, {}, "POST").why,
            NotStored::none);
  EXPECT_EQ(judge({}, located, 200, {}, "POST").why, NotStored::method);
  EXPECT_EQ(judge(strict(), located, 200, {}, "PUT").why, NotStored::method);
  EXPECT_EQ(judge(strict(), {kFresh, {"Content-Location", "/q"}}, 200, {}, "POST").why, NotStored::method);
  EXPECT_EQ(judge(strict(), {{"Last-Modified", kHourAgo}, {"Content-Location", "/p"}}, 200, {}, "POST").why,
            NotStored::method);
}

// RFC 9111 §3.5.
TEST(JudgeResponse, Credentials) {
  const Lines with = {{"Authorization", "Basic x"}};
  for (const std::string_view value : {"max-age=60", "max-age=60, proxy-revalidate", "max-age=60, immutable"}) {
    const Storing storing = judge(strict(), {{"Cache-Control", value}}, 200, with);
    EXPECT_EQ(storing.why, NotStored::authorization) << value;
    EXPECT_EQ(storing.remember, Duration{0});
    EXPECT_FALSE(judge({}, {{"Cache-Control", value}}).terms.for_credentials) << value;
  }
  for (const std::string_view value : {"max-age=60, public", "s-maxage=60", "max-age=60, must-revalidate"}) {
    const Storing storing = judge(strict(), {{"Cache-Control", value}}, 200, with);
    EXPECT_EQ(storing.why, NotStored::none) << value;
    EXPECT_TRUE(storing.terms.for_credentials) << value;
  }
}

TEST(JudgeResponse, RequestNoStore) {
  EXPECT_EQ(judge(strict(), {kFresh}, 200, {{"Cache-Control", "no-store"}}).why, NotStored::request_no_store);
  EXPECT_EQ(judge({}, {kFresh}, 200, {{"Cache-Control", "no-store"}}).why, NotStored::none);
}

TEST(JudgeResponse, Stripping) {
  PolicyOptions options;
  options.strip_set_cookie = true;
  const Lines cookie = {kFresh, {"Set-Cookie", "a=b"}};
  EXPECT_EQ(judge(options, cookie).why, NotStored::none);
  EXPECT_TRUE(judge(options, cookie).strip_set_cookie);
  EXPECT_FALSE(judge(options, {{"Cache-Control", "no-store"}, {"Set-Cookie", "a=b"}}).strip_set_cookie);
  options.strict_rfc = true;
  EXPECT_FALSE(judge(options, cookie).strip_set_cookie);
}

TEST(JudgeResponse, Parts) {
  const auto part = [](std::string_view range, std::uint64_t length) {
    const Policy policy{PolicyOptions{}};
    http::ResponseHead head = response_of({kFresh, {"Content-Range", range}}, 206);
    head.framing = http::Framing::length;
    head.content_length = length;
    const http::RequestHead request = request_of({{"Range", "bytes=0-4"}});
    return judge_response(policy, request, judge_request(policy, request, {}), head, {now(), now()});
  };
  EXPECT_EQ(part("bytes 0-4/10", 5).why, NotStored::none);
  EXPECT_EQ(part("bytes 0-4/10", 5).range->range, (http::ByteRange{0, 4}));
  EXPECT_EQ(part("bytes 4-9/10", 5).why, NotStored::status);  // says six octets, sends five
  EXPECT_EQ(part("bytes 0-4/*", 5).why, NotStored::status);
  EXPECT_EQ(part("junk", 5).why, NotStored::status);
}

TEST(JudgeResponse, Terms) {
  struct Row {
    std::string_view control;
    int grace, stale_if_error;
    bool must_revalidate;
  };
  PolicyOptions options;
  options.stale_if_error = seconds(20);
  const std::vector<Row> rows = {
      {"max-age=60", 10, 20, false},
      {"max-age=60, stale-while-revalidate=5, stale-if-error=6", 5, 6, false},  // RFC 5861
      {"max-age=60, stale-while-revalidate=0", 0, 20, false},
      {"max-age=60, must-revalidate", 0, 0, true},
      {"max-age=60, must-revalidate, stale-while-revalidate=5, stale-if-error=6", 0, 0, true},
      {"max-age=60, proxy-revalidate", 0, 0, true},
      {"max-age=60, no-cache", 0, 0, true},
      {"s-maxage=60", 0, 0, false},  // §5.2.2.10
      {"s-maxage=60, stale-while-revalidate=5, stale-if-error=6", 5, 6, false},
      {"max-age=0", 0, 20, false},
  };
  for (const Row& row : rows) {
    const Terms terms = judge(options, {{"Cache-Control", row.control}, {"ETag", "\"a\""}}).terms;
    EXPECT_EQ(terms.grace, seconds(row.grace)) << row.control;
    EXPECT_EQ(terms.stale_if_error, seconds(row.stale_if_error)) << row.control;
    EXPECT_EQ(terms.must_revalidate, row.must_revalidate) << row.control;
    EXPECT_FALSE(terms.allow_stale_on_disconnect);
  }
  options.grace_over_s_maxage = true;
  EXPECT_EQ(judge(options, {{"Cache-Control", "s-maxage=60"}}).terms.grace, seconds(10));
}

TEST(JudgeResponse, StrictTerms) {
  const auto terms = [](std::string_view control) { return judge(strict(), {{"Cache-Control", control}}).terms; };
  EXPECT_EQ(terms("max-age=60").grace, Duration{0});
  EXPECT_TRUE(terms("max-age=60").allow_stale_on_disconnect);  // §4.2.4
  EXPECT_TRUE(terms("max-age=60").allow_max_stale);
  EXPECT_EQ(terms("max-age=60").keep, std::chrono::hours(1));
  for (const std::string_view control :
       {"max-age=60, must-revalidate", "max-age=60, proxy-revalidate", "s-maxage=60"}) {
    EXPECT_FALSE(terms(control).allow_stale_on_disconnect) << control;
    EXPECT_FALSE(terms(control).allow_max_stale) << control;
  }
}

TEST(JudgeResponse, KeepNeedsAValidator) {
  EXPECT_EQ(judge({}, {kFresh}).terms.keep, Duration{0});
  EXPECT_EQ(judge({}, {kFresh, {"ETag", "\"a\""}}).terms.keep, std::chrono::hours(1));
  PolicyOptions options;
  options.keep = Duration{0};
  EXPECT_EQ(judge(options, {{"ETag", "\"a\""}}).why, NotStored::no_freshness);
}

TEST(JudgeResponse, Remember) {
  EXPECT_EQ(judge({}, {{"Cache-Control", "private"}}).remember, kRememberMax);
  EXPECT_EQ(judge({}, {}, 500).remember, seconds(1));
  EXPECT_EQ(judge({}, {kFresh}).remember, Duration{0});
  EXPECT_EQ(judge({}, {kFresh}, 200, {}, "HEAD").remember, Duration{0});
}

TEST(JudgeResponse, Unstored) {
  const Lines lines = {{"Cache-Control", "max-age=60, no-cache=\"a, b\", private=\"c\""}};
  const Policy policy{PolicyOptions{}};
  const http::ResponseHead head = response_of(lines);
  const Storing storing = judge_response(policy, request_of({}), {}, head, {now(), now()});
  EXPECT_EQ(std::vector<std::string_view>(storing.unstored.begin(), storing.unstored.end()),
            (std::vector<std::string_view>{"a", "b", "c"}));
}

}  // namespace
}  // namespace shellac::cache
