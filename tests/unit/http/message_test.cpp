#include "shellac/http/message.hpp"

#include <gtest/gtest.h>

#include <string>

#include "http/fixture.hpp"
#include "http/framing.hpp"

namespace shellac::http {
namespace {

TEST(Message, Versions) {
  EXPECT_EQ(to_string(Version::http10), "HTTP/1.0");
  EXPECT_EQ(to_string(Version::http11), "HTTP/1.1");
  EXPECT_EQ(to_string(Version::http2), "HTTP/2");
}

TEST(Message, Methods) {
  struct Row {
    std::string_view text;
    Method method;
    bool safe, idempotent;
  };
  for (const Row& row : {Row{"GET", Method::get, true, true}, Row{"HEAD", Method::head, true, true},
                         Row{"POST", Method::post, false, false}, Row{"PUT", Method::put, false, true},
                         Row{"DELETE", Method::delete_, false, true}, Row{"CONNECT", Method::connect, false, false},
                         Row{"OPTIONS", Method::options, true, true}, Row{"TRACE", Method::trace, true, true},
                         Row{"PATCH", Method::patch, false, false}, Row{"PURGE", Method::purge, false, true},
                         Row{"get", Method::other, false, false}, Row{"PROPFIND", Method::other, false, false},
                         Row{"", Method::other, false, false}, Row{"GETX", Method::other, false, false}}) {
    EXPECT_EQ(parse_method(row.text), row.method) << row.text;
    EXPECT_EQ(is_safe(row.method), row.safe) << row.text;
    EXPECT_EQ(is_idempotent(row.method), row.idempotent) << row.text;
  }
}

TEST(Message, BodylessAnswers) {
  for (int status = 100; status < 600; ++status) {
    EXPECT_TRUE(is_bodyless(Method::head, status));
    EXPECT_EQ(is_bodyless(Method::get, status), status < 200 || status == 204 || status == 304) << status;
    EXPECT_EQ(is_bodyless(Method::other, status), is_bodyless(Method::get, status));
  }
}

TEST(Message, ReasonPhrases) {
  EXPECT_EQ(reason_phrase(100), "Continue");
  EXPECT_EQ(reason_phrase(200), "OK");
  EXPECT_EQ(reason_phrase(404), "Not Found");
  EXPECT_EQ(reason_phrase(431), "Request Header Fields Too Large");
  EXPECT_EQ(reason_phrase(511), "Network Authentication Required");
  for (int status = 0; status < 1000; ++status) {
    EXPECT_FALSE(reason_phrase(status).empty()) << status;
    EXPECT_TRUE(is_field_value(reason_phrase(status))) << status;
  }
  for (const int unknown : {0, 99, 104, 299, 306, 418 + 1, 509, 599, 999}) EXPECT_EQ(reason_phrase(unknown), "Unknown");
}

TEST(Message, HasABodyOnlyWhenOctetsCome) {
  RequestHead head;
  EXPECT_FALSE(head.has_body());
  head.framing = Framing::length;
  EXPECT_FALSE(head.has_body());
  head.content_length = 1;
  EXPECT_TRUE(head.has_body());
  head.framing = Framing::chunked;
  head.content_length = 0;
  EXPECT_TRUE(head.has_body());
}

TEST(Message, Tokens) {
  EXPECT_TRUE(is_token("a"));
  EXPECT_TRUE(is_token("!#$%&'*+-.^_`|~0aZ"));
  for (const std::string_view bad :
       {"", " ", "a b", "a:", "(a)", "a,b", "\"a\"", "a/b", "[a]", "{a}", "a=b", "a\\", "\x7f", "\xc3\xa9"})
    EXPECT_FALSE(is_token(bad)) << bad;
}

TEST(Message, FieldValues) {
  EXPECT_TRUE(is_field_value(""));
  EXPECT_TRUE(is_field_value("a \t b \xc3\xa9"));
  // At every place of a word of eight octets, and behind it.
  for (std::size_t size = 1; size < 20; ++size)
    for (std::size_t at = 0; at < size; ++at)
      for (const char bad : {'\0', '\r', '\n', '\x1f', '\x7f', '\x01', '\x0b'}) {
        std::string value(size, 'v');
        EXPECT_TRUE(is_field_value(value));
        value[at] = bad;
        EXPECT_FALSE(is_field_value(value)) << size << " at " << at;
      }
}

TEST(Message, ConnectionOptions) {
  const auto options = [](std::string_view value) {
    Fields fields;
    fields.add("Connection", value);
    const ConnectionOptions told = connection_options(fields);
    return std::string(told.close ? "c" : "") + (told.keep_alive ? "k" : "") + (told.upgrade ? "u" : "");
  };
  EXPECT_EQ(options(""), "");
  EXPECT_EQ(options("close"), "c");
  EXPECT_EQ(options("Close , KEEP-ALIVE,Upgrade"), "cku");
  EXPECT_EQ(options("closed, keep, upgrades"), "");
  EXPECT_EQ(options("\"close\", x=close"), "");
}

// An error of llhttp that none of our rules had found first still has a verdict.
TEST(Message, ErrorsOfTheParserAreRefusals) {
  const auto word = [](llhttp_errno error) { return to_string(refusal_of(error, Refusal::status_line)); };
  EXPECT_EQ(word(HPE_INVALID_METHOD), "method_unknown");
  EXPECT_EQ(word(HPE_PAUSED_H2_UPGRADE), "method_unknown");
  EXPECT_EQ(word(HPE_INVALID_URL), "target");
  EXPECT_EQ(word(HPE_INVALID_VERSION), "version");
  EXPECT_EQ(word(HPE_INVALID_HEADER_TOKEN), "field_line");
  EXPECT_EQ(word(HPE_CR_EXPECTED), "line_end");
  EXPECT_EQ(word(HPE_LF_EXPECTED), "line_end");
  EXPECT_EQ(word(HPE_STRICT), "line_end");
  EXPECT_EQ(word(HPE_UNEXPECTED_CONTENT_LENGTH), "length_repeated");
  EXPECT_EQ(word(HPE_INVALID_CONTENT_LENGTH), "length_malformed");
  EXPECT_EQ(word(HPE_INVALID_TRANSFER_ENCODING), "encoding_malformed");
  EXPECT_EQ(word(HPE_INTERNAL), "status_line");
}

}  // namespace
}  // namespace shellac::http
