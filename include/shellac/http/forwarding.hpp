// What a proxy changes in a message that it passes on (RFC 9110 §7.6): pure functions over heads.
#pragma once

#include <string_view>

#include "shellac/core/address.hpp"
#include "shellac/core/arena.hpp"
#include "shellac/http/message.hpp"

namespace shellac::http {

// Removes hop-by-hop fields: those named in Connection, and Connection, Keep-Alive, Proxy-Connection, TE,
// Transfer-Encoding, Upgrade, HTTP2-Settings; of requests also Proxy-Authorization. Trailer and Proxy-Authenticate
// stay. A Connection that names Host, Content-Length, Cookie or another field on which framing, routing or the
// application's trust stands does not remove that field.
void strip_hop_by_hop(RequestHead& head);
void strip_hop_by_hop(ResponseHead& head);

// Where the request came from, for the fields that tell the backend.
struct Forwarding {
  Endpoint client;               // the connection's peer (after PROXY protocol)
  bool peer_is_trusted = false;  // the peer is in `trusted`: its own fields count and are extended, otherwise replaced
  std::string_view scheme;       // of the connection
  std::string_view request_id;   // a fresh one, used when the client's does not count
};
// Who the client is, after reading X-Forwarded-For (or, without it, Forwarded) from the right as long as hops are in
// `trusted`; a hop that cannot be read ends that. The scheme is what the nearest hop told, when the peer is trusted.
// Views point into the head.
struct ClientIdentity {
  IpAddress address;
  bool has_address = false;
  std::string_view scheme;
  std::string_view request_id;
};
ClientIdentity identify_client(const RequestHead& head, const Forwarding& from, const NetworkSet& trusted);

// Sets X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host, Forwarded (RFC 7239), X-Request-Id and appends to Via.
// Fields of a trusted peer are extended (X-Forwarded-Host kept), others replaced.
void add_forwarding_fields(RequestHead& head, const Forwarding& from, const ClientIdentity& client, Arena& arena);
// Appends `1.1 shellac` to Via; X-Request-Id.
void add_response_fields(ResponseHead& head, std::string_view request_id, Arena& arena);

// How often `pseudonym` stands in Via as the receiver (RFC 9110 §7.6.3): more than zero times our own is a loop.
unsigned count_via(const Fields& fields, std::string_view pseudonym);

// A client's X-Request-Id that we pass on: 1 to 128 octets of visible ASCII without quotes or backslash.
bool is_acceptable_request_id(std::string_view id);

}  // namespace shellac::http
