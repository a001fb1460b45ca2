// Chunk extensions (RFC 9112 §7.1.1): checked, bounded, and dropped.
#include "http/fixture.hpp"
#include "shellac/core/limits.hpp"

namespace shellac::http {
namespace {

using namespace std::string_literals;

// The verdict on one chunk with this behind its size.
void check(std::string_view behind, std::string_view verdict) {
  const std::string octets = "5" + std::string(behind) + "\r\nhello\r\n0" + std::string(behind) + "\r\n\r\n";
  const Decoded decoded = decode_chunked(octets);
  EXPECT_EQ(decoded.word, verdict) << escaped(octets);
  EXPECT_EQ(decoded.data, verdict == "complete" ? "hello" : "") << escaped(octets);
  EXPECT_TRUE(decoded.trailers.empty());
  expect_body_same_at_every_split(Framing::chunked, 0, octets);
}

TEST(BodyExtension, IsDropped) {
  for (const std::string_view good : {";a",
                                      ";a=b",
                                      "; a=b",
                                      " ;a=b",
                                      "\t; a",
                                      ";a ;b",
                                      ";a\t=\tb",
                                      ";a=b;c=d;e",
                                      ";a=\"\"",
                                      ";a=\"b c\"",
                                      ";a=\"\\\"\"",
                                      ";a=\"\\\\\";b",
                                      ";a=\"x;y=z, \t\"",
                                      ";a=\"\xc3\xa9\"",
                                      ";a=\"\\\xe9\"",
                                      " \t ;\t a",
                                      ";!#$%&'*+-.^_`|~=1",
                                      ";a=0",
                                      ";0",
                                      ";a=\"b\" ;c"})
    check(good, "complete");
}

TEST(BodyExtension, IsRefusedWhenMalformed) {
  for (const std::string_view bad :
       {";",      "; ",     ";;a",         ";a;",   ";=b",    ";a=",    ";a= ",      ";a=;b",     ";a=b c",
        ";a b",   ";a==b",  ";a=b=c",      ";a,b",  ";a=\"",  ";a=\"b", ";a=\"b\"c", ";a=\"b\\",  ";a\"b\"",
        ";\"a\"", ";a=(b)", ";a=\xc3\xa9", ";\xe9", ";a=b/c", ";a ",    ";a=b ",     ";a=\"b\" ", ";a=b\t"})
    check(bad, "chunk_extension");
}

// A bare CR or LF, or a control byte, anywhere in it: another reader might see the line end there.
TEST(BodyExtension, MayNotHideALineEnd) {
  for (const std::string_view bad : {";\nX", ";a\n", ";a=\n", ";a=b\n", ";a=\"\n\"", ";a=\"\\\n\"", ";a=\"b\"\n",
                                     ";a \n", ";a=\"\r\"", ";a=\"\r\n\"", ";a=\"\\\r\"", ";\r", ";a=\r"})
    check(bad, "chunk_extension");
  for (const std::string_view bad : {"\n", " \n", "\t\n", " ;\n", "\r", ";a\rb", ";a=b\rc", ";a=\"b\"\rc"}) {
    const std::string word = bad.find(';') == bad.npos || bad.find('\r') != bad.npos ? "chunk_size" : "chunk_extension";
    check(bad, word);
  }
  for (int c = 0; c < 256; ++c) {
    const bool is_text = c == '\t' || (c >= 0x20 && c != 0x7f);
    const std::string octet(1, static_cast<char>(c));
    const auto word = decode_chunked("5;a=\"b" + octet).word;
    EXPECT_EQ(word, is_text ? "more" : "chunk_extension") << c;
    EXPECT_EQ(decode_chunked("5;a=\"b\\" + octet).word, is_text ? "more" : "chunk_extension") << c;
  }
  check(";a=\0"s, "chunk_extension");
}

// Whatever is read, at most so much of it: else a sender could keep a worker busy without ever sending data.
TEST(BodyExtension, IsBounded) {
  constexpr std::size_t kMax = limits::kChunkExtensionMax;
  // What is counted begins behind the ';', and ends with the CR.
  const auto with = [](std::size_t size) { return "1;" + std::string(size - 1, 'a') + "\r\nx\r\n0\r\n\r\n"; };
  EXPECT_EQ(decode_chunked(with(kMax)).word, "complete");
  EXPECT_EQ(decode_chunked(with(kMax + 1)).word, "chunk_extension");
  EXPECT_EQ(decode_chunked("1;" + std::string(1 << 20, 'a')).word, "chunk_extension");
  EXPECT_EQ(decode_chunked("1;a=\"" + std::string(1 << 20, 'a')).word, "chunk_extension");
  EXPECT_EQ(decode_chunked("1;a=\"" + std::string(1 << 20, '\\')).word, "chunk_extension");
  EXPECT_EQ(decode_chunked("1" + std::string(1 << 20, ' ')).word, "chunk_extension");
  EXPECT_EQ(decode_chunked("1;" + std::string(1 << 20, '\t')).word, "chunk_extension");
  EXPECT_EQ(decode_chunked("1;a" + std::string(1 << 20, ' ')).word, "chunk_extension");
  std::string many = "1";
  for (int i = 0; i < 100'000; ++i) many += ";a=b";
  EXPECT_EQ(decode_chunked(many).word, "chunk_extension");
}

// Each chunk has the whole allowance.
TEST(BodyExtension, IsCountedPerChunk) {
  std::string octets;
  for (int i = 0; i < 8; ++i) octets += "1;" + std::string(limits::kChunkExtensionMax - 1, 'a') + "\r\nx\r\n";
  const Decoded decoded = decode_chunked(octets + "0\r\n\r\n");
  EXPECT_EQ(decoded.word, "complete");
  EXPECT_EQ(decoded.data, "xxxxxxxx");
}

}  // namespace
}  // namespace shellac::http
