// What the fuzzers of request and response heads share: pieces, and a second opinion on what a sound head is.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shellac/core/text.hpp"
#include "shellac/http/head_scan.hpp"
#include "shellac/http/parser.hpp"

namespace shellac::http {

inline void require(bool condition) {
  if (!condition) std::abort();
}

// Scans `octets` as a growing buffer of these sizes, which moves each time.
inline HeadScan::State scan_in_pieces(HeadScan& scan, std::string_view octets, const std::vector<std::size_t>& sizes) {
  HeadScan::State state = HeadScan::State::need_more;
  for (const std::size_t size : sizes) {
    const std::vector<char> moved(octets.begin(), octets.begin() + static_cast<std::ptrdiff_t>(size));
    state = scan.scan({moved.data(), moved.size()});
    if (state != HeadScan::State::need_more) return state;
  }
  return state;
}

// The verdict must not depend on how the octets come. Returns the head when it is complete.
inline std::optional<std::string_view> scan_every_way(HeadScan::Kind kind, HeadLimits limits, std::string_view octets) {
  HeadScan whole(kind, limits);
  const HeadScan::State state = whole.scan(octets);
  const auto compare = [&](const std::vector<std::size_t>& sizes) {
    HeadScan scan(kind, limits);
    require(scan_in_pieces(scan, octets, sizes) == state);
    require(scan.started() == whole.started());
    if (state == HeadScan::State::refused) require(scan.refusal() == whole.refusal());
    if (state == HeadScan::State::complete) require(scan.size() == whole.size() && scan.start() == whole.start());
  };
  std::vector<std::size_t> every;
  if (octets.size() <= 512)
    for (std::size_t size = 1; size <= octets.size(); ++size) every.push_back(size);
  if (!every.empty()) compare(every);
  compare({octets.size() / 2, octets.size()});
  compare({octets.size() / 3, octets.size() - octets.size() / 4, octets.size()});
  if (state != HeadScan::State::need_more) {  // a verdict stands, whatever comes behind
    HeadScan more(kind, limits);
    require(more.scan(std::string(octets) + "\r\nX") == state);
    require(state != HeadScan::State::complete || more.size() == whole.size());
  }
  if (state != HeadScan::State::complete) return std::nullopt;
  require(whole.size() <= octets.size() && whole.size() <= limits.head_bytes && whole.start() < whole.size());
  return octets.substr(whole.start(), whole.size() - whole.start());
}

// An accepted head, looked at line by line without the parser: it has one reading only.
struct Reading {
  std::string_view first_line;
  std::size_t lengths = 0, encodings = 0, hosts = 0, lines = 0;
};
inline Reading read_plainly(std::string_view head) {
  Reading reading;
  require(head.ends_with("\r\n\r\n") && head.find("\r\n\r\n") == head.size() - 4);
  for (std::size_t at = 0; at < head.size(); ++at) {
    const auto octet = static_cast<unsigned char>(head[at]);
    if (octet == '\r') require(head[at + 1] == '\n');
    if (octet == '\n') require(at > 0 && head[at - 1] == '\r');
    require(octet >= 0x20 || octet == '\t' || octet == '\r' || octet == '\n');
    require(octet != 0x7f);
  }
  std::size_t end = head.find("\r\n");
  reading.first_line = head.substr(0, end);
  for (head.remove_prefix(end + 2); head != "\r\n"; head.remove_prefix(end + 2), ++reading.lines) {
    end = head.find("\r\n");
    const std::string_view line = head.substr(0, end);
    const std::size_t colon = line.find(':');
    require(colon != std::string_view::npos && is_token(line.substr(0, colon)));
    const std::string_view name = line.substr(0, colon), value = trim(line.substr(colon + 1));
    if (iequals(name, "Host")) ++reading.hosts;
    if (iequals(name, "Content-Length")) {
      ++reading.lengths;
      require(!value.empty() && value.find_first_not_of("0123456789") == value.npos);
    }
    if (iequals(name, "Transfer-Encoding")) {
      ++reading.encodings;
      require(iequals(value, "chunked"));
    }
  }
  require(reading.lengths + reading.encodings <= 1);
  return reading;
}

// Fields that a writer makes from the framing, or from the authority.
inline bool is_made_by_writer(FieldId id, bool of_request) {
  switch (id) {
    case FieldId::connection:
    case FieldId::keep_alive:
    case FieldId::proxy_connection:
    case FieldId::transfer_encoding:
    case FieldId::content_length:
    case FieldId::upgrade:
      return true;
    default:
      return of_request && id == FieldId::host;
  }
}

inline void require_same_fields(const Fields& a, const Fields& b, bool of_request) {
  const auto skip = [&](Fields::const_iterator at, const Fields& fields) {
    while (at != fields.end() && is_made_by_writer(at->id, of_request)) ++at;
    return at;
  };
  auto left = skip(a.begin(), a), right = skip(b.begin(), b);
  while (left != a.end() && right != b.end()) {
    require(left->name == right->name && left->value == right->value && left->id == right->id);
    left = skip(left + 1, a);
    right = skip(right + 1, b);
  }
  require(left == a.end() && right == b.end());
}

}  // namespace shellac::http
