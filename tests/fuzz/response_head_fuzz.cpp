// Response heads: the first octet chooses the request's method. One verdict however they come, one reading when
// accepted, and what is written of them is parsed as the same answer again.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "heads.hpp"
#include "shellac/core/arena.hpp"
#include "shellac/http/forwarding.hpp"
#include "shellac/http/writer.hpp"

namespace {

using namespace shellac;
using namespace shellac::http;

constexpr HeadLimits kRoomy{.head_bytes = 256 * 1024, .fields = 1000, .target_bytes = 0};

void require_sound(std::string_view head, Method method, const ResponseHead& parsed) {
  const Reading reading = read_plainly(head);
  require(reading.lines == parsed.fields.size());
  require(reading.first_line.starts_with(to_string(parsed.version)) && parsed.version != Version::http2);
  require(reading.first_line.substr(9, 3) == std::to_string(parsed.status));
  require(parsed.status >= 100 && parsed.status <= 599);
  if (is_bodyless(method, parsed.status)) {
    require(parsed.framing == Framing::none || parsed.framing == Framing::length);
    if (parsed.status < 200) require(reading.lengths + reading.encodings == 0);
    if (parsed.status == 204) require(reading.encodings == 0 && parsed.framing == Framing::none);
    return;
  }
  require((parsed.framing == Framing::length) == (reading.lengths == 1));
  require((parsed.framing == Framing::chunked) == (reading.encodings == 1));
  require((parsed.framing == Framing::until_close) == (reading.lengths + reading.encodings == 0));
  require(parsed.framing != Framing::chunked || parsed.version == Version::http11);
  require(parsed.framing != Framing::until_close || !parsed.keep_alive);
}

void require_round_trip(const ResponseHead& head, Method method) {
  const bool bodyless = is_bodyless(method, head.status);
  const WireFraming framing{
      .kind = bodyless ? Framing::none : head.framing, .length = head.content_length, .close = !head.keep_alive};
  const std::uint64_t* const length = bodyless && head.framing == Framing::length ? &head.content_length : nullptr;
  std::vector<char> wire(head_size_max(head, framing));
  const std::string_view octets(wire.data(), write_head(head, framing, length, wire));

  HeadScan scan(HeadScan::Kind::response, kRoomy);
  require(scan.scan(octets) == HeadScan::State::complete && scan.size() == octets.size());
  ResponseHead again;
  require(!parse_response(octets, method, again));
  require_sound(octets, method, again);
  require(again.status == head.status && again.framing == head.framing);
  require(head.framing != Framing::length || again.content_length == head.content_length);
  require(again.reason == (head.reason.empty() ? reason_phrase(head.status) : head.reason));
  require(again.keep_alive == head.keep_alive);
  require_same_fields(again.fields, head.fields, false);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Method method = data[0] % 2 == 0 ? Method::get : Method::head;
  const std::string_view octets(reinterpret_cast<const char*>(data) + 1, size - 1);
  scan_every_way(HeadScan::Kind::response, {.head_bytes = 64, .fields = 3, .target_bytes = 0}, octets);
  const auto head = scan_every_way(HeadScan::Kind::response, {}, octets);
  if (!head) return 0;
  ResponseHead parsed;
  if (parse_response(*head, method, parsed)) return 0;
  require_sound(*head, method, parsed);
  require_round_trip(parsed, method);
  Arena arena;
  strip_hop_by_hop(parsed);
  add_response_fields(parsed, "fresh", arena);
  require(!parsed.fields.has(FieldId::connection) && parsed.fields.count(FieldId::x_request_id) == 1);
  require_round_trip(parsed, method);
  return 0;
}
