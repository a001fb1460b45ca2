// RFC 9110 §14: ranges that are asked for, chosen and told.
#include "shellac/http/range.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "shellac/http/date.hpp"

namespace shellac::http {
namespace {

std::string asked(std::string_view value) {
  Fields fields;
  fields.add("Range", value);
  const auto set = parse_range(fields);
  if (!set) return "ignored";
  std::string text;
  for (const RangeSpec& spec : *set) {
    text += text.empty() ? "" : " ";
    text += (spec.first ? std::to_string(*spec.first) : "") + "-" + (spec.last ? std::to_string(*spec.last) : "");
  }
  return text;
}

std::string chosen(std::string_view value, std::uint64_t length) {
  Fields fields;
  fields.add("Range", value);
  const RangeSelection selection = select_ranges(*parse_range(fields), length);
  if (selection.kind == RangeSelection::Kind::whole) return "whole";
  if (selection.kind == RangeSelection::Kind::unsatisfiable) return "416";
  std::string text;
  for (const ByteRange& range : selection.ranges)
    text += (text.empty() ? "" : " ") + std::to_string(range.first) + "-" + std::to_string(range.last);
  return text;
}

struct Row {
  std::string_view text, expected;
};

TEST(Range, Asked) {
  const std::vector<Row> rows = {
      {"bytes=0-9", "0-9"},
      {"BYTES=0-9", "0-9"},  // §14.1: units are compared without regard to case
      {"bytes=5-", "5-"},
      {"bytes=-5", "-5"},
      {"bytes=0-1, 3-4 ,-2", "0-1 3-4 -2"},
      {"bytes=,0-1,,", "0-1"},
      {"bytes=0-99999999999999999999", "0-18446744073709551615"},
      // §14.2: malformed, or of a unit that is not known: ignored.
      {"bytes=", "ignored"},
      {"bytes", "ignored"},
      {"bytes=-", "ignored"},
      {"bytes=9-0", "ignored"},
      {"bytes=a-b", "ignored"},
      {"bytes=0-1;x", "ignored"},
      {"bytes=+0-1", "ignored"},
      {"bytes=0 - 1", "ignored"},
      {"bytes=0-1-2", "ignored"},
      {"bytes=0-1, x", "ignored"},
      {"lines=0-1", "ignored"},
      {"", "ignored"},
      {"bytes=0-0,1-1,2-2,3-3,4-4,5-5,6-6,7-7,8-8,9-9,10-10,11-11,12-12,13-13,14-14,15-15,16-16", "ignored"},
  };
  for (const Row& row : rows) EXPECT_EQ(asked(row.text), row.expected) << row.text;
}

TEST(Range, TwoLinesAreIgnored) {
  Fields fields;
  EXPECT_FALSE(parse_range(fields));
  fields.add("Range", "bytes=0-1");
  fields.add("Range", "bytes=0-1");
  EXPECT_FALSE(parse_range(fields));
}

TEST(Range, Chosen) {
  const std::vector<Row> rows = {
      {"bytes=0-1", "0-1"},     {"bytes=8-20", "8-9"},    {"bytes=5-", "5-9"},          {"bytes=-3", "7-9"},
      {"bytes=-30", "0-9"},     {"bytes=10-", "416"},     {"bytes=-0", "416"},          {"bytes=0-1,20-", "0-1"},
      {"bytes=20-,30-", "416"}, {"bytes=0-,0-", "whole"}, {"bytes=0-4,5-9", "0-4 5-9"}, {"bytes=0-5,4-9", "whole"},
  };
  for (const Row& row : rows) EXPECT_EQ(chosen(row.text, 10), row.expected) << row.text;
  EXPECT_EQ(chosen("bytes=0-", 0), "416");
  EXPECT_EQ(chosen("bytes=-1", 0), "416");
}

TEST(Range, IfRange) {
  const WallTime now = *parse_date("Mon, 07 Nov 1994 00:00:00 GMT", {});
  const WallTime modified = *parse_date("Sun, 06 Nov 1994 08:49:37 GMT", now);
  const auto wanted = [&](std::string_view value, std::string_view etag, std::optional<WallTime> date) {
    Fields fields;
    if (!value.empty()) fields.add("If-Range", value);
    return is_range_wanted(fields, {.etag = etag, .last_modified = modified}, date, now);
  };
  EXPECT_TRUE(wanted("", "\"a\"", now));
  EXPECT_TRUE(wanted("\"a\"", "\"a\"", now));
  EXPECT_FALSE(wanted("\"b\"", "\"a\"", now));
  EXPECT_FALSE(wanted("W/\"a\"", "W/\"a\"", now));  // §13.1.5: strong comparison
  EXPECT_TRUE(wanted("Sun, 06 Nov 1994 08:49:37 GMT", "", now));
  EXPECT_FALSE(wanted("Sun, 06 Nov 1994 08:49:38 GMT", "", now));
  EXPECT_FALSE(wanted("Sun, 06 Nov 1994 08:49:37 GMT", "", modified));  // §8.8.2.2: not strong
  EXPECT_FALSE(wanted("Sun, 06 Nov 1994 08:49:37 GMT", "", std::nullopt));
  EXPECT_FALSE(wanted("junk", "\"a\"", now));
}

TEST(Range, ContentRange) {
  Arena arena;
  for (const std::string_view text : {"bytes 0-4/10", "bytes 4-9/10", "bytes 0-4/*", "bytes */10"}) {
    const auto range = parse_content_range(text);
    ASSERT_TRUE(range) << text;
    EXPECT_EQ(write_content_range(*range, arena), text);
  }
  for (const std::string_view text : {"bytes 4-3/10", "bytes 0-10/10", "bytes */*", "bytes 0-4", "lines 0-4/10",
                                      "0-4/10", "bytes 0-4/-1", "bytes 0-18446744073709551615/*", "bytes a-4/10", ""})
    EXPECT_FALSE(parse_content_range(text)) << text;
}

TEST(Range, Multipart) {
  Arena arena;
  for (const std::string_view type : {"image/png", ""}) {
    const MultipartForm form{"xyz", type, 10};
    const RangeSelection selection{.kind = RangeSelection::Kind::partial, .ranges = {{0, 1}, {5, 9}}};
    std::string body;
    for (const ByteRange& range : selection.ranges)
      body += std::string(write_part_head(form, range, arena)) + std::string(range.size(), 'o');
    body += write_multipart_end("xyz", arena);
    EXPECT_EQ(body.size(), multipart_size(form, selection));
    EXPECT_NE(body.find("\r\n--xyz\r\n"), body.npos);
    EXPECT_NE(body.find("\r\nContent-Range: bytes 5-9/10\r\n\r\nooooo\r\n--xyz--\r\n"), body.npos);
    EXPECT_EQ(body.find("Content-Type: image/png\r\n") != body.npos, !type.empty());
  }
  EXPECT_EQ(write_multipart_type("xyz", arena), "multipart/byteranges; boundary=xyz");
}

}  // namespace
}  // namespace shellac::http
