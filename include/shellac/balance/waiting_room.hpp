// `connections.max` of a pool's servers, and the queue of those for whom there is no connection left.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "shellac/balance/server.hpp"
#include "shellac/core/waiter.hpp"

namespace shellac::balance {

// A request that waits for a connection's permit. Lives in the waiting request's frame. Neither copies nor moves.
class Ticket {
 public:
  // `wanted`: the visitor's own server; null takes the first of the pool that is free. `place`: where connections can
  // be handed over as they are (the worker); null when only a fresh one will do.
  Ticket(Waiter& waiter, Server* wanted, const void* place = nullptr)
      : waiter_(waiter), wanted_(wanted), place_(place) {}
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;

 private:
  friend class WaitingRoom;
  Waiter& waiter_;
  Server* const wanted_;
  const void* const place_;
  // Guarded by the room's mutex:
  std::vector<Server*> takers_;  // who may serve it, as it said last; without a server of its own
  Server* granted_ = nullptr;
  bool queued_ = false;
};

// One per pool, kept over reloads as long as the pool's name stays. Counts open sockets, busy and idle, of all workers
// and of the probes. A permit that comes free goes to the request that has waited longest, on whatever worker. Whatever
// makes room grants it at once, under the lock: nobody waits beside a free place that he may take.
// Waiters are woken under the lock, so that a ticket may die as soon as leave() has returned. Thread: any.
class WaitingRoom {
 public:
  // `connections.max`, per server; 0 = no limit. Whoever waits gets what that makes free, and looks again.
  void set_max(std::uint32_t max);
  // One more socket to `server`. False at the limit, or when others wait for it already.
  bool try_open(Server& server);
  // A socket to `server` was closed.
  void close(Server& server);

  enum class Entry : std::uint8_t { granted, waiting, full };
  // Queues at most `limit` tickets per server (of those that name one) and for the pool. `servers` are those that a
  // ticket without a server of its own may get.
  Entry enter(Ticket& ticket, std::span<Server* const> servers, std::uint32_t limit);
  // After a wake: true with a permit. From now on the ticket may get these servers, and takes one that has room now.
  bool look_again(Ticket& ticket, std::span<Server* const> servers);
  // A connection to `server` is free at `place`: the ticket that gets it, permit and all, if the one that is next waits
  // there. Null (always so for no place): close the connection when is_wanted().
  Ticket* hand_over(Server& server, const void* place);
  // The server whose permit the ticket holds now; null while it waits.
  Server* granted(const Ticket& ticket) const;
  // Leaves the queue. A permit that was granted and will not be used goes on to the next.
  void leave(Ticket& ticket, bool used);
  // How many wait, for this server and for any.
  std::uint32_t waiting_for(const Server& server) const;
  std::uint32_t waiting_for_any() const;
  // True when an idle connection is better closed: somebody who would take this server's next permit waits, or a limit
  // that was lowered is exceeded.
  bool is_wanted(const Server& server) const;

  // Who keeps idle connections and is asked to close one when a permit is wanted. Woken, like tickets, under the lock.
  void add_keeper(Waiter& keeper);
  void remove_keeper(Waiter& keeper);
  // Wakes everybody, to look again: a server went, came back, or is in another state.
  void wake_all();

 private:
  static bool may_get(const Ticket& ticket, const Server& server);
  bool has_room(const Server& server) const;
  bool is_exceeded(const Server& server) const;
  Ticket* first_for(const Server& server) const;
  void distribute();
  void grant(Ticket& ticket, Server& server);
  void release(Server& server);
  bool try_open_locked(Server& server);

  mutable std::mutex mutex_;
  std::vector<Ticket*> queue_;         // oldest first; guarded by mutex_
  std::vector<Waiter*> keepers_;       // guarded by mutex_
  std::atomic<std::uint32_t> max_{0};  // written under mutex_
};

}  // namespace shellac::balance
