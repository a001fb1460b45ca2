// RFC 9111 §4: which requests are looked up.
#include <gtest/gtest.h>

#include "cache/rules_fixture.hpp"

namespace shellac::cache {
namespace {

RequestJudgement asked(const PolicyOptions& options, const Lines& lines, std::string_view method = "GET") {
  const Policy policy(options);
  return judge_request(policy, request_of(lines, method), "SHELLAC");
}

TEST(JudgeRequest, Methods) {
  for (const std::string_view method : {"GET", "HEAD"}) EXPECT_EQ(asked({}, {}, method).bypass, Bypass::none);
  for (const std::string_view method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "M-SEARCH", "get"})
    EXPECT_EQ(asked({}, {}, method).bypass, Bypass::method) << method;
}

TEST(JudgeRequest, BodyAndUpgrade) {
  const Policy policy{PolicyOptions{}};
  http::RequestHead head = request_of({});
  head.framing = http::Framing::chunked;
  EXPECT_EQ(judge_request(policy, head, {}).bypass, Bypass::body);
  head.framing = http::Framing::length;
  EXPECT_EQ(judge_request(policy, head, {}).bypass, Bypass::none);
  head.upgrade = "websocket";
  EXPECT_EQ(judge_request(policy, head, {}).bypass, Bypass::upgrade);
}

TEST(JudgeRequest, Cookies) {
  PolicyOptions options;
  options.ignore_cookies = {"_ga*", "consent"};
  options.key_cookies = {"lang"};
  struct Row {
    std::string_view cookie;
    bool counts;
  };
  const std::vector<Row> rows = {
      {"a=b", true},
      {"_ga=1; _gat=2; consent", false},
      {"_ga=1;session=x", true},
      {"lang=de", false},    // a part of the key
      {"SHELLAC=x", false},  // the edge's own
      {"shellac=x", true},   // names of cookies have case
      {" ; ;", false},
      {"=x", true},
      {"consent =x", false},
      {"CONSENT=x", true},
  };
  for (const Row& row : rows)
    EXPECT_EQ(asked(options, {{"Cookie", row.cookie}}).bypass == Bypass::cookie, row.counts) << row.cookie;
  EXPECT_EQ(asked(options, {{"Cookie", "_ga=1"}, {"Cookie", "a=b"}}).bypass, Bypass::cookie);
  EXPECT_EQ(asked(strict(), {{"Cookie", "a=b"}}).bypass, Bypass::none);
  options.ignore_all_cookies = true;
  EXPECT_EQ(asked(options, {{"Cookie", "a=b"}}).bypass, Bypass::none);
}

TEST(JudgeRequest, Directives) {
  const Lines lines = {{"Cache-Control", "no-cache, only-if-cached, max-age=5"}};
  EXPECT_TRUE(asked({}, lines).only_if_cached);
  EXPECT_FALSE(asked({}, lines).directives.no_cache);
  EXPECT_FALSE(asked({}, lines).directives.max_age);
  EXPECT_TRUE(asked(strict(), lines).directives.no_cache);
  EXPECT_EQ(asked({}, {{"Cache-Control", "no-store"}}).bypass, Bypass::none);
  PolicyOptions options;
  options.honour_request_cache_control = true;
  EXPECT_EQ(asked(options, {{"Cache-Control", "no-store"}}).bypass, Bypass::no_store);
  EXPECT_TRUE(asked(options, {{"Pragma", "no-cache"}}).directives.no_cache);
}

TEST(JudgeRequest, Credentials) {
  const auto judged = asked({}, {{"Authorization", "Basic x"}});
  EXPECT_TRUE(judged.has_credentials);
  EXPECT_FALSE(judged.collapses);
  EXPECT_EQ(judged.bypass, Bypass::none);
  EXPECT_TRUE(asked({}, {}).collapses);
}

TEST(JudgeRequest, Invalidates) {
  for (const std::string_view method : {"POST", "PUT", "DELETE", "PATCH", "M-SEARCH"}) {
    EXPECT_TRUE(invalidates(request_of({}, method), 200)) << method;
    EXPECT_TRUE(invalidates(request_of({}, method), 303)) << method;
    EXPECT_FALSE(invalidates(request_of({}, method), 404)) << method;
    EXPECT_FALSE(invalidates(request_of({}, method), 500)) << method;
  }
  for (const std::string_view method : {"GET", "HEAD", "OPTIONS", "TRACE"})
    EXPECT_FALSE(invalidates(request_of({}, method), 200)) << method;
}

}  // namespace
}  // namespace shellac::cache
