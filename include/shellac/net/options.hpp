// What `listeners` and `limits` say about sockets.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "shellac/core/address.hpp"
#include "shellac/core/units.hpp"

namespace shellac::net {

enum class ProxyProtocol : std::uint8_t { off, accept, require };  // of clients: `proxy_protocol`
enum class SendProxy : std::uint8_t { off, v1, v2 };               // to backends: `send_proxy`

// One `bind`: an address to listen on. A TCP port may be 0 (tests ask for the bound one with --ready-fd).
struct BindOptions {
  Endpoint endpoint;
};

// `limits`: for the whole process.
struct ConnectionLimits {
  std::uint32_t connections = 20000;
  std::uint32_t connections_per_client = 1000;
};

}  // namespace shellac::net
