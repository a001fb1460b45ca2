// Bodies of a known length, bodies that end with the connection, and the grammar of chunks (RFC 9112 §7.1).
// Extensions and trailers: body_extension_test.cpp, body_trailer_test.cpp.
#include "shellac/http/body_decoder.hpp"

#include "http/fixture.hpp"

namespace shellac::http {
namespace {

using namespace std::string_literals;

struct Row {
  std::string octets;
  std::string verdict;
  std::string data;
};

// The whole body, and behind it what belongs to the next message.
void check(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    const Decoded decoded = decode_chunked(row.octets);
    EXPECT_EQ(decoded.word, row.verdict) << escaped(row.octets);
    EXPECT_EQ(decoded.data, row.data) << escaped(row.octets);
    EXPECT_EQ(decoded.finished, row.verdict == "complete") << escaped(row.octets);
    expect_body_same_at_every_split(Framing::chunked, 0, row.octets);
  }
}

TEST(BodyDecoder, NoBody) {
  EXPECT_TRUE(BodyDecoder(Framing::none, 0).is_complete());
  EXPECT_TRUE(BodyDecoder(Framing::length, 0).is_complete());
  BodyDecoder none(Framing::none, 0);
  const auto step = none.step("GET /");
  EXPECT_EQ(step.state, BodyDecoder::State::complete);
  EXPECT_EQ(step.consumed, 0u);
  EXPECT_TRUE(step.data.empty());
  EXPECT_TRUE(none.finish());
}

TEST(BodyDecoder, CountedBody) {
  for (std::uint64_t length = 1; length <= 8; ++length) {
    const std::string octets = "12345678next";
    const Decoded decoded = decode(Framing::length, length, {octets});
    EXPECT_EQ(decoded.word, "complete");
    EXPECT_EQ(decoded.data, octets.substr(0, length));
    EXPECT_EQ(decoded.consumed, length);
    EXPECT_TRUE(decoded.finished);
    expect_body_same_at_every_split(Framing::length, length, octets);
  }
}

// Whatever octets: nothing in a counted body has a meaning.
TEST(BodyDecoder, CountedBodyOfAnyOctets) {
  const std::string octets = "\r\n0\r\n\r\n\0\xff GET / HTTP/1.1\r\n\r\n"s;
  const Decoded decoded = decode(Framing::length, octets.size(), {octets});
  EXPECT_EQ(decoded.data, octets);
  EXPECT_EQ(decoded.word, "complete");
}

TEST(BodyDecoder, CountedBodyThatEndsEarly) {
  const std::string octets = "12345678";
  for (std::size_t size = 0; size < octets.size(); ++size) {
    const Decoded decoded = decode(Framing::length, octets.size(), {std::string_view(octets).substr(0, size)});
    EXPECT_EQ(decoded.word, "more");
    EXPECT_FALSE(decoded.finished) << size;
  }
  // 2^63-1 octets are counted without a wrap.
  const Decoded huge = decode(Framing::length, 9223372036854775807u, {octets});
  EXPECT_EQ(huge.data, octets);
  EXPECT_FALSE(huge.finished);
}

TEST(BodyDecoder, UntilClose) {
  BodyDecoder decoder(Framing::until_close, 0);
  EXPECT_FALSE(decoder.is_complete());
  const std::string octets = "0\r\n\r\nmore";
  const auto step = decoder.step(octets);
  EXPECT_EQ(step.state, BodyDecoder::State::need_more);
  EXPECT_EQ(step.data, octets);
  EXPECT_EQ(step.consumed, octets.size());
  EXPECT_FALSE(decoder.is_complete());
  EXPECT_TRUE(decoder.finish());
  EXPECT_TRUE(decoder.is_complete());
  EXPECT_EQ(decoder.received(), octets.size());
  EXPECT_TRUE(decode(Framing::until_close, 0, {}).finished);
  expect_body_same_at_every_split(Framing::until_close, 0, octets);
}

TEST(BodyDecoder, Chunks) {
  check({
      {"0\r\n\r\n", "complete", ""},
      {"000\r\n\r\n", "complete", ""},
      {"5\r\nhello\r\n0\r\n\r\n", "complete", "hello"},
      {"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "complete", "hello world"},
      {"A\r\n0123456789\r\n0\r\n\r\n", "complete", "0123456789"},
      {"a\r\n0123456789\r\n0\r\n\r\n", "complete", "0123456789"},
      {"0000000000000001\r\nx\r\n0000000000000000\r\n\r\n", "complete", "x"},
      {"7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n", "complete", "\r\n0\r\n\r\n"},
      {"1\r\n\0\r\n0\r\n\r\n"s, "complete", "\0"s},
      {"", "more", ""},
      {"5", "more", ""},
      {"5\r", "more", ""},
      {"5\r\n", "more", ""},
      {"5\r\nhell", "more", "hell"},
      {"5\r\nhello", "more", "hello"},
      {"5\r\nhello\r", "more", "hello"},
      {"5\r\nhello\r\n", "more", "hello"},
      {"5\r\nhello\r\n0\r\n", "more", "hello"},
      {"5\r\nhello\r\n0\r\n\r", "more", "hello"},
  });
}

TEST(BodyDecoder, WhatIsBehindBelongsToTheNextMessage) {
  const std::string body = "5\r\nhello\r\n0\r\n\r\n";
  const Decoded decoded = decode_chunked(body + "GET / HTTP/1.1\r\n");
  EXPECT_EQ(decoded.word, "complete");
  EXPECT_EQ(decoded.consumed, body.size());
  const Decoded trailed = decode_chunked("0\r\nX: y\r\n\r\n\r\nGET");
  EXPECT_EQ(trailed.consumed, 11u);
}

TEST(BodyDecoder, SizesOfChunks) {
  for (const std::string bad :
       {"",   "x",   "g",   "-1", "+1",  "0x1",  "0X1", "1x",       ".1", "1.0", "1,1",  "\"1\"",
        " 1", "\t1", "1 1", "1 ", "1\t", "1 \t", "#1",  "\xd9\xa1", "-0", "5h",  "\xb9", "\x01"})
    check({{bad + "\r\nx\r\n0\r\n\r\n", "chunk_size", ""}});
  check({
      {"1\0\r\nx\r\n0\r\n\r\n"s, "chunk_size", ""},
      {"00000000000000001\r\nx\r\n0\r\n\r\n", "chunk_size", ""},  // 17 digits
      {"10000000000000001\r\nx\r\n0\r\n\r\n", "chunk_size", ""},  // 2^64 + 1
      {"00000000000000000\r\n\r\n", "chunk_size", ""},
      {"FFFFFFFFFFFFFFFF\r\nx", "chunk_size", ""},
      {"8000000000000000\r\nx", "chunk_size", ""},
      {"8000000000000000;a\r\nx", "chunk_size", ""},
      {"8000000000000000 ;a\r\nx", "chunk_size", ""},
      {"7FFFFFFFFFFFFFFF\r\nx", "more", "x"},
      {"7fffffffffffffff\r\nx", "more", "x"},
      {"5\r\nhello\r\n\r\n", "chunk_size", "hello"},
      {"5\r\nhello\r\n-1\r\n", "chunk_size", "hello"},
      {"5\r\nhello\r\n00000000000000000\r\n", "chunk_size", "hello"},
      // The digits of each chunk are counted on their own.
      {"00000001\r\nx\r\n0000000000000001\r\ny\r\n0\r\n\r\n", "complete", "xy"},
  });
}

TEST(BodyDecoder, LineEndsOfChunks) {
  check({
      {"5\nhello\r\n0\r\n\r\n", "chunk_size", ""},
      {"5\rhello\r\n0\r\n\r\n", "chunk_size", ""},
      {"5\r\rhello\r\n0\r\n\r\n", "chunk_size", ""},
      {"5\n\nhello\r\n0\r\n\r\n", "chunk_size", ""},
      {"\r\n5\r\nhello\r\n0\r\n\r\n", "chunk_size", ""},
      {"5\r\nhello\n0\r\n\r\n", "chunk_end", "hello"},
      {"5\r\nhello\r0\r\n\r\n", "chunk_end", "hello"},
      {"5\r\nhello\r\r\n0\r\n\r\n", "chunk_end", "hello"},
      {"5\r\nhello0\r\n\r\n", "chunk_end", "hello"},
      {"5\r\nhello!\r\n0\r\n\r\n", "chunk_end", "hello"},
      {"5\r\nhello \r\n0\r\n\r\n", "chunk_end", "hello"},
      {"4\r\nhello\r\n0\r\n\r\n", "chunk_end", "hell"},
      {"6\r\nhello\r\n0\r\n\r\n", "chunk_end", "hello\r"},
      {"0\n\r\n", "chunk_size", ""},
      {"0\n\n", "chunk_size", ""},
      {"0\r\n\n", "trailer", ""},
      {"0\r\n\r\r", "trailer", ""},
      {"0\r\r\n\r\n", "chunk_size", ""},
  });
}

// Each octet at each place where only some are right.
TEST(BodyDecoder, EveryOctetWhereASizeBegins) {
  for (int c = 0; c < 256; ++c) {
    const char octet = static_cast<char>(c);
    const bool is_hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    EXPECT_EQ(decode_chunked(std::string(1, octet) + "0\r\n").word, is_hex ? "more" : "chunk_size") << c;
    const bool goes_on = is_hex || c == ';' || c == ' ' || c == '\t' || c == '\r';
    EXPECT_EQ(decode_chunked("1" + std::string(1, octet)).word, goes_on ? "more" : "chunk_size") << c;
    EXPECT_EQ(decode_chunked("1\r" + std::string(1, octet)).word, c == '\n' ? "more" : "chunk_size") << c;
    EXPECT_EQ(decode_chunked("1\r\nx" + std::string(1, octet)).word, c == '\r' ? "more" : "chunk_end") << c;
    EXPECT_EQ(decode_chunked("1\r\nx\r" + std::string(1, octet)).word, c == '\n' ? "more" : "chunk_end") << c;
  }
}

// An early end of a chunked body is never a whole one, wherever it comes.
TEST(BodyDecoder, ChunkedBodyThatEndsEarly) {
  const std::string octets = "5;a=b\r\nhello\r\n3\r\nyou\r\n0\r\nX: y\r\n\r\n";
  for (std::size_t size = 0; size < octets.size(); ++size) {
    const Decoded decoded = decode(Framing::chunked, 0, {std::string_view(octets).substr(0, size)});
    EXPECT_EQ(decoded.word, "more") << size;
    EXPECT_FALSE(decoded.finished) << size;
    EXPECT_TRUE(decoded.trailers.empty()) << size;
  }
  EXPECT_TRUE(decode_chunked(octets).finished);
}

TEST(BodyDecoder, RefusedStaysRefused) {
  BodyDecoder decoder(Framing::chunked, 0);
  EXPECT_EQ(decoder.step("x").state, BodyDecoder::State::refused);
  for (const std::string_view input : {"0\r\n\r\n", "", "5\r\nhello"}) {
    const auto step = decoder.step(input);
    EXPECT_EQ(step.state, BodyDecoder::State::refused);
    EXPECT_EQ(step.refusal, Refusal::chunk_size);
    EXPECT_EQ(step.consumed, 0u);
    EXPECT_TRUE(step.data.empty());
  }
  EXPECT_FALSE(decoder.finish());
  EXPECT_FALSE(decoder.is_complete());
}

TEST(BodyDecoder, CompleteStaysComplete) {
  BodyDecoder decoder(Framing::chunked, 0);
  EXPECT_EQ(decoder.step("0\r\n\r\n").state, BodyDecoder::State::complete);
  EXPECT_EQ(decoder.step("5\r\n").consumed, 0u);
  EXPECT_EQ(decoder.step("5\r\n").state, BodyDecoder::State::complete);
}

// Data is handed on as it lies: a view into the input.
TEST(BodyDecoder, DataIsNotCopied) {
  BodyDecoder decoder(Framing::chunked, 0);
  const std::string octets = "5\r\nhello\r\n";
  const auto step = decoder.step(octets);
  EXPECT_EQ(step.data.data(), octets.data() + 3);
  EXPECT_EQ(step.data.size(), 5u);
  EXPECT_EQ(step.consumed, 8u);
}

}  // namespace
}  // namespace shellac::http
