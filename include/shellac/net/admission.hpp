// How many client connections there may be: in all, and from one address.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "shellac/core/address.hpp"
#include "shellac/core/waiter.hpp"
#include "shellac/net/options.hpp"

namespace shellac::net {

// Shared by all workers. Thread: any.
class Admission {
 public:
  explicit Admission(ConnectionLimits limits);
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

  // A place for one more connection, or false: then accepting pauses until one is given back.
  bool try_enter();
  // A place even beyond the limit: for connections that already waited in the queue of a socket that is to be closed.
  void enter();
  void leave();
  // Wakes `waiter` once, at the next leave() or set_limits(); then it is forgotten. A second wait() changes nothing.
  // Who waits tries again after wait(), since a place may have come free before it.
  void wait(Waiter& waiter);
  // When it returns, nobody wakes `waiter` any more.
  void forget(Waiter& waiter);

  // One more connection of that client, or false: then this connection is closed. IPv6 clients count by /64.
  bool try_enter_client(const IpAddress& client);
  void leave_client(const IpAddress& client);

  void set_limits(ConnectionLimits limits);
  std::uint32_t connections() const { return connections_.load(std::memory_order_relaxed); }
  // Clients that have at least one connection.
  std::size_t clients();

 private:
  struct Shard {
    std::mutex mutex;
    std::unordered_map<std::uint64_t, std::uint32_t> counts;  // guarded by mutex; no entry is zero
  };
  static constexpr std::size_t kShards = 16;
  std::uint64_t client_key(const IpAddress& client) const;

  const std::uint64_t seed_;
  std::atomic<std::uint32_t> max_;
  std::atomic<std::uint32_t> max_per_client_;
  std::atomic<std::uint32_t> connections_{0};
  std::array<Shard, kShards> shards_;

  std::mutex waiters_mutex_;
  std::vector<Waiter*> waiters_;         // guarded by waiters_mutex_; longest waiting first
  std::atomic<std::size_t> waiting_{0};  // its size, so that leave() need not lock
};

}  // namespace shellac::net
