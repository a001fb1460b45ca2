// The admin API: /healthz /readyz /metrics /api/v1/…, on the control loop.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "shellac/core/log.hpp"
#include "shellac/edge/options.hpp"

namespace shellac::edge {

// What an operator wants out of the cache. Value.
struct PurgeOrder {
  enum class What : std::uint8_t { url, tag, all };
  What what = What::url;
  std::string value;  // the URL or the tag
  bool soft = false;
};
struct Purged {
  std::size_t objects = 0;
  std::string problem;  // empty: done
};
// What an operator wants to see of it: what is stored under `url`, or when that is empty the first `count` of all.
struct CacheQuestion {
  std::string url;
  std::size_t count = 0;
  bool by_bytes = false;  // instead of by hits
};
struct CacheAnswer {
  boost::json::array objects;
  std::string problem;
};

// What the daemon can do for the admin API. All are called on the control loop; `done` may be called later, on it.
struct AdminActions {
  // True while the daemon takes traffic: false before it is ready and from SIGTERM on (drain_delay).
  std::function<bool()> is_ready;
  std::function<std::string()> metrics;          // Prometheus text
  std::function<boost::json::object()> status;   // version, uptime, workers, listeners, certificates, config
  std::function<boost::json::array()> backends;  // pool, name, address, zone, state, up, since, connections…
  std::function<boost::json::object()> config;   // what is in force, secrets left out
  // Sets "ready", "drain" or "down". Error text when there is no such server or state.
  std::function<std::optional<std::string>(std::string_view pool, std::string_view backend, std::string_view state)>
      set_backend_state;
  // Reads and applies the configuration again; `done` gets nothing on success, otherwise the problems, one per line.
  std::function<void(std::function<void(std::optional<std::string>)> done)> reload;
  std::function<std::optional<std::string>(std::string_view level)> set_log_level;
  // A problem: the URL is none, or there is no cache.
  std::function<Purged(const PurgeOrder&)> purge;
  std::function<CacheAnswer(const CacheQuestion&)> look_into_cache;
};

// Thread: control. Stopping it lets requests under way finish for a second.
class AdminServer {
 public:
  AdminServer(boost::asio::io_context& context, Log& log, AdminActions actions);
  ~AdminServer();

  // Listens where `options` says; switching to another address opens the new one first. Token file is read here (its
  // first line, trimmed, at least 16 octets; a file others may read is warned of). Error text when it fails, and the
  // old one stays. Unix sockets get mode 0660 and a stale path is removed; a live one is "in use".
  std::optional<std::string> listen(const AdminOptions& options);
  // The bound address, for --ready-fd and tests: "127.0.0.1:34567" or "unix:/run/…".
  std::string address() const;
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace shellac::edge
