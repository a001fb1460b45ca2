// What is put on the wire: heads made of parsed parts and a framing of our own.
#include "shellac/http/writer.hpp"

#include "http/fixture.hpp"

namespace shellac::http {
namespace {

Fields fields(std::initializer_list<std::pair<std::string_view, std::string_view>> list) {
  Fields out;
  for (const auto& [name, value] : list) out.add(name, value);
  return out;
}

RequestHead request_head(std::string_view method, const Fields& with) {
  RequestHead head;
  head.method = method;
  head.authority = "a.example:81";
  head.fields = with;
  return head;
}
ResponseHead response_head(int status, std::string_view reason, const Fields& with) {
  ResponseHead head;
  head.status = status;
  head.reason = reason;
  head.fields = with;
  return head;
}

TEST(Writer, Request) {
  const RequestHead head = request_head("PURGE", fields({{"X", "y"}, {"host", "other"}, {"x", ""}, {"Accept", "*/*"}}));
  EXPECT_EQ(written(head, "/p?q", {}),
            "PURGE /p?q HTTP/1.1\r\nHost: a.example:81\r\nX: y\r\nx: \r\nAccept: */*\r\n\r\n");
}

// Always our own version: what the sender spoke ends at this hop (RFC 9110 §2.5).
TEST(Writer, VersionIsOurs) {
  RequestHead head = request_head("GET", {});
  head.version = Version::http10;
  EXPECT_TRUE(written(head, "/", {}).starts_with("GET / HTTP/1.1\r\n"));
  ResponseHead answer = response_head(200, "OK", {});
  answer.version = Version::http10;
  EXPECT_EQ(written(answer, {}), "HTTP/1.1 200 OK\r\n\r\n");
}

TEST(Writer, Response) {
  const Fields with = fields({{"Server", "s"}, {"Set-Cookie", "a"}, {"Set-Cookie", "b"}});
  EXPECT_EQ(written(response_head(200, "Fine so far", with), {}),
            "HTTP/1.1 200 Fine so far\r\nServer: s\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\n");
  EXPECT_EQ(written(response_head(404, "", {}), {}), "HTTP/1.1 404 Not Found\r\n\r\n");
  EXPECT_EQ(written(response_head(299, "", {}), {}), "HTTP/1.1 299 Unknown\r\n\r\n");
  // A Host in an answer means nothing and frames nothing.
  EXPECT_EQ(written(response_head(200, "OK", fields({{"Host", "x"}})), {}), "HTTP/1.1 200 OK\r\nHost: x\r\n\r\n");
}

struct FramingRow {
  WireFraming framing;
  std::string lines;
};

TEST(Writer, Framings) {
  const std::vector<FramingRow> rows = {
      {{}, ""},
      {{.close = true}, "Connection: close\r\n"},
      {{.keep_alive = true}, "Connection: keep-alive\r\n"},
      {{.close = true, .keep_alive = true}, "Connection: close\r\n"},
      {{.kind = Framing::length, .length = 0}, "Content-Length: 0\r\n"},
      {{.kind = Framing::length, .length = 18446744073709551615u}, "Content-Length: 18446744073709551615\r\n"},
      {{.kind = Framing::length, .length = 5, .close = true}, "Content-Length: 5\r\nConnection: close\r\n"},
      {{.kind = Framing::length, .length = 5, .keep_alive = true}, "Content-Length: 5\r\nConnection: keep-alive\r\n"},
      {{.kind = Framing::chunked}, "Transfer-Encoding: chunked\r\n"},
      {{.kind = Framing::chunked, .length = 7}, "Transfer-Encoding: chunked\r\n"},
      {{.kind = Framing::chunked, .close = true}, "Transfer-Encoding: chunked\r\nConnection: close\r\n"},
      {{.kind = Framing::until_close}, "Connection: close\r\n"},
      {{.kind = Framing::until_close, .keep_alive = true}, "Connection: close\r\n"},
      {{.upgrade = "websocket"}, "Connection: Upgrade\r\nUpgrade: websocket\r\n"},
      {{.close = true, .upgrade = "websocket"}, "Connection: Upgrade\r\nUpgrade: websocket\r\n"},
      {{.kind = Framing::length, .length = 5, .upgrade = "a, b"},
       "Content-Length: 5\r\nConnection: Upgrade\r\nUpgrade: a, b\r\n"},
  };
  for (const FramingRow& row : rows) {
    EXPECT_EQ(written(request_head("GET", {}), "/", row.framing),
              "GET / HTTP/1.1\r\nHost: a.example:81\r\n" + row.lines + "\r\n");
    EXPECT_EQ(written(response_head(200, "OK", {}), row.framing), "HTTP/1.1 200 OK\r\n" + row.lines + "\r\n");
  }
}

// None of the other side's framing and connection fields is ever copied (RFC 9112 §11.2).
TEST(Writer, FramingFieldsOfTheOtherSideAreNotCopied) {
  for (const std::string_view name :
       {"Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Content-Length", "Upgrade", "connection",
        "KEEP-ALIVE", "proxy-connection", "transfer-ENCODING", "content-length", "upgrade"}) {
    const Fields with = fields({{"A", "1"}, {name, "chunked"}, {"B", "2"}, {name, "5"}});
    EXPECT_EQ(written(request_head("GET", with), "/", {}),
              "GET / HTTP/1.1\r\nHost: a.example:81\r\nA: 1\r\nB: 2\r\n\r\n");
    EXPECT_EQ(written(response_head(200, "OK", with), {}), "HTTP/1.1 200 OK\r\nA: 1\r\nB: 2\r\n\r\n");
  }
}

// An answer to HEAD or a 304 tells the length that GET would have had, and never two lengths.
TEST(Writer, LengthWithoutABody) {
  const std::uint64_t length = 9223372036854775807u;
  const Fields with = fields({{"Content-Length", "1"}});
  const ResponseHead head = response_head(304, "Not Modified", with);
  EXPECT_EQ(written(head, {}, &length), "HTTP/1.1 304 Not Modified\r\nContent-Length: 9223372036854775807\r\n\r\n");
  EXPECT_EQ(written(head, {.close = true}, &length),
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 9223372036854775807\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(written(head, {.kind = Framing::length, .length = 3}, &length),
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n");
  EXPECT_EQ(written(head, {.kind = Framing::chunked}, &length),
            "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n");
}

TEST(Writer, ChunkSizes) {
  const auto size = [](std::uint64_t octets) {
    std::array<char, 18> out{};
    return std::string(out.data(), write_chunk_size(octets, out));
  };
  EXPECT_EQ(size(1), "1\r\n");
  EXPECT_EQ(size(10), "a\r\n");
  EXPECT_EQ(size(0x1a2b), "1a2b\r\n");
  EXPECT_EQ(size(65536), "10000\r\n");
  EXPECT_EQ(size(18446744073709551615u), "ffffffffffffffff\r\n");
}

TEST(Writer, LastChunk) {
  EXPECT_EQ(write_last_chunk(nullptr), "0\r\n\r\n");
  const Fields none;
  EXPECT_EQ(write_last_chunk(&none), "0\r\n\r\n");
  const Fields two = fields({{"X", "y"}, {"Z", ""}});
  EXPECT_EQ(write_last_chunk(&two), "0\r\nX: y\r\nZ: \r\n\r\n");
}

// What is written in chunks is read as the same body.
TEST(Writer, ChunkedBodiesAreReadAgain) {
  const Fields two = fields({{"X", "y"}, {"ETag", "\"v\""}});
  std::string wire, body;
  for (std::size_t size = 1; size < 5000; size = size * 3 + 1) {
    std::array<char, 18> out{};
    wire.append(out.data(), write_chunk_size(size, out));
    const std::string piece(size, static_cast<char>('a' + size % 26));
    wire += piece;
    wire += kChunkEnd;
    body += piece;
  }
  wire += write_last_chunk(&two);
  const Decoded decoded = decode_chunked(wire);
  EXPECT_EQ(decoded.word, "complete");
  EXPECT_EQ(decoded.data, body);
  EXPECT_EQ(decoded.trailers, (std::vector<std::string>{"X: y", "ETag: \"v\""}));
}

}  // namespace
}  // namespace shellac::http
