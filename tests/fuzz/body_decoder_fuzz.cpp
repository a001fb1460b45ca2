// Bodies: the first two octets choose framing and pieces. What is understood must not depend on the pieces; a chunked
// body that is whole is read alike by a plain second reader, and again after it was written anew.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "shellac/core/text.hpp"
#include "shellac/http/body_decoder.hpp"
#include "shellac/http/parser.hpp"
#include "shellac/http/writer.hpp"

namespace {

using namespace shellac;
using namespace shellac::http;
using State = BodyDecoder::State;

void require(bool condition) {
  if (!condition) std::abort();
}

struct Body {
  State state = State::need_more;
  Refusal refusal{};
  std::string data, trailers;
  std::size_t consumed = 0;
  bool finished = false;
};

void feed(BodyDecoder& decoder, std::string_view piece, Body& body) {
  while (!piece.empty() && body.state == State::need_more) {
    const std::vector<char> copy(piece.begin(), piece.end());
    const BodyDecoder::Step step = decoder.step({copy.data(), copy.size()});
    require(step.consumed <= piece.size() && step.data.size() <= step.consumed);
    require(step.state != State::need_more || step.consumed > 0);
    body.state = step.state;
    body.refusal = step.refusal;
    body.data += step.data;
    body.consumed += step.consumed;
    piece.remove_prefix(step.consumed);
  }
}

Body decode(Framing framing, std::uint64_t length, std::string_view octets, std::size_t piece_size) {
  BodyDecoder decoder(framing, length);
  Body body;
  if (decoder.is_complete()) body.state = State::complete;
  for (std::size_t at = 0; at < octets.size(); at += piece_size) feed(decoder, octets.substr(at, piece_size), body);
  require(decoder.received() == body.data.size());
  require(decoder.is_complete() == (body.state == State::complete));
  for (const Field& field : decoder.trailers()) {
    require(is_token(field.name) && is_field_value(field.value) && field_id(field.name) == field.id);
    body.trailers += std::string(field.name) + ":" + std::string(field.value) + "\n";
  }
  body.finished = decoder.finish();
  require(body.finished == (body.state == State::complete || (framing == Framing::until_close)));
  return body;
}

void require_same(const Body& a, const Body& b) {
  require(a.state == b.state && a.data == b.data && a.trailers == b.trailers && a.finished == b.finished);
  require(a.state != State::refused || a.refusal == b.refusal);
  require(a.state != State::complete || a.consumed == b.consumed);
}

// The line at `at`, which must end with CRLF and hold neither alone.
std::string_view line_at(std::string_view octets, std::size_t& at) {
  const std::size_t end = octets.find("\r\n", at);
  require(end != octets.npos);
  const std::string_view line = octets.substr(at, end - at);
  require(line.find_first_of("\r\n") == line.npos);
  at = end + 2;
  return line;
}

// Reads a body of chunks that is said to be whole.
void require_whole(std::string_view octets, const Body& body) {
  std::string data;
  std::size_t at = 0;
  for (;;) {
    const std::string_view line = line_at(octets, at);
    const std::size_t digits = std::min(line.find_first_not_of("0123456789abcdefABCDEF"), line.size());
    require(digits >= 1 && digits <= 16);
    require(digits == line.size() || line[digits] == ';' || line[digits] == ' ' || line[digits] == '\t');
    const std::size_t size = std::stoull(std::string(line.substr(0, digits)), nullptr, 16);
    if (size == 0) break;
    require(size <= octets.size() - at);
    data += octets.substr(at, size);
    at += size;
    require(line_at(octets, at).empty());
  }
  for (std::string_view line = line_at(octets, at); !line.empty(); line = line_at(octets, at)) {
    const std::size_t colon = line.find(':');
    require(colon != line.npos && is_token(line.substr(0, colon)));
    require(!iequals(line.substr(0, colon), "Content-Length") && !iequals(line.substr(0, colon), "Transfer-Encoding"));
  }
  require(data == body.data && at == body.consumed);
}

void require_round_trip(const Body& body, std::size_t chunk) {
  std::string wire;
  for (std::size_t at = 0; at < body.data.size(); at += chunk) {
    const std::string_view piece = std::string_view(body.data).substr(at, chunk);
    std::array<char, 18> size{};
    wire.append(size.data(), write_chunk_size(piece.size(), size));
    wire += piece;
    wire += kChunkEnd;
  }
  Fields trailers;
  for (std::string_view rest = body.trailers; !rest.empty(); rest.remove_prefix(rest.find('\n') + 1)) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    trailers.add(line.substr(0, line.find(':')), line.substr(line.find(':') + 1));
  }
  wire += write_last_chunk(&trailers);
  const Body again = decode(Framing::chunked, 0, wire, wire.size());
  require(again.state == State::complete && again.consumed == wire.size());
  // White space that the writer adds may put trailers of nearly the largest size over the limit; these are smaller.
  require(again.data == body.data && again.trailers == body.trailers);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > 8192) return 0;
  constexpr std::array<Framing, 4> kFramings{Framing::chunked, Framing::length, Framing::until_close, Framing::none};
  // An octet that is text chooses chunked, so that a corpus can be read.
  const Framing framing = data[0] < 4 ? kFramings[data[0]] : Framing::chunked;
  const std::uint64_t length = data[1];
  const std::size_t piece = 1 + data[1] % 16;
  const std::string_view octets(reinterpret_cast<const char*>(data) + 2, size - 2);

  const Body whole = decode(framing, length, octets, octets.size() + 1);
  require_same(decode(framing, length, octets, 1), whole);
  require_same(decode(framing, length, octets, piece), whole);
  if (framing == Framing::length && whole.state == State::complete) require(whole.data.size() == length);
  if (framing != Framing::chunked || whole.state != State::complete) return 0;
  require_whole(octets, whole);
  require_round_trip(whole, piece);
  return 0;
}
