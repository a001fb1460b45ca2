// From options to what the workers run with.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "shellac/balance/server.hpp"
#include "shellac/core/log.hpp"
#include "shellac/edge/options.hpp"
#include "shellac/front/frontend.hpp"
#include "shellac/net/resolver.hpp"
#include "shellac/proxy/proxy.hpp"
#include "shellac/tls/server.hpp"

namespace shellac::edge {

// The ticket keys of the process by file; "" = made in memory, and kept over reloads.
using TicketKeyRing = std::map<std::string, std::shared_ptr<tls::TicketKeys>>;

// Where `redirect: https` leads: the first TCP address of the first TLS listener, or 443 when there is none (TLS is
// then somebody else's).
std::uint16_t https_port(const Options& options);

// What needs files: made on the pool, then completed on the control thread.
struct Prepared {
  Options options;
  TicketKeyRing tickets;
  std::vector<std::shared_ptr<const tls::ServerContext>> server_contexts;  // by listener; null when plain
  std::vector<std::shared_ptr<const tls::ClientContext>> client_contexts;  // by pool; null when plain
  std::shared_ptr<proxy::Config> proxy;                                    // routes only so far
};
// Throws std::runtime_error that names the file. Never on a worker.
Prepared prepare(Options options, const TicketKeyRing& tickets);

// The servers that configurations name, and where they are: kept over reloads by pool, name and address.
// Thread: control.
class Backends {
 public:
  Backends(net::Resolver& resolver, Log& log) : resolver_(resolver), log_(log) {}
  upstream::Backend get_or_create(const std::string& pool, const upstream::BackendOptions& options);
  // What a pool's servers share, by the pool's name.
  std::shared_ptr<upstream::PoolState> get_or_create_state(const std::string& pool);
  // The pool whole, for a configuration whose edge stands in `zone`.
  std::shared_ptr<const upstream::Pool> make_pool(const upstream::PoolOptions& options, const std::string& zone,
                                                  std::shared_ptr<const tls::ClientContext> tls);
  // Forgets the servers of configurations that are gone.
  void sweep();

 private:
  struct Known {
    balance::Server::Identity identity;
    std::weak_ptr<upstream::Addresses> addresses;
    std::unique_ptr<net::Resolver::Watch> watch;
  };
  std::string sticky_key(const upstream::PoolOptions& options, upstream::PoolState& state);

  net::Resolver& resolver_;
  Log& log_;
  balance::ServerDirectory directory_;
  std::map<std::string, std::weak_ptr<upstream::PoolState>> states_;
  std::vector<Known> known_;
};

// Everything of one configuration in force. Immutable; control and the workers' parts hold it.
struct Snapshot {
  Options options;
  TicketKeyRing tickets;
  std::vector<std::shared_ptr<const front::Listener>> listeners;
  std::shared_ptr<const proxy::Config> proxy;
  WallTime loaded{};
};
std::shared_ptr<const Snapshot> complete(Prepared prepared, Backends& backends);

}  // namespace shellac::edge
