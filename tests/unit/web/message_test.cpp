#include "shellac/web/message.hpp"

#include <gtest/gtest.h>

#include "shellac/web/json_text.hpp"

namespace shellac::web {
namespace {

std::string quoted(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

TEST(JsonText, KeepsWhatIsPlain) {
  EXPECT_EQ(quoted(""), R"("")");
  EXPECT_EQ(quoted("a b/c"), R"("a b/c")");
  EXPECT_EQ(quoted("é€😀"), "\"é€😀\"");
}

TEST(JsonText, EscapesWhatCouldBreakAStringOrALine) {
  EXPECT_EQ(quoted("a\"b\\c"), R"("a\"b\\c")");
  EXPECT_EQ(quoted("\r\n\t"), R"("\r\n\t")");
  EXPECT_EQ(quoted(std::string_view("\0\x1b\x7f", 3)), R"("\u0000\u001b\u007f")");
  EXPECT_EQ(quoted("\xC2\x85|\xC2\xA0"), "\"\\u0085|\xC2\xA0\"");
  EXPECT_EQ(quoted("\xE2\x80\xA8\xE2\x80\xA9\xE2\x80\xAA"), "\"\\u2028\\u2029\xE2\x80\xAA\"");
}

TEST(JsonText, ReplacesWhatIsNoUtf8) {
  EXPECT_EQ(quoted("a\xFFz"), R"("a\ufffdz")");
  EXPECT_EQ(quoted("\xC3"), R"("\ufffd")");
  EXPECT_EQ(quoted("\xC0\xAF"), R"("\ufffd\ufffd")");            // overlong '/'
  EXPECT_EQ(quoted("\xED\xA0\x80"), R"("\ufffd\ufffd\ufffd")");  // a surrogate
}

TEST(Message, FindsFieldsWithoutRegardToCase) {
  const Response response{200, {{"Content-Type", "a"}, {"content-type", "b"}}, ""};
  ASSERT_NE(response.find("CONTENT-TYPE"), nullptr);
  EXPECT_EQ(*response.find("CONTENT-TYPE"), "a");
  EXPECT_EQ(response.find("Allow"), nullptr);
}

TEST(Message, MakesProblems) {
  const auto problem = make_problem(404, "no \"x\"");
  EXPECT_EQ(problem.status, 404);
  EXPECT_EQ(*problem.find("Content-Type"), "application/problem+json");
  EXPECT_EQ(problem.body,
            "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,\"detail\":\"no \\\"x\\\"\"}\n");
}

TEST(Message, HasAPhraseForEveryStatus) {
  EXPECT_EQ(reason_phrase(421), "Misdirected Request");
  EXPECT_EQ(reason_phrase(413), "Content Too Large");
  EXPECT_EQ(reason_phrase(422), "Unprocessable Content");
  EXPECT_NE(reason_phrase(299), "");
}

}  // namespace
}  // namespace shellac::web
