#include "shellac/http/forwarding.hpp"

#include <algorithm>
#include <boost/container/small_vector.hpp>

#include "http/client_chain.hpp"
#include "shellac/core/text.hpp"

namespace shellac::http {
namespace {

// Fields that a Connection option cannot make disappear: framing, routing and what the application trusts stand on
// them.
bool is_end_to_end(FieldId id) {
  switch (id) {
    case FieldId::host:
    case FieldId::content_length:
    case FieldId::transfer_encoding:
    case FieldId::cookie:
    case FieldId::authorization:
    case FieldId::cache_control:
    case FieldId::content_type:
    case FieldId::content_encoding:
    case FieldId::content_range:
    case FieldId::via:
    case FieldId::forwarded:
    case FieldId::x_forwarded_for:
    case FieldId::x_forwarded_host:
    case FieldId::x_forwarded_proto:
    case FieldId::x_request_id:
    case FieldId::set_cookie:
    case FieldId::vary:
    case FieldId::date:
      return true;
    default:
      return false;
  }
}

bool is_hop_by_hop(FieldId id) {
  switch (id) {
    case FieldId::connection:
    case FieldId::keep_alive:
    case FieldId::proxy_connection:
    case FieldId::te:
    case FieldId::transfer_encoding:
    case FieldId::upgrade:
    case FieldId::http2_settings:
      return true;
    default:
      return false;
  }
}

// What tells where a request came from.
bool is_provenance(FieldId id) {
  switch (id) {
    case FieldId::forwarded:
    case FieldId::x_forwarded_for:
    case FieldId::x_forwarded_host:
    case FieldId::x_forwarded_proto:
    case FieldId::x_request_id:
      return true;
    default:
      return false;
  }
}

// Marks first and removes afterwards, so that the lists are walked while the fields stand still.
void strip_named(Fields& fields) {
  boost::container::small_vector<bool, 64> named(fields.size(), false);
  for_each_member(fields, FieldId::connection, [&](std::string_view name) {
    std::size_t index = 0;
    for (const Field& field : fields) {
      if (!is_end_to_end(field.id) && iequals(field.name, name)) named[index] = true;
      ++index;
    }
    return true;
  });
  std::size_t index = 0;
  fields.remove_if([&](const Field& field) { return named[index++] || is_hop_by_hop(field.id); });
}

std::string_view forwarded_node(const Endpoint& client, Arena& arena) {
  if (client.kind != Endpoint::Kind::ip) return "unknown";
  const std::string text = to_string(client.ip);
  return client.ip.is_v4() ? arena.copy(text) : arena.concat({"\"[", text, "]\""});
}

// All lines of that name and `more`, as one list. One allocation: a client may send a hundred lines.
std::string_view appended(const Fields& fields, FieldId id, std::string_view more, Arena& arena) {
  constexpr std::string_view kComma = ", ";
  std::size_t size = more.size();
  for (const Field& field : fields)
    if (field.id == id && !field.value.empty()) size += field.value.size() + kComma.size();
  if (size == more.size()) return more;
  char* const text = arena.allocate(size);
  char* at = text;
  for (const Field& field : fields) {
    if (field.id != id || field.value.empty()) continue;
    at = std::copy(field.value.begin(), field.value.end(), at);
    at = std::copy(kComma.begin(), kComma.end(), at);
  }
  std::copy(more.begin(), more.end(), at);
  return {text, size};
}

std::string_view via_entry(Version version) {
  switch (version) {
    case Version::http10:
      return "1.0 shellac";
    case Version::http11:
      return "1.1 shellac";
    case Version::http2:
      return "2 shellac";
  }
  return "1.1 shellac";
}

}  // namespace

void strip_hop_by_hop(RequestHead& head) {
  strip_named(head.fields);
  head.fields.remove(FieldId::proxy_authorization);
  // RFC 9110 §10.1.1: in HTTP/1.0 an expectation means nothing, and the request goes on as HTTP/1.1.
  if (head.version == Version::http10) head.fields.remove(FieldId::expect);
}

void strip_hop_by_hop(ResponseHead& head) { strip_named(head.fields); }

bool is_acceptable_request_id(std::string_view id) {
  if (id.empty() || id.size() > 128) return false;
  return std::all_of(id.begin(), id.end(), [](char c) { return c > 0x20 && c < 0x7f && c != '"' && c != '\\'; });
}

ClientIdentity identify_client(const RequestHead& head, const Forwarding& from, const NetworkSet& trusted) {
  ClientIdentity client{from.client.ip, from.client.kind == Endpoint::Kind::ip, from.scheme, from.request_id};
  if (!from.peer_is_trusted) return client;
  const ClientChain chain = read_client_chain(head.fields);
  for (std::size_t i = 0; i < chain.size; ++i) {
    const auto ip = parse_hop(chain.hop(i));
    if (!ip) break;  // what cannot be read ends the chain that can be believed
    client.address = *ip;
    client.has_address = true;
    if (!trusted.contains(*ip)) break;
  }
  const std::string_view scheme = forwarded_scheme(head.fields);
  if (!scheme.empty()) client.scheme = scheme;
  const std::string_view id = head.fields.value(FieldId::x_request_id);
  if (is_acceptable_request_id(id)) client.request_id = id;
  return client;
}

void add_forwarding_fields(RequestHead& head, const Forwarding& from, const ClientIdentity& client, Arena& arena) {
  Fields& fields = head.fields;
  if (!from.peer_is_trusted) fields.remove_if([](const Field& field) { return is_provenance(field.id); });
  const bool has_ip = from.client.kind == Endpoint::Kind::ip;
  const std::string_view peer = has_ip ? arena.copy(to_string(from.client.ip)) : std::string_view("unknown");
  fields.set(FieldId::x_forwarded_for, appended(fields, FieldId::x_forwarded_for, peer, arena));
  fields.set(FieldId::x_forwarded_proto, client.scheme);
  std::string_view element = arena.concat({"for=", forwarded_node(from.client, arena), ";proto=", from.scheme});
  if (!head.authority.empty()) {  // HTTP/1.0 needs no Host
    if (!fields.has(FieldId::x_forwarded_host)) fields.add(FieldId::x_forwarded_host, head.authority);
    element = arena.concat({element, ";host=\"", head.authority, "\""});
  }
  fields.set(FieldId::forwarded, appended(fields, FieldId::forwarded, element, arena));
  fields.set(FieldId::x_request_id, client.request_id);
  fields.set(FieldId::via, appended(fields, FieldId::via, via_entry(head.version), arena));
}

void add_response_fields(ResponseHead& head, std::string_view request_id, Arena& arena) {
  head.fields.set(FieldId::via, appended(head.fields, FieldId::via, via_entry(head.version), arena));
  head.fields.set(FieldId::x_request_id, request_id);
}

unsigned count_via(const Fields& fields, std::string_view pseudonym) {
  unsigned count = 0;
  for (const Field& field : fields) {
    if (field.id != FieldId::via) continue;
    // RFC 9110 §7.6.3 knows no quoted strings: a quote that a client left open must not hide what we appended.
    for (std::string_view rest = field.value; !rest.empty();) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      const std::string_view entry = trim(rest.substr(0, comma));
      rest.remove_prefix(std::min(comma + 1, rest.size()));
      // received-protocol RWS received-by [ RWS comment ]
      const std::size_t space = std::min(entry.find_first_of(" \t"), entry.size());
      const std::string_view receiver = trim(entry.substr(space));
      count += iequals(receiver.substr(0, receiver.find_first_of(" \t")), pseudonym) ? 1 : 0;
    }
  }
  return count;
}

}  // namespace shellac::http
