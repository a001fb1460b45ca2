// What all workers know together of one server of a pool.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
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

// The shared figures of one server; kept over a reload as long as pool, name and address stay. Thread: any.
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
  WallTime since() const { return since_.load(std::memory_order_relaxed); }  // of the present state

  std::atomic<std::uint32_t> requests{0};  // in flight
  std::atomic<std::uint32_t> busy{0};      // connections with a request
  std::atomic<std::uint32_t> idle{0};      // connections kept for the next one

 private:
  const Identity identity_;
  std::atomic<ServerState> state_{ServerState::ready};
  std::atomic<WallTime> since_;
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
