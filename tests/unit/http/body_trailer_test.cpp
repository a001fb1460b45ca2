// Trailers (RFC 9112 §7.1.2, RFC 9110 §6.5): their grammar is a head's, and not every field may be one.
#include "http/fixture.hpp"
#include "shellac/core/limits.hpp"

namespace shellac::http {
namespace {

using namespace std::string_literals;
using List = std::vector<std::string>;

Decoded trailers(std::string_view lines) {
  const std::string octets = "1\r\nx\r\n0\r\n" + std::string(lines) + "\r\n";
  const Decoded decoded = decode_chunked(octets);
  expect_body_same_at_every_split(Framing::chunked, 0, octets);
  EXPECT_EQ(decoded.data, "x");
  return decoded;
}

TEST(BodyTrailer, AreFields) {
  EXPECT_EQ(trailers("").trailers, List{});
  EXPECT_EQ(trailers("X: y\r\n").trailers, List{"X: y"});
  EXPECT_EQ(trailers("X:\r\nx: \t y z \r\nServer-Timing: db;dur=5\r\n").trailers,
            (List{"X: ", "x: y z", "Server-Timing: db;dur=5"}));
  EXPECT_EQ(trailers("ETag: \"v1\"\r\nDigest: \xc3\xa9\r\n").trailers, (List{"ETag: \"v1\"", "Digest: \xc3\xa9"}));
  const Decoded decoded = trailers("X: y\r\n");
  EXPECT_EQ(decoded.word, "complete");
  EXPECT_TRUE(decoded.finished);
}

TEST(BodyTrailer, KnowTheirId) {
  BodyDecoder decoder(Framing::chunked, 0);
  EXPECT_EQ(decoder.step("0\r\neTaG: \"v1\"\r\n\r\n").state, BodyDecoder::State::complete);
  ASSERT_EQ(decoder.trailers().size(), 1u);
  EXPECT_EQ(decoder.trailers().begin()->id, FieldId::etag);
}

TEST(BodyTrailer, MalformedOnesAreRefused) {
  for (const std::string_view bad :
       {"X : y\r\n", ": y\r\n", "X\r\n", " X: y\r\n", "X: y\r\n z\r\n", "X: y\r\n\tz\r\n", "X: y\n", "X: y\rZ: a\r\n",
        "X: \x01\r\n", "X: \x7f\r\n", "X y: z\r\n", "\xc3\xa9: y\r\n", "X: y\r\n\n", "X: y\r\n\rZ",
        "GET / HTTP/1.1\r\n", "\t\r\n", "X\n: y\r\n"}) {
    const Decoded decoded = trailers(bad);
    EXPECT_EQ(decoded.word, "trailer") << escaped(bad);
    EXPECT_TRUE(decoded.trailers.empty());
    EXPECT_FALSE(decoded.finished);
  }
  EXPECT_EQ(trailers("X: \0\r\n"s).word, "trailer");
}

// RFC 9110 §6.5.1: a reader who merged them into the head would frame or route the message anew.
TEST(BodyTrailer, ThatFrameOrRouteAreRefused) {
  for (const std::string_view name :
       {"Content-Length", "Transfer-Encoding", "Host", "Trailer", "TE", "Connection", "Upgrade", "Keep-Alive",
        "Proxy-Connection", "content-LENGTH", "transfer-encoding"}) {
    EXPECT_EQ(trailers(std::string(name) + ": 5\r\n").word, "trailer") << name;
    EXPECT_EQ(trailers("X: y\r\n" + std::string(name) + ":\r\n").word, "trailer") << name;
  }
}

// And these would change how it is handled, or for whom the sender is taken.
TEST(BodyTrailer, ThatMustNotBeMergedAreDropped) {
  for (const std::string_view name : {"Accept",
                                      "Accept-Encoding",
                                      "Age",
                                      "Authorization",
                                      "authorization",
                                      "Cache-Control",
                                      "Content-Encoding",
                                      "Content-Range",
                                      "Content-Type",
                                      "Cookie",
                                      "Date",
                                      "Expect",
                                      "Expires",
                                      "Forwarded",
                                      "HTTP2-Settings",
                                      "If-Match",
                                      "If-None-Match",
                                      "If-Range",
                                      "Location",
                                      "Pragma",
                                      "Proxy-Authorization",
                                      "Range",
                                      "Retry-After",
                                      "Set-Cookie",
                                      "Vary",
                                      "Via",
                                      "X-Forwarded-For",
                                      "x-forwarded-for",
                                      "X-Forwarded-Host",
                                      "X-Forwarded-Proto",
                                      "X-Request-Id"})
    EXPECT_EQ(trailers("A: b\r\n" + std::string(name) + ": 5\r\nZ: y\r\n").trailers, (List{"A: b", "Z: y"})) << name;
}

TEST(BodyTrailer, AreBounded) {
  constexpr std::size_t kMax = limits::kTrailersMax;
  const auto of = [](std::size_t size) { return "0\r\nX:" + std::string(size - 6, 'y') + "\r\n\r\n"; };
  EXPECT_EQ(decode_chunked(of(kMax)).word, "complete");
  EXPECT_EQ(decode_chunked(of(kMax + 1)).word, "trailer");
  EXPECT_EQ(decode_chunked("0\r\nX: " + std::string(1 << 20, 'y')).word, "trailer");
  EXPECT_EQ(decode_chunked("0\r\n" + std::string(1 << 20, 'X')).word, "trailer");
  std::string lines;
  for (int i = 0; i < 64; ++i) lines += "X: y\r\n";
  EXPECT_EQ(decode_chunked("0\r\n" + lines + "\r\n").trailers.size(), 64u);
  EXPECT_EQ(decode_chunked("0\r\n" + lines + "X: y\r\n\r\n").word, "trailer");
}

// Nothing is taken from the next message, even where the allowance ends with the trailers.
TEST(BodyTrailer, LeaveTheNextMessageAlone) {
  constexpr std::size_t kMax = limits::kTrailersMax;
  for (const std::size_t size : {std::size_t{10}, std::size_t{100}, kMax - 1, kMax}) {
    const std::string body = "0\r\nX:" + std::string(size - 6, 'y') + "\r\n\r\n";
    const std::string octets = body + "GET / HTTP/1.1\r\n\r\n";
    const std::string_view view = octets;
    for (const std::size_t at : {std::size_t{1}, std::size_t{4}, body.size() - 3, body.size() - 1, body.size()}) {
      const Decoded decoded = decode(Framing::chunked, 0, {view.substr(0, at), view.substr(at)});
      EXPECT_EQ(decoded.word, "complete") << size << " at " << at;
      EXPECT_EQ(decoded.consumed, body.size()) << size << " at " << at;
    }
  }
}

}  // namespace
}  // namespace shellac::http
