// What does not pass a proxy (RFC 9110 §7.6.1), Via, and the fields that tell the backend where a request came from.
#include "shellac/http/forwarding.hpp"

#include "http/fixture.hpp"

namespace shellac::http {
namespace {

using Lines = std::initializer_list<std::pair<std::string_view, std::string_view>>;

Fields fields(Lines lines) {
  Fields out;
  for (const auto& [name, value] : lines) out.add(name, value);
  return out;
}

std::string stripped_request(Lines lines) {
  RequestHead head;
  head.fields = fields(lines);
  strip_hop_by_hop(head);
  return describe(head.fields);
}
std::string stripped_response(Lines lines) {
  ResponseHead head;
  head.fields = fields(lines);
  strip_hop_by_hop(head);
  return describe(head.fields);
}

TEST(HopByHop, IsRemoved) {
  for (const std::string_view name :
       {"Connection", "Keep-Alive", "Proxy-Connection", "TE", "Transfer-Encoding", "Upgrade", "HTTP2-Settings",
        "connection", "KEEP-ALIVE", "te", "tRANSFER-encoding"}) {
    EXPECT_EQ(stripped_request({{"A", "1"}, {name, "x"}, {"B", "2"}, {name, "y"}}), " [A|1] [B|2]") << name;
    EXPECT_EQ(stripped_response({{"A", "1"}, {name, "x"}, {"B", "2"}, {name, "y"}}), " [A|1] [B|2]") << name;
  }
}

TEST(HopByHop, CredentialsForTheProxyGoNoFurther) {
  EXPECT_EQ(stripped_request({{"Proxy-Authorization", "x"}, {"Authorization", "y"}}), " [Authorization|y]");
  EXPECT_EQ(stripped_response({{"Proxy-Authenticate", "x"}, {"WWW-Authenticate", "y"}}),
            " [Proxy-Authenticate|x] [WWW-Authenticate|y]");
}

TEST(HopByHop, EverythingElsePasses) {
  const Lines lines = {{"Trailer", "X"},  {"Host", "a"},    {"Content-Length", "5"},  {"Cache-Control", "no-cache"},
                       {"Expect", "x"},   {"Via", "1.1 b"}, {"X-Forwarded-For", "c"}, {"Sec-WebSocket-Key", "k"},
                       {"Set-Cookie", ""}};
  const std::string all = describe(fields(lines));
  EXPECT_EQ(stripped_request(lines), all);
  EXPECT_EQ(stripped_response(lines), all);
}

TEST(HopByHop, WhatConnectionNamesIsRemoved) {
  EXPECT_EQ(stripped_request({{"X", "1"}, {"Connection", "x"}, {"Y", "2"}}), " [Y|2]");
  EXPECT_EQ(stripped_request({{"X", "1"}, {"Connection", "close, X ,y"}, {"Y", "2"}, {"x", "3"}, {"Z", "4"}}),
            " [Z|4]");
  EXPECT_EQ(stripped_request({{"Connection", "x"}, {"X", "1"}, {"Connection", "y"}, {"Y", "2"}}), "");
  EXPECT_EQ(stripped_request({{"Connection", "keep-alive, foo"}, {"X-Foo", "1"}, {"Fo", "2"}}), " [X-Foo|1] [Fo|2]");
  EXPECT_EQ(stripped_response({{"X", "1"}, {"Connection", "x, connection"}, {"Y", "2"}}), " [Y|2]");
  EXPECT_EQ(stripped_request({{"Trailer", "a"}, {"Connection", "trailer"}, {"Range", "b"}}), " [Range|b]");
}

// A client must not be able to take away what framing, routing or the application's trust stands on.
TEST(HopByHop, ConnectionCannotNameWhatOthersRelyOn) {
  for (const std::string_view name :
       {"Host", "Content-Length", "Cookie", "Authorization", "Cache-Control", "Content-Type", "Content-Encoding",
        "Content-Range", "Via", "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Request-Id",
        "Set-Cookie", "Vary", "Date", "x-forwarded-FOR", "hOST"}) {
    const std::string kept = " [" + std::string(name) + "|1]";
    EXPECT_EQ(stripped_request({{name, "1"}, {"Connection", name}}), kept);
    EXPECT_EQ(stripped_response({{"Connection", name}, {name, "1"}}), kept);
  }
}

TEST(HopByHop, ManyFieldsAndManyNames) {
  Fields many;
  std::vector<std::string> names;
  for (int i = 0; i < 150; ++i) names.push_back("N" + std::to_string(i));
  std::string listed;
  for (const std::string& name : names) many.add(name, "v");
  for (std::size_t i = 0; i < names.size(); i += 3) listed += names[i] + ",";
  many.add("Connection", listed);
  RequestHead head;
  head.fields = many;
  strip_hop_by_hop(head);
  EXPECT_EQ(head.fields.size(), 100u);
  EXPECT_EQ(head.fields.find("N0"), nullptr);
  EXPECT_NE(head.fields.find("N149"), nullptr);
}

TEST(Via, IsCountedByItsReceiver) {
  const auto count = [](std::string_view value) { return count_via(fields({{"Via", value}}), "shellac"); };
  EXPECT_EQ(count(""), 0u);
  EXPECT_EQ(count("1.1 shellac"), 1u);
  EXPECT_EQ(count("1.1 SHELLAC"), 1u);
  EXPECT_EQ(count("HTTP/1.1 \t shellac (a comment)"), 1u);
  EXPECT_EQ(count("1.0 fred, 1.1 shellac, 2 shellac"), 2u);
  // A quote means nothing here, and must not hide a loop.
  EXPECT_EQ(count("1.0 \"fred, 1.1 shellac"), 1u);
  EXPECT_EQ(count("1.1 shellac2, 1.1 my-shellac, shellac, 1.1 b (shellac)"), 0u);
  EXPECT_EQ(count_via(fields({{"Via", "1.1 shellac"}, {"X", "1.1 shellac"}, {"via", "1.1 shellac"}}), "shellac"), 2u);
}

TEST(Via, IsAppendedWithTheVersionThatWasReceived) {
  Arena arena;
  for (const auto& [version, entry] :
       {std::pair{Version::http10, "1.0 shellac"}, std::pair{Version::http11, "1.1 shellac"},
        std::pair{Version::http2, "2 shellac"}}) {
    ResponseHead head;
    head.version = version;
    add_response_fields(head, "id", arena);
    EXPECT_EQ(describe(head.fields), " [Via|" + std::string(entry) + "] [X-Request-Id|id]");
  }
  ResponseHead head;
  head.fields = fields({{"via", "1.1 a"}, {"X-Request-Id", "theirs"}, {"Via", "1.0 b, 1.1 c"}, {"Y", "z"}});
  add_response_fields(head, "ours", arena);
  EXPECT_EQ(describe(head.fields), " [Via|1.1 a, 1.0 b, 1.1 c, 1.1 shellac] [X-Request-Id|ours] [Y|z]");
}

TEST(RequestId, OnlyPlainOnesPass) {
  for (const std::string_view good : {"a", "0123-4567", "!#$%&'()*+,-./:;<=>?@[]^_`{|}~"})
    EXPECT_TRUE(is_acceptable_request_id(good)) << good;
  EXPECT_TRUE(is_acceptable_request_id(std::string(128, 'a')));
  EXPECT_FALSE(is_acceptable_request_id(std::string(129, 'a')));
  EXPECT_FALSE(is_acceptable_request_id(""));
  for (int c = 0; c < 256; ++c) {
    const bool good = c > 0x20 && c < 0x7f && c != '"' && c != '\\';
    EXPECT_EQ(is_acceptable_request_id("a" + std::string(1, static_cast<char>(c))), good) << c;
  }
}

}  // namespace
}  // namespace shellac::http
