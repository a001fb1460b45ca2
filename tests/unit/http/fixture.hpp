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

// How a head is read, for the tables below.
struct Feed {
  Kind kind = Kind::request;
  Method method = Method::get;  // of the request that a response answers
  HeadLimits limits{};
};

inline std::string_view head_of(const HeadScan& scan, std::string_view octets) {
  return octets.substr(scan.start(), scan.size() - scan.start());
}

inline std::string describe(const Fields& fields) {
  std::string out;
  for (const Field& field : fields) out += " [" + std::string(field.name) + "|" + std::string(field.value) + "]";
  return out;
}

// Everything that the parser understood, in one line.
inline std::string describe(const RequestHead& head) {
  std::string out(head.method);
  for (const std::string_view part : {to_string(head.version), head.authority, head.path, head.query, head.upgrade})
    out += " <" + std::string(part) + ">";
  out += " form " + std::to_string(static_cast<int>(head.form)) + " framing " +
         std::to_string(static_cast<int>(head.framing)) + " length " + std::to_string(head.content_length);
  return out + (head.keep_alive ? " keep" : "") + (head.expect_continue ? " continue" : "") + describe(head.fields);
}
inline std::string describe(const ResponseHead& head) {
  return std::string(to_string(head.version)) + " " + std::to_string(head.status) + " <" + std::string(head.reason) +
         "> framing " + std::to_string(static_cast<int>(head.framing)) + " length " +
         std::to_string(head.content_length) + (head.keep_alive ? " keep" : "") + describe(head.fields);
}

// What is understood of a head in a growing buffer of these sizes, the last of which is the whole of it: "more", "ok"
// or the refusal's word, and behind it where the head lies and all that was parsed.
inline std::string understand(const Feed& feed, std::string_view octets, const std::vector<std::size_t>& sizes) {
  HeadScan scan(feed.kind, feed.limits);
  for (const std::size_t size : sizes) {
    // Moves each time, as a real buffer may, and has not an octet more: reading past it is seen.
    const std::vector<char> moved(octets.begin(), octets.begin() + static_cast<std::ptrdiff_t>(size));
    const std::string_view view(moved.data(), moved.size());
    const HeadScan::State state = scan.scan(view);
    if (state == HeadScan::State::refused) return std::string(to_string(scan.refusal()));
    if (state == HeadScan::State::need_more) continue;
    const std::string place = " " + std::to_string(scan.start()) + "-" + std::to_string(scan.size()) + " ";
    const auto word = [](const std::optional<Refusal>& refusal) {
      return refusal ? std::string(to_string(*refusal)) : "ok";
    };
    if (feed.kind == Kind::trailers) return "ok" + place;
    if (feed.kind == Kind::request) {
      RequestHead head;
      const auto refusal = parse_request(head_of(scan, view), head);
      return word(refusal) + place + describe(head);
    }
    ResponseHead head;
    const auto refusal = parse_response(head_of(scan, view), feed.method, head);
    return word(refusal) + place + describe(head);
  }
  return "more";
}

inline std::string first_word(const std::string& text) { return text.substr(0, text.find(' ')); }

// The head's views point into `octets`.
inline std::string judge(std::string_view octets, RequestHead& head, HeadLimits limits = {}) {
  HeadScan scan(Kind::request, limits);
  const HeadScan::State state = scan.scan(octets);
  if (state == HeadScan::State::need_more) return "more";
  if (state == HeadScan::State::refused) return std::string(to_string(scan.refusal()));
  const auto refusal = parse_request(head_of(scan, octets), head);
  return refusal ? std::string(to_string(*refusal)) : "ok";
}
inline std::string judge(std::string_view octets, ResponseHead& head, Method method = Method::get) {
  HeadScan scan(Kind::response);
  const HeadScan::State state = scan.scan(octets);
  if (state == HeadScan::State::need_more) return "more";
  if (state == HeadScan::State::refused) return std::string(to_string(scan.refusal()));
  const auto refusal = parse_response(head_of(scan, octets), method, head);
  return refusal ? std::string(to_string(*refusal)) : "ok";
}

inline std::string request(std::string_view octets) { return first_word(understand({}, octets, {octets.size()})); }
inline std::string response(std::string_view octets, Method method = Method::get) {
  return first_word(understand({.kind = Kind::response, .method = method}, octets, {octets.size()}));
}

// The verdict, where the head ends and all that is understood must not depend on how the octets come: split anywhere,
// one by one, or with more behind them.
inline void expect_same_at_every_split(const Feed& feed, std::string_view octets) {
  const std::string whole = understand(feed, octets, {octets.size()});
  std::vector<std::size_t> every;
  for (std::size_t size = 1; size <= octets.size(); ++size) every.push_back(size);
  if (!every.empty()) {
    EXPECT_EQ(understand(feed, octets, every), whole) << "one by one: " << escaped(octets);
  }
  for (const std::size_t size : every) {
    EXPECT_EQ(understand(feed, octets, {size, octets.size()}), whole) << "split at " << size << ": " << escaped(octets);
  }
  if (whole == "more") return;
  for (const std::string_view behind : {"G", "\r\n", "\n", " ", ": x\r\n\r\n"}) {
    const std::string more = std::string(octets) + std::string(behind);
    EXPECT_EQ(understand(feed, more, {more.size()}), whole) << "with more behind: " << escaped(more);
  }
}

// What write_head() makes of a head, in a buffer of exactly the size that it asks for.
inline std::string written(const RequestHead& head, std::string_view target, const WireFraming& framing) {
  std::vector<char> into(head_size_max(head, framing) + target.size());
  return {into.data(), write_head(head, target, framing, into)};
}
inline std::string written(const ResponseHead& head, const WireFraming& framing,
                           const std::uint64_t* head_length = nullptr) {
  std::vector<char> into(head_size_max(head, framing));
  return {into.data(), write_head(head, framing, head_length, into)};
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
      const std::vector<char> copy(piece.begin(), piece.end());  // of its own: reading past it is seen
      const BodyDecoder::Step step = decoder.step({copy.data(), copy.size()});
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

inline void expect_body_same_at_every_split(Framing framing, std::uint64_t length, std::string_view octets) {
  const Decoded whole = comparable(decode(framing, length, {octets}));
  std::vector<std::string_view> every;
  for (std::size_t i = 0; i < octets.size(); ++i) every.push_back(octets.substr(i, 1));
  EXPECT_EQ(comparable(decode(framing, length, every)), whole) << "one by one: " << escaped(octets);
  for (std::size_t at = 1; at < octets.size(); ++at) {
    EXPECT_EQ(comparable(decode(framing, length, {octets.substr(0, at), octets.substr(at)})), whole)
        << "split at " << at << ": " << escaped(octets);
  }
}

// Octets of a head, and what is to be said of them.
struct Row {
  std::string octets;
  std::string verdict;
};

}  // namespace shellac::http
