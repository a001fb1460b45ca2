// Verdicts on messages as words, so that a test reads as a line of a table.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "shellac/http/body_decoder.hpp"
#include "shellac/http/head_scan.hpp"
#include "shellac/http/parser.hpp"
#include "shellac/http/writer.hpp"

namespace shellac::http {

using Kind = HeadScan::Kind;

inline std::string escaped(std::string_view text) { return testing::PrintToString(std::string(text)); }

// The growing buffer at these sizes; the last is the whole of it. Moves each time, as a real buffer may.
inline std::string scan_at(Kind kind, std::string_view octets, const std::vector<std::size_t>& sizes, HeadScan& scan) {
  (void)kind;
  for (const std::size_t size : sizes) {
    const std::string moved(octets.substr(0, size));
    switch (scan.scan(moved)) {
      case HeadScan::State::need_more:
        break;
      case HeadScan::State::complete:
        return "complete";
      case HeadScan::State::refused:
        return std::string(to_string(scan.refusal()));
    }
  }
  return "more";
}

inline std::string_view head_of(const HeadScan& scan, std::string_view octets) {
  return octets.substr(scan.start(), scan.size() - scan.start());
}

// "ok", "more", or the refusal's word. The head's views point into `octets`.
inline std::string judge(std::string_view octets, RequestHead& head, HeadLimits limits = {}) {
  HeadScan scan(Kind::request, limits);
  const std::string word = scan_at(Kind::request, octets, {octets.size()}, scan);
  if (word != "complete") return word;
  const auto refusal = parse_request(head_of(scan, octets), head);
  return refusal ? std::string(to_string(*refusal)) : "ok";
}

inline std::string judge(std::string_view octets, ResponseHead& head, Method method = Method::get) {
  HeadScan scan(Kind::response);
  const std::string word = scan_at(Kind::response, octets, {octets.size()}, scan);
  if (word != "complete") return word;
  const auto refusal = parse_response(head_of(scan, octets), method, head);
  return refusal ? std::string(to_string(*refusal)) : "ok";
}

inline std::string request(std::string_view octets) {
  RequestHead head;
  return judge(octets, head);
}

inline std::string response(std::string_view octets, Method method = Method::get) {
  ResponseHead head;
  return judge(octets, head, method);
}

// The scan's verdict, where it stood and where the head ends, must not depend on how the octets come.
inline void expect_same_at_every_split(Kind kind, std::string_view octets, HeadLimits limits = {}) {
  HeadScan whole(kind, limits);
  const std::string word = scan_at(kind, octets, {octets.size()}, whole);
  std::vector<std::size_t> every;
  for (std::size_t size = 1; size <= octets.size(); ++size) every.push_back(size);
  const auto expect = [&](const std::vector<std::size_t>& sizes) {
    HeadScan scan(kind, limits);
    EXPECT_EQ(scan_at(kind, octets, sizes, scan), word)
        << escaped(octets) << " in " << sizes.size() << " pieces, " << sizes[0];
    if (word != "complete") return;
    EXPECT_EQ(scan.start(), whole.start()) << escaped(octets);
    EXPECT_EQ(scan.size(), whole.size()) << escaped(octets);
  };
  if (!every.empty()) expect(every);
  for (const std::size_t size : every) expect({size, octets.size()});
}

// What a decoder makes of an input that comes in pieces.
struct Decoded {
  std::string word;  // "complete", "more" or the refusal's
  std::string data;
  std::size_t consumed = 0;
  std::vector<std::string> trailers;
  bool finished = false;  // what finish() says behind it
  friend bool operator==(const Decoded&, const Decoded&) = default;
};

inline Decoded decode(Framing framing, std::uint64_t length, const std::vector<std::string_view>& pieces) {
  BodyDecoder decoder(framing, length);
  Decoded out;
  out.word = decoder.is_complete() ? "complete" : "more";
  for (std::string_view piece : pieces) {
    while (!piece.empty() && out.word == "more") {
      const std::string copy(piece);  // an allocation of its own: reading past it is seen
      const BodyDecoder::Step step = decoder.step(copy);
      out.data += step.data;
      out.consumed += step.consumed;
      piece.remove_prefix(step.consumed);
      if (step.state == BodyDecoder::State::complete) out.word = "complete";
      if (step.state == BodyDecoder::State::refused) out.word = to_string(step.refusal);
      if (step.state == BodyDecoder::State::need_more && step.consumed == 0) out.word = "stuck";
    }
  }
  for (const Field& field : decoder.trailers())
    out.trailers.push_back(std::string(field.name) + ": " + std::string(field.value));
  EXPECT_EQ(decoder.received(), out.data.size());
  out.finished = decoder.finish();
  return out;
}

inline Decoded decode_chunked(std::string_view octets) { return decode(Framing::chunked, 0, {octets}); }

// Refused input: how much was consumed before depends on the pieces, all else does not.
inline Decoded comparable(Decoded decoded) {
  if (decoded.word != "complete" && decoded.word != "more") decoded.consumed = 0;
  return decoded;
}

}  // namespace shellac::http
