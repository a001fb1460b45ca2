// All client connections of one worker.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "shellac/core/address.hpp"
#include "shellac/core/log.hpp"
#include "shellac/front/exchange.hpp"
#include "shellac/front/options.hpp"
#include "shellac/metrics/registry.hpp"
#include "shellac/net/admission.hpp"
#include "shellac/net/listen.hpp"
#include "shellac/net/loop.hpp"
#include "shellac/tls/server.hpp"

namespace shellac::front {

// One listener of a configuration, ready. Immutable; held by the configuration's snapshot and by each connection that
// began with it. Any thread.
struct Listener {
  ListenerOptions options;
  std::shared_ptr<const tls::ServerContext> tls;  // null when plain
  NetworkSet trusted;                             // who may send PROXY
  std::uint16_t redirect_port = 0;                // `redirect: https`: where HTTPS listens; 0 = no redirect
};

// The families that this area counts in; made once per process.
struct Metrics {
  explicit Metrics(metrics::Registry& registry);
  metrics::GaugeFamily& connections;
  metrics::CounterFamily& connections_total;
  metrics::CounterFamily& handshakes_total;
};

// What the client sessions of a worker share. Thread: its worker.
struct SessionContext {
  net::Loop& loop;
  ExchangeHandler& handler;
  Log& log;
  bool draining = false;
  bool aborting = false;  // the daemon ends every connection by force
};

class Connection;

// Accepts, greets (PROXY, TLS), runs sessions, drains. Resource. Thread: its worker.
class Frontend {
 public:
  struct Shared {
    net::Admission& admission;
    Metrics& metrics;
    Log& log;
  };
  Frontend(net::Loop& loop, unsigned worker_index, ExchangeHandler& handler, Shared shared);
  ~Frontend();
  Frontend(const Frontend&) = delete;
  Frontend& operator=(const Frontend&) = delete;

  // Where to accept, and as what. Binds that stay keep their acceptor and get the new listener; new ones are accepted
  // on; those that are gone are accepted empty and stopped.
  struct Place {
    std::shared_ptr<net::BoundAddress> bound;
    std::shared_ptr<const Listener> listener;
  };
  void adopt(std::vector<Place> places);

  // Stops accepting; idle connections close now, others after their answer (Connection: close).
  void drain();
  // Ends every connection, whatever it is doing.
  void abort_all() noexcept;
  std::size_t connections() const { return group_.size(); }

 private:
  friend class Connection;
  struct Spot;
  void on_accept(Spot& spot, net::UniqueFd fd, const Endpoint& peer, const Endpoint& local);

  net::Loop& loop_;
  const unsigned worker_index_;
  Shared shared_;
  SessionContext context_;
  std::vector<std::unique_ptr<Spot>> spots_;
  net::Link all_;  // every Connection
  net::TaskGroup group_;
};

}  // namespace shellac::front
