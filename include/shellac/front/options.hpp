// What `listeners` says about client connections.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shellac/core/units.hpp"
#include "shellac/net/options.hpp"
#include "shellac/tls/options.hpp"

namespace shellac::front {

struct ListenerTimeouts {
  Duration handshake = std::chrono::seconds(10);
  Duration head = std::chrono::seconds(10);  // the whole head
  Duration body = std::chrono::seconds(30);  // without progress
  Duration send = std::chrono::seconds(30);  // without progress
  Duration idle = std::chrono::seconds(60);
  Duration tunnel = std::chrono::hours(1);  // without a byte in either direction
};

struct ListenerOptions {
  std::string name;
  std::vector<net::BindOptions> binds;
  bool http1 = true;
  bool http2 = true;  // accepted, not offered yet
  bool redirect_https = false;
  net::ProxyProtocol proxy_protocol = net::ProxyProtocol::off;
  ListenerTimeouts timeouts;
  Bytes head_max{32 * 1024};
  std::uint32_t fields_max = 100;
  std::optional<tls::ServerOptions> tls;
};

}  // namespace shellac::front
