// Every reason for which a request is refused, and what beside it must still be accepted.
#include "http/fixture.hpp"

namespace shellac::http {
namespace {

using namespace std::string_literals;

void check(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    EXPECT_EQ(request(row.octets), row.verdict) << escaped(row.octets);
    expect_same_at_every_split({}, row.octets);
  }
}

// A complete request with these lines behind Host.
std::string with(std::string_view lines) {
  return "POST /x HTTP/1.1\r\nHost: a.example\r\n" + std::string(lines) + "\r\n";
}
std::string with10(std::string_view lines) { return "POST /x HTTP/1.0\r\n" + std::string(lines) + "\r\n"; }
std::string with_host(std::string_view value) { return "GET / HTTP/1.1\r\nHost: " + std::string(value) + "\r\n\r\n"; }
std::string with_target(std::string_view target) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: a.example\r\n\r\n";
}
std::string with_method(std::string_view method) {
  return std::string(method) + " / HTTP/1.1\r\nHost: a.example\r\n\r\n";
}
std::string with_version(std::string_view version) {
  return "GET / " + std::string(version) + "\r\nHost: a.example\r\n\r\n";
}

TEST(RequestRefusal, LineEnds) {
  check({
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "ok"},
      {"GET / HTTP/1.1\nHost: a\r\n\r\n", "line_end"},
      {"GET / HTTP/1.1\r\nHost: a\n\r\n", "line_end"},
      {"GET / HTTP/1.1\r\nHost: a\r\n\n", "line_end"},
      {"GET / HTTP/1.1\r\nHost: a\r\rX: b\r\n\r\n", "line_end"},
      {"GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", "line_end"},
      {"GET / HTTP/1.1\rHost: a\r\n\r\n", "line_end"},
      {"GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", "line_end"},
      {"GET\r / HTTP/1.1\r\nHost: a\r\n\r\n", "line_end"},
      {"GET / HTTP/1.1\r\nHost: a\r\nX\r: b\r\n\r\n", "line_end"},
      {"GET / HTTP/1.1\r\nHost: a\r\nX\n: b\r\n\r\n", "line_end"},
      {"GET / HTTP/1.1\r\nHost: a\r\n\rX", "line_end"},
      {"GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", "line_end"},
      {"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "line_end"},
      {"GET / HTTP/1.1\r\nHost: a\r\n\r", "more"},
      {"GET / HTTP/1.1\r\nHost: a\r\n", "more"},
      {"", "more"},
  });
}

TEST(RequestRefusal, EmptyLinesBeforeTheRequest) {
  const std::string get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  check({
      {"\r\n" + get, "ok"},
      {"\r\n\r\n\r\n\r\n" + get, "ok"},
      {"\r\n\r\n\r\n\r\n\r\n" + get, "request_line"},
      {"\r\r\n" + get, "line_end"},
      {"\r\n\r\n", "more"},
  });
}

TEST(RequestRefusal, RequestLine) {
  check({
      {"GET /\r\n\r\n", "request_line"},
      {"GET\r\n\r\n", "request_line"},
      {"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", "request_line"},
      {"GET / HTTP/1.1x\r\nHost: a\r\n\r\n", "request_line"},
      {" GET / HTTP/1.1\r\nHost: a\r\n\r\n", "request_line"},
      {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "request_line"},
      {"GET /  HTTP/1.1\r\nHost: a\r\n\r\n", "request_line"},
      {"GET / x HTTP/1.1\r\nHost: a\r\n\r\n", "request_line"},
      {"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", "control_byte"},
      {"GET /\tHTTP/1.1\r\nHost: a\r\n\r\n", "control_byte"},
      {"HTTP/1.1 200 OK\r\n\r\n", "method_token"},
      {"\x16\x03\x01\x02", "control_byte"},
  });
}

TEST(RequestRefusal, Versions) {
  check({
      {with_version("HTTP/1.1"), "ok"},
      {with_version("HTTP/1.0"), "ok"},
      {with_version("HTTP/2.0"), "version"},
      {with_version("HTTP/1.2"), "version"},
      {with_version("HTTP/0.9"), "version"},
      {with_version("HTTP/3.0"), "version"},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "version"},
      {with_version("HTTP/1.10"), "request_line"},
      {with_version("HTTP/11"), "request_line"},
      {with_version("HTTP/1,1"), "request_line"},
      {with_version("HTTP/ 1.1"), "request_line"},
      {with_version("http/1.1"), "request_line"},
      {with_version("HTTPS/1.1"), "request_line"},
      {with_version("HTTP/x.1"), "request_line"},
      {with_version("HTTP/-1.1"), "request_line"},
      {with_version("RTSP/1.0"), "request_line"},
      {with_version("ICE/1.0"), "request_line"},
      {with_version(""), "request_line"},
      {with_version("HTTP/1."), "request_line"},
  });
}

TEST(RequestRefusal, Methods) {
  for (const char* known : {"GET",      "HEAD",   "POST",   "PUT",    "DELETE",    "TRACE",  "PATCH",      "PURGE",
                            "PROPFIND", "COPY",   "LOCK",   "MKCOL",  "M-SEARCH",  "NOTIFY", "SUBSCRIBE",  "MKCALENDAR",
                            "REPORT",   "SEARCH", "UNLOCK", "UNLINK", "PROPPATCH", "ACL",    "MKACTIVITY", "OPTIONS"})
    check({{with_method(known), "ok"}});
  for (const char* unknown : {"BREW",          "get",           "GETT",     "GE",     "G",     "QUERY", "PRI",
                              "SOURCE",        "DESCRIBE",      "ANNOUNCE", "SETUP",  "PLAY",  "PAUSE", "TEARDOWN",
                              "GET_PARAMETER", "SET_PARAMETER", "REDIRECT", "RECORD", "FLUSH", "!"})
    check({{with_method(unknown), "method_unknown"}});
  check({
      {"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n", "method_connect"},
      {"CONNECT / HTTP/1.1\r\n\r\n", "method_connect"},
      {with_method("GE(T"), "method_token"},
      {with_method("G\xc3\x89T"), "method_token"},
      {with_method("GE\0T"s), "control_byte"},
      {with_method("GET:"), "method_token"},
  });
}

TEST(RequestRefusal, Targets) {
  check({
      {with_target("/"), "ok"},
      {with_target("/a/b?c=d&e"), "ok"},
      {with_target("//a"), "ok"},
      {with_target("/%zz?%"), "ok"},
      {with_target("/a|b\"<>\\^`{}"), "ok"},
      {with_target("http://a.example/x"), "ok"},
      {with_target("HTTPS://A.example"), "ok"},
      {with_target("http://a.example?q"), "ok"},
      {with_target("*"), "target"},
      {"OPTIONS * HTTP/1.1\r\nHost: a.example\r\n\r\n", "ok"},
      {"OPTIONS ** HTTP/1.1\r\nHost: a.example\r\n\r\n", "target"},
      {with_target("a.example"), "target"},
      {with_target("a.example:80"), "target"},
      {with_target("?q"), "target"},
      {with_target("ftp://a.example/"), "target"},
      {with_target("http:/a.example/"), "target"},
      {with_target("http:///x"), "target"},
      {with_target("http://"), "target"},
      {with_target("://a.example/"), "target"},
      {with_target("http://user@a.example/"), "target"},
      {with_target("http://a.example:99999/"), "target"},
      {with_target("http://a b/"), "request_line"},
      {with_target("/a#b"), "target"},
      {with_target("/\xc3\xa9"), "target"},
      {with_target("/\x7f"), "control_byte"},
      {with_target("/\0"s), "control_byte"},
      {with_target("/\x01"), "control_byte"},
  });
}

TEST(RequestRefusal, FieldLines) {
  check({
      {with("X:\r\n"), "ok"},
      {with("X:b\r\n"), "ok"},
      {with("X: \t b \t\r\n"), "ok"},
      {with("!#$%&'*+-.^_`|~09azAZ: b\r\n"), "ok"},
      {with("X: \xc3\xa9 caf\xe9\r\n"), "ok"},
      {with("X : b\r\n"), "field_name"},
      {with("X\t: b\r\n"), "field_name"},
      {with(": b\r\n"), "field_name"},
      {with("X Y: b\r\n"), "field_name"},
      {with("X(: b\r\n"), "field_name"},
      {with("X\xc3\xa9: b\r\n"), "field_name"},
      {with("Content-Length : 5\r\n"), "field_name"},
      {with("Transfer-Encoding : chunked\r\n"), "field_name"},
      {with("X\r\n"), "field_line"},
      {with("X\0: b\r\n"s), "control_byte"},
      {with("X\x0b: b\r\n"), "control_byte"},
      {with("X: a\0b\r\n"s), "control_byte"},
      {with("X: a\x01\r\n"), "control_byte"},
      {with("X: a\x7f\r\n"), "control_byte"},
      {with("X: a\x0b\r\n"), "control_byte"},
      {with("Transfer-Encoding: \x0b"
            "chunked\r\n"),
       "control_byte"},
      {with("X: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\x1f\r\n"), "control_byte"},
      {with("X: aaaaaaaa\x7f"
            "aaaaaaaaaaaaaaaaaaaaaaa\r\n"),
       "control_byte"},
      {with("X: a\r\n b\r\n"), "folding"},
      {with("X: a\r\n\tb\r\n"), "folding"},
      {with("X: a\r\n \r\n"), "folding"},
      {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", "folding"},
      {"GET / HTTP/1.1\r\n\tX: b\r\nHost: a\r\n\r\n", "folding"},
  });
}

TEST(RequestRefusal, EveryControlByteInAValue) {
  for (int c = 0; c < 256; ++c) {
    if (c == '\r' || c == '\n') continue;
    const bool bad = (c < 0x20 && c != '\t') || c == 0x7f;
    // At each place in an eight-octet word, and behind the last whole word.
    for (std::size_t place = 0; place < 19; ++place) {
      std::string value(19, 'v');
      value[place] = static_cast<char>(c);
      EXPECT_EQ(request(with("X: " + value + "\r\n")), bad ? "control_byte" : "ok") << c << " at " << place;
    }
  }
}

TEST(RequestRefusal, EveryOctetInANameOrMethodOrTarget) {
  const std::string token = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  for (int c = 0; c < 256; ++c) {
    const char octet = static_cast<char>(c);
    const bool is_token = octet != '\0' && token.find(octet) != std::string::npos;
    const bool is_name = is_token || octet == ':';  // the colon ends the name sooner
    EXPECT_EQ(request(with("X"s + octet + "y: b\r\n")) == "ok", is_name) << c;
    EXPECT_EQ(request("GE"s + octet + "T / HTTP/1.1\r\nHost: a\r\n\r\n") == "method_unknown", is_token) << c;
    const bool is_target = c > 0x20 && c < 0x7f && octet != '#';
    EXPECT_EQ(request(with_target("/a"s + octet)) == "ok", is_target) << c;
  }
}

TEST(RequestRefusal, Host) {
  check({
      {"GET / HTTP/1.1\r\n\r\n", "host_missing"},
      {"GET / HTTP/1.1\r\nX-Host: a\r\n\r\n", "host_missing"},
      {"GET http://a.example/ HTTP/1.1\r\n\r\n", "host_missing"},
      {"GET / HTTP/1.0\r\n\r\n", "ok"},
      {"GET http://a.example/ HTTP/1.0\r\n\r\n", "ok"},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "host_repeated"},
      {"GET / HTTP/1.1\r\nHost: a\r\nhOST: b\r\n\r\n", "host_repeated"},
      {"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", "host_repeated"},
      {"GET http://a.example/ HTTP/1.1\r\nHost: b.example\r\n\r\n", "host_contradicts_target"},
      {"GET http://a.example/ HTTP/1.1\r\nHost: a.example:80\r\n\r\n", "host_contradicts_target"},
      {"GET http://a.example:81/ HTTP/1.1\r\nHost: a.example\r\n\r\n", "host_contradicts_target"},
      {"GET http://A.example:81/ HTTP/1.1\r\nHost: a.EXAMPLE:81\r\n\r\n", "ok"},
      {"GET http://[2001:db8::1]/ HTTP/1.1\r\nHost: [2001:db8::1]\r\n\r\n", "ok"},
  });
  for (const char* good : {"a", "a.example", "A.EXAMPLE.", "a.example:8080", "a_b", "192.0.2.1:80", "[2001:db8::1]",
                           "[::]:443", "[::ffff:192.0.2.1]", "xn--bcher-kva.example", "a:65535"})
    check({{with_host(good), "ok"}});
  for (const char* bad : {"",
                          "a b",
                          "a,b",
                          "a.example, b.example",
                          "user@a",
                          "a/b",
                          "a?b",
                          "a\\b",
                          "a:b",
                          "a:-1",
                          "a:65536",
                          "a:80:80",
                          ":80",
                          "[",
                          "[]",
                          "[::1",
                          "::1",
                          "[192.0.2.1]",
                          "[::1]x",
                          "[::1]:x",
                          "[g::1]",
                          "[:::::]",
                          "a%",
                          "a%2",
                          "a%gg",
                          "\"a\"",
                          "<a>",
                          "a\xc3\xa9",
                          "a\tb",
                          "http://a",
                          "[fe80::1%25eth0]",
                          "a.example:",
                          "[::1]:",
                          "a%20b",
                          "a:000000080"})
    check({{with_host(bad), "host_malformed"}});
}

TEST(RequestRefusal, ContentLength) {
  check({
      {with("Content-Length: 0\r\n"), "ok"},
      {with("Content-Length: 5\r\n"), "ok"},
      {with("Content-Length:  5 \r\n"), "ok"},
      {with("Content-Length: 0005\r\n"), "ok"},
      {with("Content-Length: 9223372036854775807\r\n"), "ok"},
      {with("Content-Length: 9223372036854775808\r\n"), "length_malformed"},
      {with("Content-Length: 18446744073709551615\r\n"), "length_malformed"},
      {with("Content-Length: 18446744073709551616\r\n"), "length_malformed"},
      {with("Content-Length: 18446744073709551621\r\n"), "length_malformed"},
      {with("Content-Length: 99999999999999999999999999\r\n"), "length_malformed"},
      {with("Content-Length: 5\r\nContent-Length: 5\r\n"), "length_repeated"},
      {with("Content-Length: 5\r\ncontent-LENGTH: 6\r\n"), "length_repeated"},
      {with("Content-Length: 5, 5\r\n"), "length_repeated"},
      {with("Content-Length: 5,\r\n"), "length_repeated"},
      {with10("Content-Length: 5\r\nContent-Length: 6\r\n"), "length_repeated"},
  });
  for (const char* bad :
       {"", "+5", "-5", "-0", "0x5", "5 5", "5.0", "5e0", "a", "5a", "\xd9\xa5", "5;", "\"5\"", "0b1", "5\t5", "'5'"})
    check({{with("Content-Length: " + std::string(bad) + "\r\n"), "length_malformed"}});
}

TEST(RequestRefusal, TransferEncoding) {
  check({
      {with("Transfer-Encoding: chunked\r\n"), "ok"},
      {with("transfer-encoding:\t CHUNKED \r\n"), "ok"},
      {with("Transfer-Encoding: gzip\r\n"), "encoding_unknown"},
      {with("Transfer-Encoding: gzip, chunked\r\n"), "encoding_unknown"},
      {with("Transfer-Encoding: chunked, gzip\r\n"), "encoding_unknown"},
      {with("Transfer-Encoding: identity\r\n"), "encoding_unknown"},
      {with("Transfer-Encoding: chunked, identity\r\n"), "encoding_unknown"},
      {with("Transfer-Encoding: xchunked\r\n"), "encoding_unknown"},
      {with("Transfer-Encoding: chunke\r\n"), "encoding_unknown"},
      {with("Transfer-Encoding: \r\n"), "encoding_malformed"},
      {with("Transfer-Encoding: ,\r\n"), "encoding_malformed"},
      {with("Transfer-Encoding: chunked,\r\n"), "encoding_malformed"},
      {with("Transfer-Encoding: ,chunked\r\n"), "encoding_malformed"},
      {with("Transfer-Encoding: \"chunked\"\r\n"), "encoding_malformed"},
      {with("Transfer-Encoding: chunked;q=1\r\n"), "encoding_malformed"},
      {with("Transfer-Encoding: chun ked\r\n"), "encoding_malformed"},
      {with("Transfer-Encoding: chunked, chunked\r\n"), "encoding_repeated"},
      {with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), "encoding_repeated"},
      {with("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"), "encoding_repeated"},
      {with("Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n"), "encoding_repeated"},
      {with10("Transfer-Encoding: chunked\r\n"), "encoding_version"},
      {with10("Transfer-Encoding: identity\r\n"), "encoding_version"},
      {with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), "length_and_encoding"},
      {with("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), "length_and_encoding"},
      {with("Transfer-Encoding: identity\r\nContent-Length: 0\r\n"), "length_and_encoding"},
      {with10("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), "length_and_encoding"},
  });
}

TEST(RequestRefusal, Expectations) {
  check({
      {with("Expect: 100-continue\r\n"), "ok"},
      {with("Expect: 100-Continue\r\nContent-Length: 5\r\n"), "ok"},
      {with("Expect: 200-ok\r\n"), "expectation"},
      {with("Expect: 100-continue, x\r\n"), "expectation"},
      {with("Expect: 100-continue\r\nExpect: x\r\n"), "expectation"},
      {with("Expect: 100-continue\r\nExpect: 100-continue\r\n"), "ok"},
      {with10("Expect: 200-ok\r\n"), "ok"},
  });
}

TEST(RequestRefusal, ConnectionOptionsAreBounded) {
  std::string many = "a";
  for (int i = 1; i < 64; ++i) many += ",a";
  check({{with("Connection: " + many + "\r\n"), "ok"}, {with("Connection: " + many + ",a\r\n"), "too_many_fields"}});
}

TEST(RequestRefusal, Limits) {
  const auto target_of = [](std::size_t size) { return with_target(std::string(size, '/')); };
  EXPECT_EQ(request(target_of(16 * 1024)), "ok");
  EXPECT_EQ(request(target_of(16 * 1024 + 1)), "target_too_long");
  EXPECT_EQ(request(target_of(1 << 20)), "target_too_long");
  EXPECT_EQ(request("GET /" + std::string(1 << 20, 'a')), "target_too_long");

  std::string fields;
  for (int i = 0; i < 99; ++i) fields += "X: b\r\n";  // Host is the hundredth
  EXPECT_EQ(request(with(fields)), "ok");
  EXPECT_EQ(request(with(fields + "X: b\r\n")), "too_many_fields");

  EXPECT_EQ(request(with("X: " + std::string(31 * 1024, 'b') + "\r\n")), "ok");
  EXPECT_EQ(request(with("X: " + std::string(32 * 1024, 'b') + "\r\n")), "head_too_large");
  EXPECT_EQ(request(with("X: " + std::string(1 << 20, 'b'))), "head_too_large");
  EXPECT_EQ(request(with(std::string(1 << 20, 'X'))), "head_too_large");
  EXPECT_EQ(request(std::string(1 << 20, 'G')), "head_too_large");
}

TEST(RequestRefusal, AHeadOfExactlyTheLimitFits) {
  const std::string octets = with("X: b\r\n");
  RequestHead head;
  EXPECT_EQ(judge(octets, head, {.head_bytes = octets.size()}), "ok");
  RequestHead other;
  EXPECT_EQ(judge(octets, other, {.head_bytes = octets.size() - 1}), "head_too_large");
  for (std::size_t limit = 1; limit <= octets.size(); ++limit)
    expect_same_at_every_split({.limits = {.head_bytes = limit, .target_bytes = 1}}, octets + "more");
}

TEST(RequestRefusal, HasAStatusAndAWord) {
  const std::vector<std::pair<Refusal, int>> special = {
      {Refusal::method_unknown, 501},  {Refusal::encoding_unknown, 501}, {Refusal::method_connect, 405},
      {Refusal::target_too_long, 414}, {Refusal::version, 505},          {Refusal::too_many_fields, 431},
      {Refusal::head_too_large, 431},  {Refusal::expectation, 417}};
  std::vector<std::string> words;
  for (int i = 0; i <= static_cast<int>(Refusal::unexpected_bytes); ++i) {
    const auto refusal = static_cast<Refusal>(i);
    int status = 400;
    for (const auto& [which, its] : special)
      if (which == refusal) status = its;
    EXPECT_EQ(status_of(refusal), status) << to_string(refusal);
    words.emplace_back(to_string(refusal));
    EXPECT_TRUE(is_token(words.back())) << i;
  }
  std::sort(words.begin(), words.end());
  EXPECT_EQ(std::unique(words.begin(), words.end()), words.end());
}

}  // namespace
}  // namespace shellac::http
