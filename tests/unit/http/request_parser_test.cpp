// What an accepted request is understood as, and what is still known of a refused one.
#include "http/fixture.hpp"

namespace shellac::http {
namespace {

RequestHead parsed(std::string_view octets, std::string_view verdict = "ok") {
  RequestHead head;
  EXPECT_EQ(judge(octets, head), verdict) << escaped(octets);
  expect_same_at_every_split({}, octets);
  return head;
}

// `octets` outlive the head.
#define HEAD(name, ...)                          \
  const std::string name##_octets = __VA_ARGS__; \
  const RequestHead name = parsed(name##_octets)

std::string get(std::string_view lines) {
  return "GET / HTTP/1.1\r\nHost: a.example\r\n" + std::string(lines) + "\r\n";
}

TEST(RequestParser, TellsTheLineAndTheFieldsAsTheyCame) {
  HEAD(head, "\r\nPROPFIND /a%2fb//c?d=e?f HTTP/1.1\r\nhOST: A.example:8080\r\nX:\r\nx: \t1, 2 \t\r\nY:3\r\n\r\n");
  EXPECT_EQ(head.method, "PROPFIND");
  EXPECT_EQ(head.known, Method::other);
  EXPECT_EQ(head.version, Version::http11);
  EXPECT_EQ(head.form, RequestHead::Form::origin);
  EXPECT_EQ(head.authority, "A.example:8080");
  EXPECT_EQ(head.path, "/a%2fb//c");
  EXPECT_EQ(head.query, "?d=e?f");
  EXPECT_EQ(describe(head.fields), " [hOST|A.example:8080] [X|] [x|1, 2] [Y|3]");
  EXPECT_EQ(head.fields.begin()->id, FieldId::host);
  EXPECT_TRUE(head.scheme.empty());  // the connection's business
  EXPECT_FALSE(head.has_body());
}

TEST(RequestParser, ViewsPointIntoTheHead) {
  HEAD(head, get("X: value\r\n"));
  const char* const begin = head_octets.data();
  for (const Field& field : head.fields) {
    EXPECT_TRUE(field.name.data() >= begin && field.name.data() < begin + head_octets.size());
    EXPECT_TRUE(field.value.data() >= begin && field.value.data() < begin + head_octets.size());
  }
}

struct TargetRow {
  std::string_view method, target;
  RequestHead::Form form;
  std::string_view path, query, authority;
};

TEST(RequestParser, FormsOfTargets) {
  using enum RequestHead::Form;
  const std::vector<TargetRow> rows = {
      {"GET", "/", origin, "/", "", "a.example"},
      {"GET", "/?", origin, "/", "?", "a.example"},
      {"GET", "//a/../b", origin, "//a/../b", "", "a.example"},
      {"GET", "/http://b.example/", origin, "/http://b.example/", "", "a.example"},
      {"GET", "http://a.example", absolute, "/", "", "a.example"},
      {"GET", "http://a.example/", absolute, "/", "", "a.example"},
      {"GET", "https://a.example/x?y", absolute, "/x", "?y", "a.example"},
      {"GET", "HtTp://A.EXAMPLE/X", absolute, "/X", "", "a.example"},
      {"GET", "http://a.example?y/z", absolute, "/", "?y/z", "a.example"},
      {"OPTIONS", "*", asterisk, "*", "", "a.example"},
      {"OPTIONS", "http://a.example", asterisk, "*", "", "a.example"},
      {"OPTIONS", "http://a.example/", absolute, "/", "", "a.example"},
      {"OPTIONS", "http://a.example?", absolute, "/", "?", "a.example"},
      {"OPTIONS", "/x", origin, "/x", "", "a.example"},
  };
  for (const TargetRow& row : rows) {
    HEAD(head, std::string(row.method) + " " + std::string(row.target) + " HTTP/1.1\r\nHost: a.example\r\n\r\n");
    EXPECT_EQ(head.form, row.form) << row.target;
    EXPECT_EQ(head.path, row.path) << row.target;
    EXPECT_EQ(head.query, row.query) << row.target;
    EXPECT_EQ(head.authority, row.authority) << row.target;
  }
}

TEST(RequestParser, AuthorityWithoutHost) {
  HEAD(none, "GET / HTTP/1.0\r\n\r\n");
  EXPECT_EQ(none.authority, "");
  HEAD(absolute, "GET http://b.example:81/x HTTP/1.0\r\n\r\n");
  EXPECT_EQ(absolute.authority, "b.example:81");
}

TEST(RequestParser, Bodies) {
  HEAD(none, get(""));
  EXPECT_EQ(none.framing, Framing::none);
  HEAD(empty, get("Content-Length: 0\r\n"));
  EXPECT_EQ(empty.framing, Framing::length);
  EXPECT_FALSE(empty.has_body());
  HEAD(counted, get("Content-Length: 9223372036854775807\r\n"));
  EXPECT_EQ(counted.framing, Framing::length);
  EXPECT_EQ(counted.content_length, 9223372036854775807u);
  EXPECT_TRUE(counted.has_body());
  HEAD(chunked, get("Transfer-Encoding: Chunked\r\n"));
  EXPECT_EQ(chunked.framing, Framing::chunked);
  EXPECT_EQ(chunked.content_length, 0u);
  EXPECT_TRUE(chunked.has_body());
  HEAD(old, "POST / HTTP/1.0\r\nContent-Length: 7\r\n\r\n");
  EXPECT_EQ(old.framing, Framing::length);
  EXPECT_EQ(old.content_length, 7u);
}

TEST(RequestParser, Persistence) {
  const std::vector<std::pair<std::string_view, bool>> new_rows = {
      {"", true},
      {"Connection: close\r\n", false},
      {"Connection: CLOSE\r\n", false},
      {"Connection: x, close\r\n", false},
      {"Connection: x\r\nConnection: close\r\n", false},
      {"Connection: keep-alive, close\r\n", false},
      {"Connection: close, keep-alive\r\n", false},
      {"Connection: closed\r\n", true},
      {"Connection: \"close\"\r\n", true},
      {"Connection: keep-alive\r\n", true},
      {"Connection: ,, close\r\n", false},
      {"X-Connection: close\r\n", true},
  };
  for (const auto& [lines, keeps] : new_rows) {
    HEAD(head, get(lines));
    EXPECT_EQ(head.keep_alive, keeps) << lines;
  }
  const std::vector<std::pair<std::string_view, bool>> old_rows = {
      {"", false},
      {"Connection: keep-alive\r\n", true},
      {"Connection: Keep-Alive\r\n", true},
      {"Connection: x, keep-alive\r\n", true},
      {"Connection: keep-alive, close\r\n", false},
      {"Keep-Alive: timeout=5\r\n", false},
  };
  for (const auto& [lines, keeps] : old_rows) {
    HEAD(head, "GET / HTTP/1.0\r\n" + std::string(lines) + "\r\n");
    EXPECT_EQ(head.keep_alive, keeps) << lines;
  }
}

TEST(RequestParser, Expectation) {
  HEAD(asked, get("Expect: 100-CONTINUE\r\nContent-Length: 5\r\n"));
  EXPECT_TRUE(asked.expect_continue);
  HEAD(not_asked, get("Content-Length: 5\r\n"));
  EXPECT_FALSE(not_asked.expect_continue);
  // RFC 9110 §10.1.1: in HTTP/1.0 it is ignored.
  HEAD(old, "POST / HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_FALSE(old.expect_continue);
}

TEST(RequestParser, Upgrade) {
  const std::vector<std::pair<std::string_view, std::string_view>> rows = {
      {"Connection: Upgrade\r\nUpgrade: websocket\r\n", "websocket"},
      {"Upgrade: websocket\r\nConnection: keep-alive, upgrade\r\n", "websocket"},
      {"Connection: upgrade\r\nUpgrade: a/1, b\r\n", "a/1, b"},
      {"Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n", "websocket"},
      {"Upgrade: websocket\r\n", ""},
      {"Connection: upgrade\r\n", ""},
      {"Connection: upgrade\r\nUpgrade: h2c\r\n", ""},
      {"Connection: upgrade\r\nUpgrade: websocket, H2C\r\n", ""},
      {"Connection: upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n", ""},
      {"Connection: upgrade\r\nUpgrade: HTTP/2.0\r\n", ""},
      {"Connection: upgrade\r\nUpgrade: TLS/1.0\r\n", ""},
      {"Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n", ""},
      {"Connection: upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n", ""},
  };
  for (const auto& [lines, upgrade] : rows) {
    HEAD(head, get(lines));
    EXPECT_EQ(head.upgrade, upgrade) << lines;
  }
  HEAD(old, "GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
  EXPECT_EQ(old.upgrade, "");
}

// The answer and the log of a refused request tell what it was.
TEST(RequestParser, RefusedHeadsStillTellWhatCouldBeRead) {
  const std::string both =
      "POST /x?y HTTP/1.1\r\nHost: a.example\r\nUser-Agent: u\r\nContent-Length: 5\r\nTransfer-Encoding: "
      "chunked\r\n\r\n";
  const RequestHead head = parsed(both, "length_and_encoding");
  EXPECT_EQ(head.method, "POST");
  EXPECT_EQ(head.known, Method::post);
  EXPECT_EQ(head.path, "/x");
  EXPECT_EQ(head.query, "?y");
  EXPECT_EQ(head.fields.value(FieldId::user_agent), "u");
  EXPECT_EQ(head.fields.size(), 4u);

  const std::string connect = "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\nUser-Agent: u\r\n\r\n";
  const RequestHead other = parsed(connect, "method_connect");
  EXPECT_EQ(other.known, Method::connect);
  EXPECT_EQ(other.fields.value(FieldId::user_agent), "u");

  const std::string brew = "BREW /pot HTTP/1.0\r\nHost: a.example\r\nConnection: keep-alive\r\n\r\n";
  const RequestHead pot = parsed(brew, "method_unknown");
  EXPECT_EQ(pot.method, "BREW");
  EXPECT_EQ(pot.path, "/pot");
  EXPECT_EQ(pot.authority, "a.example");
  EXPECT_EQ(pot.version, Version::http10);
  EXPECT_EQ(pot.fields.size(), 2u);
}

// More than the list's own room: it goes on the heap and nothing is lost.
TEST(RequestParser, ManyFields) {
  std::string lines;
  for (int i = 0; i < 90; ++i) lines += "X-" + std::to_string(i) + ": " + std::to_string(i * i) + "\r\n";
  HEAD(head, get(lines));
  ASSERT_EQ(head.fields.size(), 91u);
  EXPECT_EQ(head.fields.find("x-77")->value, "5929");
  EXPECT_EQ((head.fields.end() - 1)->name, "X-89");
}

TEST(RequestParser, AnswersThatAreNoWholeHeadAreRefused) {
  // Whoever calls it with something else than HeadScan found gets a refusal, not a guess.
  for (const std::string_view text : {"", "GET", "GET /", "GET / HTTP/1.1", "\r\n", "GET / HTTP/1.1\r\nHost: a\r\n"}) {
    RequestHead head;
    EXPECT_TRUE(parse_request(text, head).has_value()) << escaped(text);
    ResponseHead answer;
    EXPECT_TRUE(parse_response(text, Method::get, answer).has_value()) << escaped(text);
  }
}

}  // namespace
}  // namespace shellac::http
