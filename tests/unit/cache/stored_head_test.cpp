// RFC 9111 §3.1, §3.2, §4.3: what is kept of a head and what is made of it.
#include "shellac/cache/stored_head.hpp"

#include <gtest/gtest.h>

#include "cache/rules_fixture.hpp"

namespace shellac::cache {
namespace {

std::string lines_of(const http::Fields& fields) {
  std::string text;
  for (const http::Field& field : fields) text += std::string(field.name) + ": " + std::string(field.value) + "\n";
  return text;
}

TEST(StoredHead, Lines) {
  Arena arena;
  Storing storing;
  storing.strip_set_cookie = true;
  storing.unstored = {"X-Secret"};
  const Lines sent = {{"Date", kNow},
                      {"Age", "3"},
                      {"Connection", "close"},
                      {"Keep-Alive", "x"},
                      {"Content-Length", "5"},
                      {"TE", "x"},
                      {"Upgrade", "x"},
                      {"Transfer-Encoding", "chunked"},
                      {"Proxy-Authenticate", "x"},
                      {"Proxy-Authentication-Info", "x"},
                      {"Proxy-Connection", "x"},
                      {"Cache-Status", "x"},
                      {"Surrogate-Control", "max-age=5"},
                      {"Set-Cookie", "a=b"},
                      {"x-secret", "1"},
                      {"CDN-Cache-Control", "max-age=5"},
                      {"Content-Range", "x"},
                      {"X-A", "1"},
                      {"X-A", ""}};
  const auto text = write_lines(response_of(sent), storing, now(), arena);
  EXPECT_EQ(
      text,
      "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nCDN-Cache-Control: max-age=5\r\nContent-Range: x\r\nX-A: 1\r\nX-A: \r\n");
  http::Fields read;
  read_lines(text, read);
  EXPECT_EQ(read.size(), 5u);
  EXPECT_EQ(read.value(http::FieldId::date), kNow);
  EXPECT_EQ(write_lines(response_of({{"X", "1"}}), {}, now(), arena),
            "X: 1\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
  EXPECT_NE(write_lines(response_of({{"Set-Cookie", "a=b"}}), {}, now(), arena).find("Set-Cookie: a=b\r\n"), text.npos);
}

TEST(StoredHead, Merge) {
  http::Fields out;
  merge_fields(fields_of({{"ETag", "\"a\""},
                          {"X", "1"},
                          {"X", "2"},
                          {"Y", "1"},
                          {"Content-Length", "5"},
                          {"Content-Encoding", "br"},
                          {"Content-Type", "a/b"},
                          {"Content-MD5", "m"},
                          {"Set-Cookie", "a=b"}}),
               fields_of({{"ETag", "\"b\""},
                          {"x", "3"},
                          {"Z", "1"},
                          {"Content-Length", "0"},
                          {"Content-Encoding", "gzip"},
                          {"Content-Type", "c/d"},
                          {"Content-MD5", "n"},
                          {"Content-Range", "r"},
                          {"Connection", "x"},
                          {"Set-Cookie", "a=c"},
                          {"Age", "7"}}),
               out);
  EXPECT_EQ(
      lines_of(out),
      "ETag: \"a\"\nY: 1\nContent-Length: 5\nContent-Encoding: br\nContent-MD5: m\nx: 3\nZ: 1\nContent-Type: c/d\n"
      "Set-Cookie: a=c\nAge: 7\n");
  http::Fields dated, undated;
  merge_fields(fields_of({{"Date", kHourAgo}}), fields_of({{"Date", kNow}}), dated);
  EXPECT_EQ(dated.value(http::FieldId::date), kNow);
  merge_fields(fields_of({{"Date", kHourAgo}}), fields_of({}), undated);
  EXPECT_FALSE(undated.has(http::FieldId::date));
  http::Fields named;
  merge_fields(fields_of({{"X", "1"}}), fields_of({{"ETag", "\"b\""}}), named);
  EXPECT_EQ(lines_of(named), "X: 1\nETag: \"b\"\n");
}

TEST(StoredHead, NotModified) {
  http::Fields out;
  not_modified_fields(fields_of({{"Date", "d"},
                                 {"ETag", "\"a\""},
                                 {"Last-Modified", "l"},
                                 {"Cache-Control", "c"},
                                 {"Content-Location", "/p"},
                                 {"Expires", "e"},
                                 {"Vary", "v"},
                                 {"Content-Type", "t"},
                                 {"Content-Encoding", "br"},
                                 {"Content-Language", "de"}}),
                      out);
  EXPECT_EQ(lines_of(out), "Date: d\nETag: \"a\"\nCache-Control: c\nContent-Location: /p\nExpires: e\nVary: v\n");
  http::Fields dated;
  not_modified_fields(fields_of({{"Last-Modified", "l"}}), dated);
  EXPECT_TRUE(dated.has(http::FieldId::last_modified));
}

TEST(StoredHead, Conditional) {
  const Lines client = {{"If-None-Match", "\"c\""},
                        {"If-Range", "\"c\""},
                        {"Range", "bytes=0-1"},
                        {"If-Match", "*"},
                        {"If-Modified-Since", "x"},
                        {"If-Unmodified-Since", "x"},
                        {"Abc", "1"}};
  http::Fields request = fields_of(client);
  EXPECT_TRUE(make_conditional(fields_of({{"ETag", "W/\"a\""}, {"Last-Modified", "then"}}), request));
  EXPECT_EQ(lines_of(request), "Abc: 1\nIf-None-Match: W/\"a\"\nIf-Modified-Since: then\n");
  request = fields_of(client);
  EXPECT_FALSE(make_conditional(fields_of({{"X", "1"}}), request));
  EXPECT_EQ(lines_of(request), "Abc: 1\n");
}

TEST(StoredHead, Validators) {
  const auto one = validators_of(fields_of({{"ETag", "\"a\""}, {"Last-Modified", kHourAgo}}), now());
  EXPECT_EQ(one.etag, "\"a\"");
  EXPECT_EQ(one.last_modified, now() - std::chrono::hours(1));
  EXPECT_FALSE(validators_of(fields_of({{"Last-Modified", "junk"}}), now()).last_modified);
  EXPECT_TRUE(is_validated_by(fields_of({{"ETag", "\"a\""}}), fields_of({{"ETag", "\"b\""}})));
  EXPECT_FALSE(is_validated_by(fields_of({}), fields_of({{"ETag", "\"b\""}})));
}

}  // namespace
}  // namespace shellac::cache
