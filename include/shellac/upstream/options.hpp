// What `pools` says: the servers, and how to speak to them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "shellac/balance/options.hpp"
#include "shellac/balance/sticky.hpp"
#include "shellac/core/address.hpp"
#include "shellac/core/units.hpp"
#include "shellac/net/options.hpp"
#include "shellac/tls/options.hpp"

namespace shellac::upstream {

struct BackendOptions {
  std::string name;
  std::string address;  // as written: "host:port", "[v6]:port", "unix:PATH"; a name is resolved while running
  std::string zone;
  std::string label{};  // in sticky cookies; default the name
  std::uint32_t weight = 1;
  bool backup = false;
};

// Statuses from first to last.
struct StatusRange {
  std::uint16_t first = 200, last = 399;
};

// `health.probe`: what is asked, and which answer is a good one.
struct ProbeOptions {
  balance::ProbePolicy policy;
  std::string path = "/healthz";
  std::string host;  // empty: the server's address
  Duration timeout = std::chrono::seconds(1);
  std::vector<StatusRange> expect{{200, 399}};
  std::string body;  // text that the answer has to hold
  bool drain_on_404 = false;
  bool tcp = false;  // connecting (and, with TLS, shaking hands) is enough
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
  std::uint32_t max_connections = 0;  // connections.max, per backend, busy and idle, over all workers; 0 = no limit
  std::uint32_t max_idle = 64;        // connections.max_idle, per backend, over all workers
  Bytes buffer_request{64 * 1024};    // of a body read before a backend is chosen
  balance::BalanceOptions balance;
  balance::ZoneOptions zones;
  std::optional<balance::StickyOptions> sticky;
  std::optional<ProbeOptions> probe;
  std::optional<balance::OutlierOptions> outlier;
  Duration slow_start{};
  std::uint32_t panic = 0;  // percent
  balance::QueueOptions queue;
  balance::RetryOptions retries;
};

}  // namespace shellac::upstream
