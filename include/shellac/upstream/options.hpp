// What `pools` says: the servers, and how to speak to them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "shellac/core/address.hpp"
#include "shellac/core/units.hpp"
#include "shellac/net/options.hpp"
#include "shellac/tls/options.hpp"

namespace shellac::upstream {

struct BackendOptions {
  std::string name;
  std::string address;  // as written: "host:port", "[v6]:port", "unix:PATH"; a name is resolved while running
  std::string zone;
};

struct PoolTimeouts {
  Duration connect = std::chrono::seconds(1);
  Duration first_byte = std::chrono::seconds(30);
  Duration between_bytes = std::chrono::seconds(30);
  Duration idle = std::chrono::seconds(60);
};

struct PoolOptions {
  std::string name;
  std::vector<BackendOptions> backends;
  std::optional<tls::ClientOptions> tls;
  net::SendProxy send_proxy = net::SendProxy::off;
  PoolTimeouts timeouts;
  std::uint32_t max_idle = 64;      // connections.max_idle, per backend, over all workers
  Bytes buffer_request{64 * 1024};  // of a body read before a backend is chosen
};

}  // namespace shellac::upstream
