// Preconditions in the order of RFC 9110 §13.2.2, as tables over made-up validators.
#include "shellac/http/conditional.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "shellac/http/date.hpp"

namespace shellac::http {
namespace {

using Lines = std::vector<std::pair<std::string_view, std::string_view>>;
using enum Precondition;

constexpr std::string_view kBefore = "Sun, 06 Nov 1994 08:49:36 GMT";
constexpr std::string_view kThen = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr std::string_view kAfter = "Sun, 06 Nov 1994 08:49:38 GMT";

WallTime now() { return *parse_date("Mon, 07 Nov 1994 00:00:00 GMT", {}); }

// A representation of 08:49:37 and a bit.
Validators current(std::string_view etag = "\"v1\"") {
  return {.etag = etag, .last_modified = *parse_date(kThen, now()) + std::chrono::milliseconds(900)};
}

Precondition evaluate(const Lines& lines, Method method = Method::get, const Validators& validators = current()) {
  Fields fields;
  for (const auto& [name, value] : lines) fields.add(name, value);
  return evaluate_preconditions(fields, method, validators, now());
}

struct Row {
  Lines lines;
  Precondition verdict;
};
void check(const std::vector<Row>& rows, Method method = Method::get, const Validators& validators = current()) {
  for (const Row& row : rows)
    EXPECT_EQ(evaluate(row.lines, method, validators), row.verdict)
        << (row.lines.empty() ? "" : row.lines[0].first) << ": " << (row.lines.empty() ? "" : row.lines[0].second);
}

TEST(Conditional, NoCondition) { check({{{}, proceed}, {{{"Host", "a"}, {"ETag", "\"v1\""}}, proceed}}); }

TEST(Conditional, IfNoneMatch) {
  check({
      {{{"If-None-Match", "\"v1\""}}, not_modified},
      {{{"If-None-Match", "W/\"v1\""}}, not_modified},
      {{{"If-None-Match", "\"v2\""}}, proceed},
      {{{"If-None-Match", "\"V1\""}}, proceed},
      {{{"If-None-Match", "*"}}, not_modified},
      {{{"If-None-Match", "\"v0\", W/\"v1\" ,\"v2\""}}, not_modified},
      {{{"If-None-Match", "\"v0\",, ,\"v1\""}}, not_modified},
      {{{"If-None-Match", "\"v0\""}, {"if-none-match", "\"v1\""}}, not_modified},
      {{{"If-None-Match", "\"a,\"v1\""}}, proceed},
      {{{"If-None-Match", "v1"}}, proceed},
      {{{"If-None-Match", "w/\"v1\""}}, proceed},
      {{{"If-None-Match", "\"v0\" \"v1\""}}, proceed},
      {{{"If-None-Match", ""}}, proceed},
      {{{"If-None-Match", "*, \"v1\""}}, proceed},
      {{{"If-None-Match", "\"v1"}}, proceed},
      {{{"If-None-Match", "x, \"v1\""}}, proceed},
  });
  check({{{{"If-None-Match", "\"v1\""}}, not_modified}}, Method::head);
  for (const Method method : {Method::put, Method::post, Method::delete_, Method::other})
    check({{{{"If-None-Match", "\"v1\""}}, precondition_failed},
           {{{"If-None-Match", "*"}}, precondition_failed},
           {{{"If-None-Match", "\"v2\""}}, proceed}},
          method);
}

// A tag with a comma or a backslash in it is one tag: its quotes know no escapes.
TEST(Conditional, TagsOfAnyText) {
  check({{{{"If-None-Match", "\"a,b\""}}, not_modified}, {{{"If-None-Match", "\"x\", \"a,b\""}}, not_modified}},
        Method::get, current("\"a,b\""));
  check({{{{"If-None-Match", "\"x\", \"a\\\""}}, not_modified}}, Method::get, current("\"a\\\""));
  check({{{{"If-None-Match", "\"\""}}, not_modified}}, Method::get, current("\"\""));
  check({{{{"If-None-Match", "\"\xc3\xa9\""}}, not_modified}}, Method::get, current("\"\xc3\xa9\""));
  check({{{{"If-None-Match", "\"v1\""}}, not_modified}}, Method::get, current("W/\"v1\""));
  check({{{{"If-None-Match", "\"v1\""}}, proceed}}, Method::get, current(""));
  check({{{{"If-None-Match", "*"}}, not_modified}}, Method::get, current(""));
}

TEST(Conditional, IfMatch) {
  for (const Method method : {Method::get, Method::put}) {
    check({{{{"If-Match", "\"v1\""}}, proceed},
           {{{"If-Match", "*"}}, proceed},
           {{{"If-Match", "\"v0\", \"v1\""}}, proceed},
           {{{"If-Match", "\"v0\""}, {"If-Match", "\"v1\""}}, proceed},
           {{{"If-Match", "\"v0\""}}, precondition_failed},
           {{{"If-Match", "W/\"v1\""}}, precondition_failed},
           {{{"If-Match", "v1"}}, precondition_failed},
           {{{"If-Match", ""}}, precondition_failed}},
          method);
    check({{{{"If-Match", "W/\"v1\""}}, precondition_failed}, {{{"If-Match", "\"v1\""}}, precondition_failed}}, method,
          current("W/\"v1\""));
  }
}

TEST(Conditional, Dates) {
  check({
      {{{"If-Modified-Since", kBefore}}, proceed},
      {{{"If-Modified-Since", kThen}}, not_modified},
      {{{"If-Modified-Since", kAfter}}, not_modified},
      {{{"If-Modified-Since", "Sunday, 06-Nov-94 08:49:37 GMT"}}, not_modified},
      {{{"If-Modified-Since", "Sun Nov  6 08:49:37 1994"}}, not_modified},
      {{{"If-Modified-Since", "yesterday"}}, proceed},
      {{{"If-Modified-Since", ""}}, proceed},
      {{{"If-Modified-Since", kThen}, {"If-Modified-Since", kThen}}, proceed},
      {{{"If-Unmodified-Since", kBefore}}, precondition_failed},
      {{{"If-Unmodified-Since", kThen}}, proceed},
      {{{"If-Unmodified-Since", kAfter}}, proceed},
      {{{"If-Unmodified-Since", "yesterday"}}, proceed},
      {{{"If-Unmodified-Since", kBefore}, {"If-Unmodified-Since", kBefore}}, proceed},
  });
  check({{{{"If-Modified-Since", kAfter}}, not_modified}}, Method::head);
  // Only for GET and HEAD (RFC 9110 §13.1.3).
  check({{{{"If-Modified-Since", kAfter}}, proceed}, {{{"If-Unmodified-Since", kBefore}}, precondition_failed}},
        Method::put);
}

// RFC 9110 §13.2.2: each tag's condition silences its date's; the first pair comes before the second.
TEST(Conditional, Order) {
  check({
      {{{"If-None-Match", "\"v2\""}, {"If-Modified-Since", kAfter}}, proceed},
      {{{"If-None-Match", "\"v1\""}, {"If-Modified-Since", kBefore}}, not_modified},
      {{{"If-None-Match", "broken"}, {"If-Modified-Since", kAfter}}, proceed},
      {{{"If-Match", "\"v1\""}, {"If-Unmodified-Since", kBefore}}, proceed},
      {{{"If-Match", "\"v2\""}, {"If-Unmodified-Since", kAfter}}, precondition_failed},
      {{{"If-None-Match", "\"v1\""}, {"If-Match", "\"v2\""}}, precondition_failed},
      {{{"If-None-Match", "\"v1\""}, {"If-Match", "\"v1\""}}, not_modified},
      {{{"If-Modified-Since", kAfter}, {"If-Unmodified-Since", kBefore}}, precondition_failed},
      {{{"If-Modified-Since", kAfter}, {"If-Unmodified-Since", kAfter}}, not_modified},
  });
}

TEST(Conditional, WithoutARepresentationOrADate) {
  const Validators none{.etag = {}, .last_modified = {}, .exists = false};
  check({{{{"If-Match", "*"}}, precondition_failed},
         {{{"If-Match", "\"v1\""}}, precondition_failed},
         {{{"If-None-Match", "*"}}, proceed},
         {{{"If-None-Match", "\"v1\""}}, proceed},
         {{{"If-Modified-Since", kAfter}}, proceed},
         {{{"If-Unmodified-Since", kBefore}}, proceed}},
        Method::get, none);
  const Validators dateless{.etag = "\"v1\"", .last_modified = {}};
  check({{{{"If-Modified-Since", kAfter}}, proceed},
         {{{"If-Unmodified-Since", kBefore}}, proceed},
         {{{"If-None-Match", "\"v1\""}}, not_modified}},
        Method::get, dateless);
}

TEST(Conditional, Matches) {
  struct Match {
    std::string_view a, b;
    bool strong, weak;
  };
  // RFC 9110 §8.8.3.2's table, and what is no tag.
  for (const auto& [a, b, strong, weak] : std::vector<Match>{{"W/\"1\"", "W/\"1\"", false, true},
                                                             {"W/\"1\"", "W/\"2\"", false, false},
                                                             {"W/\"1\"", "\"1\"", false, true},
                                                             {"\"1\"", "\"1\"", true, true},
                                                             {"\"1\"", "\"2\"", false, false},
                                                             {"", "", false, false},
                                                             {"1", "1", false, false},
                                                             {"\"", "\"", false, false},
                                                             {"\"1", "\"1", false, false},
                                                             {"\"1\"x", "\"1\"x", false, false},
                                                             {"\"1\"\"", "\"1\"\"", false, false},
                                                             {"\"a b\"", "\"a b\"", false, false},
                                                             {"\"a\x7f\"", "\"a\x7f\"", false, false},
                                                             {"W/", "W/", false, false},
                                                             {"W/W/\"1\"", "W/W/\"1\"", false, false},
                                                             {"*", "*", false, false}}) {
    EXPECT_EQ(is_strong_match(a, b), strong) << a << " " << b;
    EXPECT_EQ(is_strong_match(b, a), strong) << a << " " << b;
    EXPECT_EQ(is_weak_match(a, b), weak) << a << " " << b;
    EXPECT_EQ(is_weak_match(b, a), weak) << a << " " << b;
  }
}

}  // namespace
}  // namespace shellac::http
