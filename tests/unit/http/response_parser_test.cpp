// What a backend's answer is understood as, and every reason for which it is refused. (Status and field lines that the
// scan alone decides: head_scan_test.cpp.)
#include "http/fixture.hpp"

namespace shellac::http {
namespace {

struct Row {
  std::string octets;
  std::string verdict;
};

void check(const std::vector<Row>& rows, Method method = Method::get) {
  for (const Row& row : rows) {
    EXPECT_EQ(response(row.octets, method), row.verdict) << escaped(row.octets);
    expect_same_at_every_split({.kind = Kind::response, .method = method}, row.octets);
  }
}

std::string answer(std::string_view status, std::string_view lines, std::string_view version = "HTTP/1.1") {
  return std::string(version) + " " + std::string(status) + " x\r\n" + std::string(lines) + "\r\n";
}
std::string with(std::string_view lines) { return answer("200", lines); }
std::string with10(std::string_view lines) { return answer("200", lines, "HTTP/1.0"); }

ResponseHead parsed(std::string_view octets, Method method = Method::get) {
  ResponseHead head;
  EXPECT_EQ(judge(octets, head, method), "ok") << escaped(octets);
  expect_same_at_every_split({.kind = Kind::response, .method = method}, octets);
  return head;
}

TEST(ResponseParser, TellsTheStatusLineAndTheFieldsAsTheyCame) {
  const std::string octets =
      "HTTP/1.1 200 It is  fine\r\nServer: s\r\nSet-Cookie: a\r\nset-cookie: b\r\nX:\r\n\r\nbody";
  const ResponseHead head = parsed(octets);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.reason, "It is  fine");
  EXPECT_EQ(head.version, Version::http11);
  EXPECT_EQ(describe(head.fields), " [Server|s] [Set-Cookie|a] [set-cookie|b] [X|]");
}

TEST(ResponseParser, ReasonsMayBeMissing) {
  for (const std::string_view octets : {"HTTP/1.1 404\r\n\r\n", "HTTP/1.1 404 \r\n\r\n"}) {
    const ResponseHead head = parsed(octets);
    EXPECT_EQ(head.status, 404);
    EXPECT_EQ(head.reason, "");
  }
}

TEST(ResponseParser, EveryStatus) {
  for (int status = 0; status <= 999; ++status) {
    std::string digits = std::to_string(status);
    digits.insert(0, 3 - digits.size(), '0');
    EXPECT_EQ(response(answer(digits, "")), status >= 100 && status <= 599 ? "ok" : "status_line") << digits;
  }
}

TEST(ResponseParser, ContentLength) {
  check({
      {with("Content-Length: 0\r\n"), "ok"},
      {with("Content-Length: 5\r\n"), "ok"},
      {with("Content-Length: 9223372036854775807\r\n"), "ok"},
      {with("Content-Length: 9223372036854775808\r\n"), "length_malformed"},
      {with("Content-Length: 18446744073709551621\r\n"), "length_malformed"},
      {with("Content-Length: 99999999999999999999999999\r\n"), "length_malformed"},
      {with("Content-Length: 5\r\nContent-Length: 5\r\n"), "length_repeated"},
      {with("Content-Length: 5\r\ncontent-length: 6\r\n"), "length_repeated"},
      {with("Content-Length: 5, 5\r\n"), "length_repeated"},
      {with("Content-Length: 5,\r\n"), "length_repeated"},
      {with10("Content-Length: 5\r\nContent-Length: 6\r\n"), "length_repeated"},
  });
  for (const char* bad : {"", "+5", "-5", "0x5", "5 5", "5.0", "a", "5a", "5;", "\"5\""})
    check({{with("Content-Length: " + std::string(bad) + "\r\n"), "length_malformed"}});
}

TEST(ResponseParser, TransferEncoding) {
  check({
      {with("Transfer-Encoding: chunked\r\n"), "ok"},
      {with("transfer-encoding: CHUNKED\r\n"), "ok"},
      {with("Transfer-Encoding: gzip\r\n"), "encoding_unknown"},
      {with("Transfer-Encoding: gzip, chunked\r\n"), "encoding_unknown"},
      {with("Transfer-Encoding: chunked, gzip\r\n"), "encoding_unknown"},
      {with("Transfer-Encoding: identity\r\n"), "encoding_unknown"},
      {with("Transfer-Encoding:\r\n"), "encoding_malformed"},
      {with("Transfer-Encoding: chunked,\r\n"), "encoding_malformed"},
      {with("Transfer-Encoding: \"chunked\"\r\n"), "encoding_malformed"},
      {with("Transfer-Encoding: chunked, chunked\r\n"), "encoding_repeated"},
      {with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), "encoding_repeated"},
      {with10("Transfer-Encoding: chunked\r\n"), "encoding_version"},
      {with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), "length_and_encoding"},
      {with("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), "length_and_encoding"},
      {with10("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), "length_and_encoding"},
  });
}

// Also where no body follows: an answer that contradicts itself is not trusted with the connection.
TEST(ResponseParser, FramingIsJudgedInAnswersWithoutABody) {
  const std::string both = "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n";
  for (const Method method : {Method::get, Method::head}) {
    check({{answer("304", both), "length_and_encoding"}, {answer("204", both), "length_and_encoding"}}, method);
    check({{answer("304", "Content-Length: x\r\n"), "length_malformed"}}, method);
    check({{answer("100", "Content-Length: x\r\n"), "length_malformed"}}, method);
  }
  check({{with(both), "length_and_encoding"}}, Method::head);
  check({{with("Transfer-Encoding: gzip\r\n"), "encoding_unknown"}}, Method::head);
}

// RFC 9112 §6.1, RFC 9110 §8.6: a server must not send either in a 1xx or 204.
TEST(ResponseParser, ABodyThatTheStatusForbids) {
  for (const char* status : {"100", "101", "102", "103", "199"})
    check({
        {answer(status, ""), "ok"},
        {answer(status, "Content-Length: 0\r\n"), "body_forbidden"},
        {answer(status, "Content-Length: 5\r\n"), "body_forbidden"},
        {answer(status, "Transfer-Encoding: chunked\r\n"), "body_forbidden"},
    });
  check({
      {answer("204", ""), "ok"},
      {answer("204", "Content-Length: 0\r\n"), "ok"},
      {answer("204", "Content-Length: 5\r\n"), "body_forbidden"},
      {answer("204", "Transfer-Encoding: chunked\r\n"), "body_forbidden"},
      {answer("205", "Content-Length: 5\r\n"), "ok"},
      {answer("304", "Content-Length: 5\r\n"), "ok"},
      {answer("304", "Transfer-Encoding: chunked\r\n"), "ok"},
  });
}

struct FramingRow {
  Method method;
  std::string status, lines;
  Framing framing;
  std::uint64_t length;
  bool keeps;
};

// RFC 9112 §6.3, and §9.3 for what is left of the connection.
TEST(ResponseParser, WhereTheBodyEnds) {
  const std::string length = "Content-Length: 5\r\n";
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  const std::vector<FramingRow> rows = {
      {Method::get, "200", length, Framing::length, 5, true},
      {Method::get, "200", "Content-Length: 0\r\n", Framing::length, 0, true},
      {Method::get, "200", chunked, Framing::chunked, 0, true},
      {Method::get, "200", "", Framing::until_close, 0, false},
      {Method::get, "200", "Connection: keep-alive\r\n", Framing::until_close, 0, false},
      {Method::get, "200", length + "Connection: close\r\n", Framing::length, 5, false},
      {Method::get, "404", "", Framing::until_close, 0, false},
      {Method::post, "205", length, Framing::length, 5, true},
      {Method::other, "200", "", Framing::until_close, 0, false},
      {Method::get, "100", "", Framing::none, 0, true},
      {Method::get, "103", "", Framing::none, 0, true},
      {Method::get, "204", "", Framing::none, 0, true},
      {Method::get, "204", "Content-Length: 0\r\n", Framing::none, 0, true},
      {Method::get, "204", "Connection: close\r\n", Framing::none, 0, false},
      {Method::get, "304", "", Framing::none, 0, true},
      {Method::get, "304", length, Framing::length, 5, true},
      {Method::get, "304", chunked, Framing::none, 0, true},
      {Method::head, "200", "", Framing::none, 0, true},
      {Method::head, "200", length, Framing::length, 5, true},
      {Method::head, "200", chunked, Framing::none, 0, true},
      {Method::head, "404", length, Framing::length, 5, true},
  };
  for (const FramingRow& row : rows) {
    const std::string octets = answer(row.status, row.lines);
    const ResponseHead head = parsed(octets, row.method);
    EXPECT_EQ(head.framing, row.framing) << octets;
    if (row.framing == Framing::length) {
      EXPECT_EQ(head.content_length, row.length) << octets;
    }
    EXPECT_EQ(head.keep_alive, row.keeps) << octets;
    const bool bodyless = row.method == Method::head || head.status < 200 || head.status == 204 || head.status == 304;
    EXPECT_EQ(is_bodyless(row.method, head.status), bodyless) << octets;
  }
}

TEST(ResponseParser, Http10KeepsOnlyWhenItSaysSo) {
  const std::string plain = with10("Content-Length: 5\r\n");
  EXPECT_EQ(parsed(plain).version, Version::http10);
  EXPECT_FALSE(parsed(plain).keep_alive);
  const std::string kept = with10("Content-Length: 5\r\nConnection: Keep-Alive\r\n");
  EXPECT_TRUE(parsed(kept).keep_alive);
  const std::string closed = with10("Content-Length: 5\r\nConnection: keep-alive, close\r\n");
  EXPECT_FALSE(parsed(closed).keep_alive);
  const std::string open_end = with10("Connection: keep-alive\r\n");
  EXPECT_EQ(parsed(open_end).framing, Framing::until_close);
  EXPECT_FALSE(parsed(open_end).keep_alive);
}

TEST(ResponseParser, ConnectionOptionsAreBounded) {
  std::string many = "a";
  for (int i = 1; i < 64; ++i) many += ",a";
  check({{with("Connection: " + many + "\r\n"), "ok"}, {with("Connection: " + many + ",a\r\n"), "too_many_fields"}});
}

TEST(ResponseParser, RefusedAnswersStillTellTheirStatus) {
  ResponseHead head;
  const std::string octets = answer("503", "Server: s\r\nContent-Length: 5\r\nContent-Length: 6\r\n");
  EXPECT_EQ(judge(octets, head), "length_repeated");
  EXPECT_EQ(head.status, 503);
  EXPECT_EQ(head.fields.value(FieldId::server), "s");
}

}  // namespace
}  // namespace shellac::http
