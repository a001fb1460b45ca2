// A pool whose servers are played by the test, on Unix sockets in a directory of its own.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "shellac/upstream/pool.hpp"
#include "support/peer.hpp"
#include "support/temp_dir.hpp"

namespace shellac::upstream {

class ScriptedPool {
 public:
  // Servers b1, b2, … of the pool `name`.
  ScriptedPool(test::DrivenLoop& driver, const std::string& name, std::size_t servers)
      : pool_(std::make_shared<Pool>()) {
    pool_->options.name = name;
    pool_->options.balance.algorithm = balance::Algorithm::round_robin;
    pool_->state = std::make_shared<PoolState>();
    for (std::size_t i = 1; i <= servers; ++i) {
      const std::string server = "b" + std::to_string(i);
      listening_.push_back(std::make_unique<test::Listening>(
          driver, Endpoint{Endpoint::Kind::unix_path, {}, 0, directory_.path(server)}));
      add(server, listening_.back()->endpoint());
    }
  }
  // For addresses that are somewhere else.
  Backend& add(const std::string& server, const Endpoint& endpoint) {
    const balance::Server::Identity identity{pool_->options.name, server, to_string(endpoint)};
    Backend backend{server, "zone-" + server, identity.address,
                    std::make_shared<balance::Server>(identity, std::chrono::system_clock::now()),
                    std::make_shared<Addresses>()};
    if (endpoint.kind != Endpoint::Kind::none) backend.addresses->set({endpoint});
    BackendOptions options;
    options.name = options.label = server;
    options.address = identity.address;
    options.zone = backend.zone;
    pool_->options.backends.push_back(std::move(options));
    pool_->servers.push_back(backend.server);
    pool_->backends.push_back(std::move(backend));
    return pool_->backends.back();
  }

  // To be set up before it is used; held by configurations afterwards.
  PoolOptions& options() { return pool_->options; }
  Pool& pool() { return *pool_; }
  // As a configuration holds it, with the options as they are now.
  std::shared_ptr<Pool> share() {
    pool_->group = make_group(pool_->options, "", pool_->servers);
    pool_->state->room.set_max(pool_->options.max_connections);
    return pool_;
  }
  // From 1, as in the names.
  test::Listening& server(std::size_t number) { return *listening_[number - 1]; }
  test::Peer accept(std::size_t number = 1) { return server(number).accept(); }
  Backend& backend(std::size_t number = 1) { return pool_->backends[number - 1]; }

 private:
  test::TempDir directory_;
  std::vector<std::unique_ptr<test::Listening>> listening_;
  std::shared_ptr<Pool> pool_;
};

}  // namespace shellac::upstream
