// RFC 9111 §4.2, §5.2.1, RFC 5861: how a stored response is used as it grows old.
#include <gtest/gtest.h>

#include "cache/rules_fixture.hpp"

namespace shellac::cache {
namespace {

Terms minute() {
  Terms terms;
  terms.lifetime = seconds(60);
  terms.grace = seconds(10);
  terms.stale_if_error = seconds(30);
  terms.allow_max_stale = true;
  return terms;
}

Use use(const Terms& terms, int age, const RequestJudgement& request = {}, std::optional<Duration> purged = {}) {
  return judge_use({terms, seconds(age), purged}, request);
}

RequestJudgement asks(std::string_view control) {
  RequestJudgement judged;
  judged.directives = read_request_directives(fields_of({{"Cache-Control", control}}));
  return judged;
}

TEST(JudgeUse, GrowsOld) {
  EXPECT_EQ(use(minute(), 59), Use::fresh);
  EXPECT_EQ(use(minute(), 60), Use::grace);  // §4.2: fresh while the lifetime is greater than the age
  EXPECT_EQ(use(minute(), 69), Use::grace);
  EXPECT_EQ(use(minute(), 70), Use::validate);
  Terms terms = minute();
  terms.must_revalidate = true;
  EXPECT_EQ(use(terms, 59), Use::fresh);
  EXPECT_EQ(use(terms, 60), Use::validate);
  terms.always_validate = true;
  EXPECT_EQ(use(terms, 0), Use::validate);
}

TEST(JudgeUse, RequestDirectives) {
  struct Row {
    std::string_view control;
    int age;
    Use expected;
  };
  const std::vector<Row> rows = {
      {"no-cache", 0, Use::validate},
      {"max-age=5", 5, Use::fresh},
      {"max-age=5", 6, Use::validate},
      {"max-age=0", 0, Use::fresh},
      {"max-age=0", 1, Use::validate},
      {"min-fresh=10", 50, Use::fresh},
      {"min-fresh=10", 51, Use::validate},
      {"max-stale=20", 80, Use::fresh},
      {"max-stale=20", 81, Use::validate},
      {"max-stale", 9999, Use::fresh},
      {"max-stale, max-age=5", 70, Use::validate},
  };
  for (const Row& row : rows)
    EXPECT_EQ(use(minute(), row.age, asks(row.control)), row.expected) << row.control << row.age;
  Terms terms = minute();
  terms.allow_max_stale = false;
  EXPECT_EQ(use(terms, 80, asks("max-stale")), Use::validate);
}

TEST(JudgeUse, SoftPurge) {
  EXPECT_EQ(use(minute(), 5, {}, seconds(0)), Use::grace);
  EXPECT_EQ(use(minute(), 5, {}, seconds(9)), Use::grace);
  EXPECT_EQ(use(minute(), 25, {}, seconds(10)), Use::validate);
  EXPECT_EQ(use(minute(), 25, asks("max-stale"), seconds(10)), Use::validate);
  EXPECT_EQ(use(minute(), 75, {}, seconds(1)), Use::validate);
}

// §3.5: what was not marked for it answers nobody who brings credentials.
TEST(JudgeUse, Credentials) {
  RequestJudgement request;
  request.has_credentials = true;
  Terms terms = minute();
  EXPECT_EQ(use(terms, 0, request), Use::no);
  EXPECT_FALSE(may_serve_on_status({terms, seconds(61), {}}, request, 503));
  terms.for_credentials = true;
  EXPECT_EQ(use(terms, 0, request), Use::fresh);
}

TEST(JudgeUse, Reasons) {
  const Terms terms = minute();
  EXPECT_EQ(reason_to_validate({terms, seconds(90), {}}, {}), Miss::stale);
  EXPECT_EQ(reason_to_validate({terms, seconds(10), {}}, asks("no-cache")), Miss::request);
  EXPECT_EQ(time_to_live({terms, seconds(10), {}}), seconds(50));
  EXPECT_EQ(time_to_live({terms, seconds(65), {}}), seconds(-5));
  EXPECT_EQ(time_to_live({terms, seconds(10), seconds(3)}), seconds(-3));
}

TEST(JudgeUse, Status) {
  const auto may = [](const Terms& terms, int age, int status, const RequestJudgement& request = {}) {
    return may_serve_on_status({terms, seconds(age), {}}, request, status);
  };
  for (const int status : {500, 502, 503, 504}) {
    EXPECT_TRUE(may(minute(), 89, status)) << status;
    EXPECT_FALSE(may(minute(), 90, status)) << status;
  }
  for (const int status : {200, 404, 501, 505, 429}) EXPECT_FALSE(may(minute(), 61, status)) << status;
  EXPECT_FALSE(may(minute(), 61, 503, asks("no-cache")));
  EXPECT_TRUE(may(minute(), 100, 503, asks("stale-if-error=60")));
  Terms terms = minute();
  terms.must_revalidate = true;
  EXPECT_FALSE(may(terms, 61, 503));
}

TEST(JudgeUse, Errors) {
  const auto may = [](const Terms& terms, int age, Cause cause) {
    return may_serve_on_error({terms, seconds(age), {}}, {}, {.side = Side::backend, .cause = cause});
  };
  using enum Cause;
  for (const Cause cause :
       {closed, reset, timeout, connect_refused, connect_timeout, unreachable, dns, tls, no_backend})
    EXPECT_TRUE(may(minute(), 89, cause)) << to_string(cause);
  for (const Cause cause : {protocol, too_large, limit, cancelled, shutdown, internal})
    EXPECT_FALSE(may(minute(), 61, cause)) << to_string(cause);
  EXPECT_FALSE(may(minute(), 90, closed));
  Terms terms = minute();
  terms.allow_stale_on_disconnect = true;
  EXPECT_TRUE(may(terms, 9999, closed));
  EXPECT_FALSE(may(terms, 9999, tls));
  terms.must_revalidate = true;
  EXPECT_FALSE(may(terms, 61, closed));
}

TEST(Terms, Usable) {
  Terms terms = minute();
  EXPECT_EQ(terms.usable(), seconds(90));
  terms.initial_age = seconds(20);
  EXPECT_EQ(terms.usable(), seconds(70));
  EXPECT_TRUE(terms.is_worth_waiting());
  terms.grace = Duration{0};
  terms.initial_age = seconds(60);
  EXPECT_FALSE(terms.is_worth_waiting());
}

}  // namespace
}  // namespace shellac::cache
