// Connections of one worker to backends: kept alive, reused, made.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "shellac/core/error.hpp"
#include "shellac/net/loop.hpp"
#include "shellac/net/stream.hpp"
#include "shellac/upstream/pool.hpp"
#include "shellac/wire/input.hpp"

namespace shellac::upstream {

// Who waits for a backend: asked before each wait whether that still makes sense. Implemented by proxy.
class Caller {
 public:
  // What ended the interest: nothing while it lasts.
  virtual std::optional<Cause> gave_up() const = 0;
  // Registers `waiter` for news of that; it counts for one wait.
  virtual void watch(Waiter& waiter) noexcept = 0;

 protected:
  ~Caller() = default;
};

// One connection to a backend. Lives on one worker. Busy: owned by a BackendExchange; idle: by the Connector.
class Connection final : private Waiter {
 public:
  Connection(net::Loop& loop, const Backend& backend, Permit permit);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  net::Stream& stream() { return *stream_; }
  wire::Input& input() { return *input_; }
  bool was_used() const { return uses_ > 0; }
  // For a fresh connection in the place of this one, which is of no use any more.
  Permit take_permit() { return std::move(permit_); }

 private:
  friend class Connector;
  void wake() noexcept override;  // the idle connection was closed, said something, or is too old

  const std::shared_ptr<balance::Server> server_;
  const std::shared_ptr<Addresses> addresses_;
  Permit permit_;  // before the stream: given back when the socket is closed
  std::unique_ptr<net::Stream> stream_;
  std::optional<wire::Input> input_;
  // Of a TLS connection: by whose rules it was made (also held by its pool), and for which name (SNI and verified).
  std::shared_ptr<const tls::ClientContext> tls_;
  std::string name_;
  net::Deadline deadline_;
  class Connector* keeper_ = nullptr;  // while idle
  unsigned uses_ = 0;
  bool counted_busy_ = false;
};

// What a request needs before it can go to a server: an idle connection, or the permit for a new one. Value that moves.
struct Reservation {
  std::unique_ptr<Connection> idle;
  Permit permit;
  explicit operator bool() const { return idle != nullptr || static_cast<bool>(permit); }
};

// Thread: its worker. Outlives its connections.
class Connector final : private Waiter {
 public:
  explicit Connector(net::Loop& loop);
  ~Connector();
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;

  struct Wanted {
    const Pool& pool;
    const Backend& backend;
    std::string_view host;   // for SNI `host`
    Endpoint client, local;  // for send_proxy
    Caller& caller;
    net::Signal& signal;
  };
  // An idle connection (unless may_reuse is false, because the request could not be repeated if that died), or a
  // permit; empty at `connections.max`. `host`: for SNI `host`.
  Reservation try_reserve(const Pool& pool, const Backend& backend, std::string_view host, bool may_reuse);
  // What the room granted to a ticket whose place is place_of(pool): a connection that was handed over (unless that was
  // made by other TLS rules), or the permit.
  Reservation take_granted(const balance::Ticket& ticket, const Pool& pool, const Backend& backend);
  // Where connections can be handed over to those who wait; null when each host has connections of its own.
  const void* place_of(const Pool& pool) const;
  // The ticket leaves without using what it may have been granted.
  void give_up(balance::Ticket& ticket, const Pool& pool);
  // What was reserved (and is taken), connected, with PROXY header and TLS done. Errors have unseen_by_backend set.
  net::Task<Result<std::unique_ptr<Connection>>> acquire(Reservation& reservation, const Wanted& wanted);
  // Takes back a connection whose last exchange ended cleanly; closes it when max_idle is reached.
  void give_back(std::unique_ptr<Connection> connection, const Pool& pool);
  // Closes idle connections of servers that are not in `pools` any more, and those that were made by other TLS rules.
  void retain(const std::vector<std::shared_ptr<const Pool>>& pools);

 private:
  friend class Connection;
  using IdleList = std::vector<std::unique_ptr<Connection>>;
  // A permit is wanted elsewhere: an idle connection may have to go. Any thread.
  void wake() noexcept override;
  void keep_for(const std::shared_ptr<PoolState>& state);
  std::unique_ptr<Connection> take_idle(const Pool& pool, const Backend& backend, std::string_view name);
  net::Task<Result<>> connect(Connection& connection, const Wanted& wanted);
  net::Task<Result<>> send_proxy_header(Connection& connection, const Wanted& wanted);
  net::Task<Result<>> shake_hands(Connection& connection, const Wanted& wanted);
  net::Task<Result<>> wait(Connection& connection, net::IoResult::Status want, const Wanted& wanted);
  void reap();

  net::Loop& loop_;
  std::unordered_map<const balance::Server*, IdleList> idle_;
  std::unordered_map<const balance::Ticket*, std::unique_ptr<Connection>> handed_over_;
  std::vector<std::shared_ptr<PoolState>> kept_for_;  // whose rooms ask us for idle connections
  std::shared_ptr<Connector*> self_;                  // nulled at the end, for reaps that are still posted
  std::atomic<bool> reap_posted_{false};
};

}  // namespace shellac::upstream
