// HAProxy's PROXY protocol, versions 1 and 2 (doc/proxy-protocol.txt), as pure functions over bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "shellac/core/address.hpp"
#include "shellac/net/options.hpp"

namespace shellac::net {

// What stands in front of a connection's own bytes.
struct ProxyHeader {
  enum class State : std::uint8_t {
    need_more,  // what is there may be the beginning of a header
    none,       // certainly no header
    complete,
    malformed,
  };
  State state = State::need_more;
  std::size_t size = 0;  // octets to drop, when complete
  bool local = false;    // LOCAL or UNKNOWN: the peer speaks for itself, keep the socket's addresses
  Endpoint source;       // the client
  Endpoint destination;  // what it connected to
};

// At most 107 octets in version 1; version 2 at most 16 + 4096 octets here, TLVs skipped, a CRC32C TLV checked.
ProxyHeader parse_proxy_header(std::string_view bytes);

// The header that tells a backend who the client is. Unknown (v1) or LOCAL (v2) when either side has no IP address.
std::string make_proxy_header(SendProxy version, const Endpoint& source, const Endpoint& destination);

}  // namespace shellac::net
