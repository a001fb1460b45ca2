// The pools of a configuration, ready for the workers.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "shellac/balance/server.hpp"
#include "shellac/core/address.hpp"
#include "shellac/tls/client.hpp"
#include "shellac/upstream/options.hpp"

namespace shellac::upstream {

// Where a server is at the moment: control writes what the resolver found, workers read when they connect. Thread: any;
// the lock is held for the copy of one endpoint.
class Addresses {
 public:
  void set(std::vector<Endpoint> endpoints);
  // In turn, so that a name with several addresses is used whole. Kind::none when nothing is known yet.
  Endpoint next();

 private:
  std::mutex mutex_;
  std::vector<Endpoint> endpoints_;  // guarded by mutex_
  std::size_t turn_ = 0;             // guarded by mutex_
};

// One backend: what was configured, and what outlives the configuration. Shared by the configurations that name it and
// the connections to it.
struct Backend {
  std::string name, zone, address;
  std::shared_ptr<balance::Server> server;
  std::shared_ptr<Addresses> addresses;
};

// Immutable; held by the configuration's snapshot and the connections made for it. Any thread.
struct Pool {
  PoolOptions options;
  std::shared_ptr<const tls::ClientContext> tls;  // null when plain
  std::vector<Backend> backends;
  std::vector<std::shared_ptr<balance::Server>> servers;  // of `backends`, for the picker
};

}  // namespace shellac::upstream
