// The pools of a configuration, ready for the workers.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "shellac/balance/health.hpp"
#include "shellac/balance/picker.hpp"
#include "shellac/balance/server.hpp"
#include "shellac/balance/sticky.hpp"
#include "shellac/balance/waiting_room.hpp"
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
  std::size_t count();

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

// What a pool's servers share, and what outlives a configuration: kept over reloads by the pool's name. Any thread.
struct PoolState {
  balance::WaitingRoom room;
  balance::RetryBudget budget;
  std::string sticky_key;  // made here when the configuration names no file. Thread: control
};

// The right to one open socket to a server, counted in `connections.max`. Given back when it dies. Value that moves.
class Permit {
 public:
  Permit() = default;
  // The socket has been counted by the room already.
  Permit(std::shared_ptr<PoolState> state, std::shared_ptr<balance::Server> server)
      : state_(std::move(state)), server_(std::move(server)) {}
  Permit(Permit&& other) noexcept = default;
  Permit& operator=(Permit&& other) noexcept {
    if (this != &other) {
      reset();
      state_ = std::move(other.state_);
      server_ = std::move(other.server_);
    }
    return *this;
  }
  ~Permit() { reset(); }
  explicit operator bool() const { return server_ != nullptr; }
  void reset() noexcept {
    if (server_) state_->room.close(*server_);
    server_.reset();
    state_.reset();
  }
  const std::shared_ptr<PoolState>& state() const { return state_; }

 private:
  std::shared_ptr<PoolState> state_;
  std::shared_ptr<balance::Server> server_;
};

// The pool as pickers see it, with these servers for `options.backends`.
std::shared_ptr<const balance::Group> make_group(const PoolOptions& options, const std::string& zone,
                                                 const std::vector<std::shared_ptr<balance::Server>>& servers);

// Immutable; held by the configuration's snapshot and the connections made for it. Any thread.
struct Pool {
  PoolOptions options;
  std::shared_ptr<const tls::ClientContext> tls;  // null when plain
  std::vector<Backend> backends;
  std::vector<std::shared_ptr<balance::Server>> servers;  // of `backends`
  std::shared_ptr<const balance::Group> group;            // the same, for pickers
  std::shared_ptr<PoolState> state;
  std::optional<balance::StickyCookies> sticky;
};

}  // namespace shellac::upstream
