#include "shellac/balance/waiting_room.hpp"

#include <algorithm>
#include <utility>

namespace shellac::balance {

// A server that its operator took out gets no more of those who do not ask for it by name.
bool WaitingRoom::may_get(const Ticket& ticket, const Server& server) {
  if (ticket.wanted_ != nullptr) return ticket.wanted_ == &server;
  return server.state() == ServerState::ready && std::ranges::find(ticket.takers_, &server) != ticket.takers_.end();
}

bool WaitingRoom::has_room(const Server& server) const {
  const std::uint32_t max = max_.load();
  return max == 0 || server.sockets.load() < max;
}

bool WaitingRoom::is_exceeded(const Server& server) const {
  const std::uint32_t max = max_.load();
  return max != 0 && server.sockets.load() > max;
}

Ticket* WaitingRoom::first_for(const Server& server) const {
  for (Ticket* ticket : queue_)
    if (ticket->granted_ == nullptr && may_get(*ticket, server)) return ticket;
  return nullptr;
}

void WaitingRoom::grant(Ticket& ticket, Server& server) {
  ticket.granted_ = &server;
  ticket.waiter_.wake();
}

// REQUIRES: the lock. The socket's permit goes on, or is free (a limit that was lowered swallows it).
void WaitingRoom::release(Server& server) {
  Ticket* const next = is_exceeded(server) ? nullptr : first_for(server);
  if (next != nullptr)
    grant(*next, server);
  else
    server.sockets.fetch_sub(1);
}

// REQUIRES: the lock. Room that came otherwise than by a permit: oldest first.
void WaitingRoom::distribute() {
  for (Ticket* const ticket : queue_) {
    if (ticket->granted_ != nullptr) continue;
    Server* const own[] = {ticket->wanted_};
    const std::span<Server* const> takers =
        ticket->wanted_ != nullptr ? own : std::span<Server* const>(ticket->takers_);
    for (Server* const server : takers) {
      if (!has_room(*server) || !may_get(*ticket, *server)) continue;
      server->sockets.fetch_add(1);
      grant(*ticket, *server);
      break;
    }
  }
}

void WaitingRoom::set_max(std::uint32_t max) {
  const std::lock_guard lock(mutex_);
  max_.store(max);
  distribute();
  for (Ticket* const ticket : queue_) ticket->waiter_.wake();
  for (Waiter* const keeper : keepers_) keeper->wake();
}

bool WaitingRoom::try_open(Server& server) {
  if (max_.load(std::memory_order_relaxed) == 0) {
    server.sockets.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
  const std::lock_guard lock(mutex_);
  return try_open_locked(server);
}

// REQUIRES: the lock.
bool WaitingRoom::try_open_locked(Server& server) {
  if (!has_room(server) || first_for(server) != nullptr) return false;
  server.sockets.fetch_add(1);
  return true;
}

// Without a limit nobody waits, and closing costs no lock. A limit that comes at this moment is either seen here, or
// whoever meets it sees this socket gone: both are sequentially consistent.
void WaitingRoom::close(Server& server) {
  if (max_.load() == 0) {
    server.sockets.fetch_sub(1);
    if (max_.load() == 0) return;
    const std::lock_guard lock(mutex_);
    distribute();
    return;
  }
  const std::lock_guard lock(mutex_);
  release(server);
}

WaitingRoom::Entry WaitingRoom::enter(Ticket& ticket, std::span<Server* const> servers, std::uint32_t limit) {
  const std::lock_guard lock(mutex_);
  Server* const own[] = {ticket.wanted_};
  for (Server* const server : ticket.wanted_ != nullptr ? std::span<Server* const>(own) : servers) {
    if (!try_open_locked(*server)) continue;
    ticket.granted_ = server;
    return Entry::granted;
  }
  const auto ahead = std::ranges::count_if(
      queue_, [&](const Ticket* one) { return one->granted_ == nullptr && one->wanted_ == ticket.wanted_; });
  if (static_cast<std::uint64_t>(ahead) >= limit) return Entry::full;
  ticket.takers_.assign(servers.begin(), servers.end());
  ticket.queued_ = true;
  queue_.push_back(&ticket);
  for (Waiter* const keeper : keepers_) keeper->wake();
  return Entry::waiting;
}

bool WaitingRoom::look_again(Ticket& ticket, std::span<Server* const> servers) {
  const std::lock_guard lock(mutex_);
  if (ticket.granted_ != nullptr) return true;
  if (!std::ranges::equal(ticket.takers_, servers)) {
    ticket.takers_.assign(servers.begin(), servers.end());
    for (Waiter* const keeper : keepers_) keeper->wake();  // of the servers that are new to it
  }
  // (The others' servers are as they were: what was free among them is granted already.)
  Server* const own[] = {ticket.wanted_};
  for (Server* const server : ticket.wanted_ != nullptr ? std::span<Server* const>(own) : servers) {
    if (!has_room(*server) || first_for(*server) != &ticket) continue;
    server->sockets.fetch_add(1);
    ticket.granted_ = server;
    return true;
  }
  return false;
}

Ticket* WaitingRoom::hand_over(Server& server, const void* place) {
  if (place == nullptr || max_.load(std::memory_order_relaxed) == 0) return nullptr;
  const std::lock_guard lock(mutex_);
  Ticket* const next = is_exceeded(server) ? nullptr : first_for(server);
  if (next == nullptr || next->place_ != place) return nullptr;
  grant(*next, server);
  return next;
}

Server* WaitingRoom::granted(const Ticket& ticket) const {
  const std::lock_guard lock(mutex_);
  return ticket.granted_;
}

void WaitingRoom::leave(Ticket& ticket, bool used) {
  const std::lock_guard lock(mutex_);
  if (std::exchange(ticket.queued_, false)) std::erase(queue_, &ticket);
  Server* const granted = std::exchange(ticket.granted_, nullptr);
  if (granted != nullptr && !used) release(*granted);
}

std::uint32_t WaitingRoom::waiting_for(const Server& server) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::uint32_t>(std::ranges::count_if(
      queue_, [&](const Ticket* one) { return one->granted_ == nullptr && one->wanted_ == &server; }));
}

std::uint32_t WaitingRoom::waiting_for_any() const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::uint32_t>(std::ranges::count_if(
      queue_, [](const Ticket* one) { return one->granted_ == nullptr && one->wanted_ == nullptr; }));
}

bool WaitingRoom::is_wanted(const Server& server) const {
  if (max_.load(std::memory_order_relaxed) == 0) return false;
  const std::lock_guard lock(mutex_);
  return is_exceeded(server) || first_for(server) != nullptr;
}

void WaitingRoom::add_keeper(Waiter& keeper) {
  const std::lock_guard lock(mutex_);
  keepers_.push_back(&keeper);
}

void WaitingRoom::remove_keeper(Waiter& keeper) {
  const std::lock_guard lock(mutex_);
  std::erase(keepers_, &keeper);
}

void WaitingRoom::wake_all() {
  const std::lock_guard lock(mutex_);
  distribute();
  for (Ticket* const ticket : queue_) ticket->waiter_.wake();
}

}  // namespace shellac::balance
