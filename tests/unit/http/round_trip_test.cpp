// What is parsed, written, and parsed again is the same message, and never one with two readings.
#include "http/fixture.hpp"

namespace shellac::http {
namespace {

WireFraming as_it_was(const RequestHead& head) {
  return {.kind = head.framing, .length = head.content_length, .close = !head.keep_alive, .upgrade = head.upgrade};
}

std::string rewritten(const RequestHead& head) {
  return written(head, std::string(head.path) + std::string(head.query), as_it_was(head));
}

// Without the fields that are the framing's and the authority's.
std::string described(const RequestHead& head) {
  RequestHead plain = head;
  for (const FieldId id : {FieldId::host, FieldId::content_length, FieldId::transfer_encoding, FieldId::connection,
                           FieldId::keep_alive, FieldId::proxy_connection, FieldId::upgrade})
    plain.fields.remove(id);
  plain.version = Version::http11;
  plain.form = plain.path == "*" ? RequestHead::Form::asterisk : RequestHead::Form::origin;
  return describe(plain);
}
std::string described(const ResponseHead& head) {
  ResponseHead plain = head;
  for (const FieldId id : {FieldId::content_length, FieldId::transfer_encoding, FieldId::connection,
                           FieldId::keep_alive, FieldId::proxy_connection, FieldId::upgrade})
    plain.fields.remove(id);
  plain.version = Version::http11;
  if (plain.reason.empty()) plain.reason = reason_phrase(plain.status);
  return describe(plain);
}

TEST(RoundTrip, Requests) {
  const std::string host = "Host: a.example\r\n";
  for (const std::string& octets : std::vector<std::string>{
           "GET / HTTP/1.1\r\n" + host + "\r\n",
           "\r\n\r\nGET /a%20b//c/../?d=%zz HTTP/1.1\r\nHOST:\tA.Example:81 \r\n\r\n",
           "POST /x HTTP/1.1\r\n" + host + "Content-Length: 0005\r\n\r\n",
           "POST /x HTTP/1.1\r\nContent-Length: 9223372036854775807\r\n" + host + "\r\n",
           "POST /x HTTP/1.1\r\nTransfer-Encoding: CHUNKED\r\n" + host + "\r\n",
           "OPTIONS * HTTP/1.1\r\n" + host + "\r\n",
           "OPTIONS http://a.example HTTP/1.1\r\n" + host + "\r\n",
           "GET http://A.EXAMPLE?x HTTP/1.1\r\n" + host + "\r\n",
           "GET / HTTP/1.0\r\n" + host + "\r\n",
           "GET / HTTP/1.0\r\nConnection: keep-alive\r\nKeep-Alive: 5\r\n" + host + "\r\n",
           "GET / HTTP/1.1\r\nConnection: close, x\r\n" + host + "\r\n",
           "GET /chat HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n" + host +
               "\r\n",
           "PUT /x HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n" + host + "\r\n",
           "GET / HTTP/1.1\r\nX:\r\nX: a, b\r\nx:\xc3\xa9 \t c\t\r\nCookie: a=b; c=\"d\"\r\n" + host + "\r\n",
       }) {
    RequestHead first;
    ASSERT_EQ(judge(octets, first), "ok") << escaped(octets);
    const std::string wire = rewritten(first);
    RequestHead second;
    ASSERT_EQ(judge(wire, second), "ok") << escaped(wire);
    EXPECT_EQ(described(second), described(first)) << escaped(wire);
    EXPECT_EQ(rewritten(second), wire);  // the second time nothing changes any more
    EXPECT_EQ(wire.find("\r\n\r\n"), wire.size() - 4) << escaped(wire);
  }
}

TEST(RoundTrip, Responses) {
  struct Row {
    Method method;
    std::string octets;
  };
  for (const auto& [method, octets] : std::vector<Row>{
           {Method::get, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"},
           {Method::get, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"},
           {Method::get, "HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n"},
           {Method::get, "HTTP/1.1 500 It broke\r\n\r\n"},
           {Method::get, "HTTP/1.0 200 OK\r\n\r\n"},
           {Method::get, "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\n"},
           {Method::get, "HTTP/1.1 204 No Content\r\nX: y\r\n\r\n"},
           {Method::get, "HTTP/1.1 304 Not Modified\r\nETag: \"v\"\r\nContent-Length: 77\r\n\r\n"},
           {Method::head, "HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n"},
           {Method::head, "HTTP/1.1 200 OK\r\n\r\n"},
           {Method::get, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nLink: </b>\r\n\r\n"},
           {Method::get,
            "HTTP/1.1 200 OK\r\nSet-Cookie: a=b, c\r\nSet-Cookie: d\r\nX:\r\nY: \xff\r\nContent-Length: 1\r\n\r\n"},
       }) {
    ResponseHead first;
    ASSERT_EQ(judge(octets, first, method), "ok") << escaped(octets);
    const bool bodyless = is_bodyless(method, first.status);
    const WireFraming framing{
        .kind = bodyless ? Framing::none : first.framing, .length = first.content_length, .close = !first.keep_alive};
    const std::uint64_t* const length = bodyless && first.framing == Framing::length ? &first.content_length : nullptr;
    const std::string wire = written(first, framing, length);
    ResponseHead second;
    ASSERT_EQ(judge(wire, second, method), "ok") << escaped(wire);
    EXPECT_EQ(described(second), described(first)) << escaped(wire);
    EXPECT_EQ(written(second, framing, length), wire);
    EXPECT_EQ(wire.find("\r\n\r\n"), wire.size() - 4) << escaped(wire);
  }
}

}  // namespace
}  // namespace shellac::http
