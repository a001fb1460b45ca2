// What all workers know together of one server of a pool.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shellac/core/units.hpp"

namespace shellac::balance {

// What the operator wants of a server: ready takes requests, drain takes no new visitors, down takes nothing.
enum class ServerState : std::uint8_t { ready, drain, down };
std::string_view to_string(ServerState state);
std::optional<ServerState> parse_server_state(std::string_view text);

// What probes say of it. `drain`: it answered 404 and `on_404: drain` lets it go gracefully.
enum class Health : std::uint8_t { up, drain, down };
std::string_view to_string(Health health);

// The shared figures of one server; kept over a reload as long as pool, name and address stay. Thread: any; the health
// and ejection have one writer, the control thread.
class Server {
 public:
  struct Identity {
    std::string pool, name, address;
    friend bool operator==(const Identity&, const Identity&) = default;
  };
  explicit Server(Identity identity, WallTime now) : identity_(std::move(identity)), since_(now) {}
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  const Identity& identity() const { return identity_; }
  ServerState state() const { return state_.load(std::memory_order_relaxed); }
  void set_state(ServerState state, WallTime now);
  WallTime since() const { return since_.load(std::memory_order_relaxed); }  // of the present state, health or ejection

  Health health() const { return health_.load(std::memory_order_relaxed); }
  // A server that comes back up begins its slow start at `now`.
  void set_health(Health health, Time now, WallTime wall);
  // Out of the pool until then, because of real traffic; Time{} ends it.
  void set_ejected(Time until, WallTime wall);
  bool is_ejected(Time now) const { return ejected_until_.load(std::memory_order_relaxed) > now; }
  // When the server recovered last; Time{}: never, so that it never starts slowly when the process starts.
  Time recovered() const { return recovered_.load(std::memory_order_relaxed); }
  void set_recovered(Time now) { recovered_.store(now, std::memory_order_relaxed); }

  // Real traffic. True when this error makes `threshold` in a row: the caller tells control, once per row.
  bool note_error(std::uint32_t threshold) { return errors_.fetch_add(1, std::memory_order_relaxed) + 1 == threshold; }
  void note_success() {
    if (errors_.load(std::memory_order_relaxed) != 0) errors_.store(0, std::memory_order_relaxed);
  }

  // Each on a cache line of its own: every request of every worker counts here.
  alignas(64) std::atomic<std::uint32_t> requests{0};  // in flight
  alignas(64) std::atomic<std::uint32_t> sockets{0};   // open ones, probes included: WaitingRoom counts them
  std::atomic<std::uint32_t> busy{0};                  // connections with a request
  std::atomic<std::uint32_t> idle{0};                  // connections kept for the next one

 private:
  alignas(64) const Identity identity_;
  std::atomic<ServerState> state_{ServerState::ready};
  std::atomic<Health> health_{Health::up};
  std::atomic<WallTime> since_;
  std::atomic<Time> ejected_until_{Time{}};
  std::atomic<Time> recovered_{Time{}};
  std::atomic<std::uint32_t> errors_{0};  // in a row
};

// Finds the server that was there before, by identity. Thread: control.
class ServerDirectory {
 public:
  std::shared_ptr<Server> get_or_create(const Server::Identity& identity, WallTime now);
  // Forgets what nobody holds any more.
  void sweep();

 private:
  std::vector<std::weak_ptr<Server>> servers_;
};

}  // namespace shellac::balance
