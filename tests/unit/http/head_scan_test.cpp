// Where heads begin and end, and what the scan alone decides about responses and trailers. (Requests:
// request_refusal_test.cpp.)
#include "http/fixture.hpp"
#include "shellac/core/limits.hpp"

namespace shellac::http {
namespace {

using namespace std::string_literals;

void check(Kind kind, const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    const Feed feed{.kind = kind};
    EXPECT_EQ(first_word(understand(feed, row.octets, {row.octets.size()})), row.verdict) << escaped(row.octets);
    expect_same_at_every_split(feed, row.octets);
  }
}

TEST(HeadScan, TellsWhereTheHeadLies) {
  HeadScan scan(Kind::request);
  const std::string octets = "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nbody";
  ASSERT_EQ(scan.scan(octets), HeadScan::State::complete);
  EXPECT_EQ(scan.start(), 4u);
  EXPECT_EQ(octets.substr(scan.size()), "body");
  // Complete stays complete, refused stays refused.
  EXPECT_EQ(scan.scan(octets + "more"), HeadScan::State::complete);
  EXPECT_EQ(octets.substr(scan.size()), "body");
  HeadScan bad(Kind::request);
  EXPECT_EQ(bad.scan("GET\n"), HeadScan::State::refused);
  EXPECT_EQ(bad.scan(octets), HeadScan::State::refused);
  EXPECT_EQ(bad.refusal(), Refusal::line_end);
}

// The deadline of the head begins with its first octet, that of an idle connection goes on through empty lines.
TEST(HeadScan, IsStartedByTheFirstOctetThatIsNoEmptyLine) {
  HeadScan scan(Kind::request);
  EXPECT_EQ(scan.scan(""), HeadScan::State::need_more);
  EXPECT_FALSE(scan.started());
  EXPECT_EQ(scan.scan("\r"), HeadScan::State::need_more);
  EXPECT_FALSE(scan.started());
  EXPECT_EQ(scan.scan("\r\n"), HeadScan::State::need_more);
  EXPECT_FALSE(scan.started());
  EXPECT_EQ(scan.scan("\r\nG"), HeadScan::State::need_more);
  EXPECT_TRUE(scan.started());
  HeadScan refused(Kind::request);
  EXPECT_EQ(refused.scan("\n"), HeadScan::State::refused);
  EXPECT_TRUE(refused.started());
  HeadScan answer(Kind::response);
  EXPECT_FALSE(answer.started());
  EXPECT_EQ(answer.scan("H"), HeadScan::State::need_more);
  EXPECT_TRUE(answer.started());
}

TEST(HeadScan, StatusLines) {
  check(Kind::response, {
                            {"HTTP/1.1 200 OK\r\n\r\n", "ok"},
                            {"HTTP/1.0 200 OK\r\n\r\n", "ok"},
                            {"HTTP/1.1 200 \r\n\r\n", "ok"},
                            {"HTTP/1.1 200\r\n\r\n", "ok"},
                            {"HTTP/1.1 200 Not  even \t\xe9 close\r\n\r\n", "ok"},
                            {"HTTP/1.1 100 Continue\r\n\r\n", "ok"},
                            {"HTTP/1.1 599 x\r\n\r\n", "ok"},
                            {"HTTP/2.0 200 OK\r\n\r\n", "version"},
                            {"HTTP/1.2 200 OK\r\n\r\n", "version"},
                            {"HTTP/0.9 200 OK\r\n\r\n", "version"},
                            {"HTTP/2 200\r\n\r\n", "status_line"},
                            {"HTTP/11 200 OK\r\n\r\n", "status_line"},
                            {"http/1.1 200 OK\r\n\r\n", "status_line"},
                            {"ICY 200 OK\r\n\r\n", "status_line"},
                            {"RTSP/1.0 200 OK\r\n\r\n", "status_line"},
                            {"HTTP/1.1  200 OK\r\n\r\n", "status_line"},
                            {"HTTP/1.1\t200 OK\r\n\r\n", "control_byte"},
                            {"HTTP/1.1 20 OK\r\n\r\n", "status_line"},
                            {"HTTP/1.1 2000 OK\r\n\r\n", "status_line"},
                            {"HTTP/1.1 2x0 OK\r\n\r\n", "status_line"},
                            {"HTTP/1.1 +20 OK\r\n\r\n", "status_line"},
                            {"HTTP/1.1 -20 OK\r\n\r\n", "status_line"},
                            {"HTTP/1.1 200OK\r\n\r\n", "status_line"},
                            {"HTTP/1.1 200\tOK\r\n\r\n", "control_byte"},
                            {"HTTP/1.1 OK\r\n\r\n", "status_line"},
                            {"HTTP/1.1\r\n\r\n", "status_line"},
                            {"HTTP/1.1 099 x\r\n\r\n", "status_line"},
                            {"HTTP/1.1 000 x\r\n\r\n", "status_line"},
                            {"HTTP/1.1 600 x\r\n\r\n", "status_line"},
                            {"HTTP/1.1 999 x\r\n\r\n", "status_line"},
                            {"\r\nHTTP/1.1 200 OK\r\n\r\n", "status_line"},
                            {"<html>", "status_line"},
                            {"GET / HTTP/1.1\r\n\r\n", "status_line"},
                            {"HTTP/1.1 200 O\0K\r\n\r\n"s, "control_byte"},
                            {"HTTP/1.1 200 O\x1bK\r\n\r\n", "control_byte"},
                            {"HTTP/1.1 200 OK\n\r\n", "line_end"},
                            {"HTTP/1.1 200\n\r\n", "line_end"},
                            {"HTTP/1.1 200 OK\rX: y\r\n\r\n", "line_end"},
                            {"HTTP/1.1 200 OK\r\r\n\r\n", "line_end"},
                            {"HTTP/1.1 2\n", "line_end"},
                            {"\x15\x03\x01", "control_byte"},
                            {"HTTP/1.1 200 OK\r\n", "more"},
                            {"", "more"},
                        });
}

TEST(HeadScan, FieldLinesOfResponses) {
  const auto with = [](std::string_view lines) { return "HTTP/1.1 200 OK\r\n" + std::string(lines) + "\r\n"; };
  check(Kind::response, {
                            {with("X: y\r\n"), "ok"},
                            {with("X:\r\nX:y\r\n"), "ok"},
                            {with("X : y\r\n"), "field_name"},
                            {with(": y\r\n"), "field_name"},
                            {with("X y: z\r\n"), "field_name"},
                            {with("Content-Length\t: 5\r\n"), "field_name"},
                            {with("X\r\n"), "field_line"},
                            {with("X: y\r\n z\r\n"), "folding"},
                            {with("X: y\r\n\tz\r\n"), "folding"},
                            {with(" X: y\r\n"), "folding"},
                            {with("X: y\n"), "line_end"},
                            {with("X: y\nZ: a\r\n"), "line_end"},
                            {with("X: y\rZ: a\r\n"), "line_end"},
                            {with("X: \0\r\n"s), "control_byte"},
                            {with("X: \x7f\r\n"), "control_byte"},
                            {"HTTP/1.1 200 OK\r\nX: y\r\n\n", "line_end"},
                        });
}

TEST(HeadScan, Trailers) {
  check(Kind::trailers, {
                            {"\r\n", "ok"},
                            {"X: y\r\n\r\n", "ok"},
                            {"X: y\r\nZ:\r\n\r\n", "ok"},
                            {"\n", "line_end"},
                            {"\r\r", "line_end"},
                            {"X: y\n\r\n", "line_end"},
                            {"X : y\r\n\r\n", "field_name"},
                            {" X: y\r\n\r\n", "folding"},
                            {"X: y\r\n z\r\n\r\n", "folding"},
                            {"X\r\n\r\n", "field_line"},
                            {": y\r\n\r\n", "field_name"},
                            {"X: \x01\r\n\r\n", "control_byte"},
                            {"X: y\r\n", "more"},
                        });
}

// Whatever the limit, the verdict depends on the octets alone, and a head that fits is never refused.
TEST(HeadScan, EveryLimitOfOctets) {
  const std::string octets = "HTTP/1.1 200 OK\r\nX: y\r\nZ: a\r\n\r\n";
  for (std::size_t limit = 1; limit <= octets.size() + 1; ++limit) {
    const Feed feed{.kind = Kind::response, .limits = {.head_bytes = limit}};
    EXPECT_EQ(first_word(understand(feed, octets, {octets.size()})), limit < octets.size() ? "head_too_large" : "ok");
    expect_same_at_every_split(feed, octets);
  }
}

TEST(HeadScan, EveryLimitOfTheTarget) {
  const std::string octets = "GET /12345 HTTP/1.1\r\nHost: a\r\n\r\n";
  for (std::size_t limit = 0; limit <= 8; ++limit) {
    const Feed feed{.limits = {.target_bytes = limit}};
    EXPECT_EQ(first_word(understand(feed, octets, {octets.size()})), limit < 6 ? "target_too_long" : "ok");
    expect_same_at_every_split(feed, octets);
  }
}

TEST(HeadScan, EveryLimitOfFields) {
  const std::string octets = "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\nX: b\r\n\r\n";
  for (std::size_t limit = 0; limit <= 4; ++limit) {
    const Feed feed{.limits = {.fields = limit}};
    EXPECT_EQ(first_word(understand(feed, octets, {octets.size()})), limit < 3 ? "too_many_fields" : "ok");
    expect_same_at_every_split(feed, octets);
  }
}

// A target that fills the whole head is told as the target's fault: 414 says more than 431.
TEST(HeadScan, ATargetThatFillsTheHead) {
  const Feed feed{.limits = {.head_bytes = 40, .target_bytes = 1000}};
  const std::string octets = "GET /" + std::string(100, 'a');
  EXPECT_EQ(understand(feed, octets, {octets.size()}), "target_too_long");
  expect_same_at_every_split(feed, octets);
}

}  // namespace
}  // namespace shellac::http
