// The whole configuration of `shellac`, read and checked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shellac/cache/options.hpp"
#include "shellac/core/log.hpp"
#include "shellac/front/options.hpp"
#include "shellac/net/options.hpp"
#include "shellac/route/options.hpp"
#include "shellac/upstream/options.hpp"

namespace shellac::edge {

enum class AccessFormat : std::uint8_t { json, combined, off };

struct AccessLogOptions {
  std::string file = "stdout";  // "stdout", "stderr" or an absolute path
  AccessFormat format = AccessFormat::json;
};

struct AdminOptions {
  Endpoint listen;         // a Unix path or an IP address and port
  std::string token_file;  // absolute; empty = none: writes are refused
};

struct Options {
  std::string file;           // the configuration's own path
  std::uint32_t workers = 0;  // 0 = auto
  std::string user = "shellac";
  std::string zone;
  Duration shutdown_grace = std::chrono::seconds(30);
  Duration drain_delay{0};
  std::vector<Network> trusted;
  LogLevel log_level = LogLevel::info;
  AccessLogOptions access;
  AdminOptions admin;
  net::ConnectionLimits limits;
  Bytes buffers{256ull << 20};
  std::vector<front::ListenerOptions> listeners;
  std::vector<upstream::PoolOptions> pools;
  cache::Options cache;
  std::vector<route::RouteOptions> routes;
};

}  // namespace shellac::edge
