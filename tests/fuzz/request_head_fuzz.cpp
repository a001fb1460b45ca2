// Request heads: one verdict however they come, one reading when accepted, and what is written of them is parsed as the
// same request again, also after a proxy's edits.
#include <algorithm>
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

constexpr HeadLimits kRoomy{.head_bytes = 256 * 1024, .fields = 1000, .target_bytes = 64 * 1024};

void require_sound(std::string_view head, const RequestHead& parsed) {
  const Reading reading = read_plainly(head);
  require(reading.lines == parsed.fields.size());
  const std::string_view line = reading.first_line;
  require(std::count(line.begin(), line.end(), ' ') == 2);
  require(line.starts_with(parsed.method) && is_token(parsed.method));
  require(line.ends_with(to_string(parsed.version)) && parsed.version != Version::http2);
  require(reading.hosts == 1 || (reading.hosts == 0 && parsed.version == Version::http10));
  require(parsed.authority.empty() || is_valid_authority(parsed.authority));
  require(parsed.path.starts_with('/') || (parsed.path == "*" && parsed.known == Method::options));
  require(parsed.query.empty() || parsed.query.front() == '?');
  require((parsed.framing == Framing::length) == (reading.lengths == 1));
  require((parsed.framing == Framing::chunked) == (reading.encodings == 1));
  require(parsed.framing != Framing::chunked || parsed.version == Version::http11);
}

void require_round_trip(const RequestHead& head) {
  // An expectation of HTTP/1.0 is ignored there and would count in HTTP/1.1; a proxy takes it out first.
  if (head.version == Version::http10 && head.fields.has(FieldId::expect)) return;
  if (head.authority.empty()) return;  // HTTP/1.0 without Host: written with an empty one, which we would not accept
  const WireFraming framing{.kind = head.framing,
                            .length = head.content_length,
                            .close = !head.keep_alive,
                            .keep_alive = false,
                            .upgrade = head.upgrade};
  const std::string target = std::string(head.path) + std::string(head.query);
  std::vector<char> wire(head_size_max(head, framing) + target.size());
  const std::string_view octets(wire.data(), write_head(head, target, framing, wire));

  HeadScan scan(HeadScan::Kind::request, kRoomy);
  require(scan.scan(octets) == HeadScan::State::complete && scan.start() == 0 && scan.size() == octets.size());
  RequestHead again;
  require(!parse_request(octets, again));
  require_sound(octets, again);
  require(again.method == head.method && again.path == head.path && again.query == head.query);
  require(iequals(again.authority, head.authority));
  require(again.framing == head.framing && again.content_length == head.content_length);
  require(again.upgrade == head.upgrade);
  require_same_fields(again.fields, head.fields, true);
}

void require_forwardable(RequestHead head, bool trusted) {
  static const NetworkSet kTrusted({*parse_network("10.0.0.0/8")});
  Forwarding from{.client = {}, .peer_is_trusted = trusted, .scheme = "https", .request_id = "fresh"};
  from.client.kind = Endpoint::Kind::ip;
  from.client.ip = *parse_ip(trusted ? "10.0.0.1" : "2001:db8::1");
  Arena arena;
  const ClientIdentity client = identify_client(head, from, kTrusted);
  strip_hop_by_hop(head);
  add_forwarding_fields(head, from, client, arena);
  for (const FieldId id : {FieldId::connection, FieldId::te, FieldId::transfer_encoding, FieldId::upgrade,
                           FieldId::proxy_authorization, FieldId::http2_settings})
    require(!head.fields.has(id));
  for (const FieldId id :
       {FieldId::x_forwarded_for, FieldId::x_forwarded_proto, FieldId::forwarded, FieldId::x_request_id, FieldId::via})
    require(head.fields.count(id) == 1);
  require(is_acceptable_request_id(head.fields.value(FieldId::x_request_id)));
  require(trusted || head.fields.value(FieldId::x_forwarded_for) == "2001:db8::1");
  require(count_via(head.fields, "shellac") >= 1);
  require_round_trip(head);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view octets(reinterpret_cast<const char*>(data), size);
  // Small limits are met by small inputs.
  scan_every_way(HeadScan::Kind::request, {.head_bytes = 64, .fields = 3, .target_bytes = 16}, octets);
  const auto head = scan_every_way(HeadScan::Kind::request, {}, octets);
  if (!head) return 0;
  RequestHead parsed;
  if (const auto refusal = parse_request(*head, parsed)) {
    require(status_of(*refusal) >= 400 && !to_string(*refusal).empty());
    return 0;
  }
  require_sound(*head, parsed);
  require_round_trip(parsed);
  require_forwardable(parsed, false);
  require_forwardable(parsed, true);
  return 0;
}
