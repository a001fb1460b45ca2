#include "shellac/balance/waiting_room.hpp"

#include <algorithm>
#include <utility>

namespace shellac::balance {

// Who asks for the server by name, or may get it. (A server that its operator took out gets no more of the latter, even
// if they have yet to hear of it.)
Ticket* WaitingRoom::first_for(const Server& server) const {
  const bool takes_anyone = server.state() == ServerState::ready;
  for (Ticket* ticket : queue_) {
    if (ticket->granted_ != nullptr) continue;
    if (ticket->wanted_ == &server) return ticket;
    if (takes_anyone && std::ranges::find(ticket->takers_, &server) != ticket->takers_.end()) return ticket;
  }
  return nullptr;
}

void WaitingRoom::grant(Ticket& ticket, Server& server) {
  ticket.granted_ = &server;
  ticket.waiter_.wake();
}

// REQUIRES: the lock. The socket's permit goes on, or is free (a limit that was lowered swallows it).
void WaitingRoom::release(Server& server) {
  const std::uint32_t max = max_.load(std::memory_order_relaxed);
  Ticket* const next = first_for(server);
  if (next != nullptr && (max == 0 || server.sockets.load(std::memory_order_relaxed) <= max))
    grant(*next, server);
  else
    server.sockets.fetch_sub(1, std::memory_order_relaxed);
}

void WaitingRoom::set_max(std::uint32_t max) {
  {
    const std::lock_guard lock(mutex_);
    max_.store(max, std::memory_order_relaxed);
  }
  wake_all();
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
  const std::uint32_t max = max_.load(std::memory_order_relaxed);
  if (max != 0 && server.sockets.load(std::memory_order_relaxed) >= max) return false;
  if (first_for(server) != nullptr) return false;
  server.sockets.fetch_add(1, std::memory_order_relaxed);
  return true;
}

// Without a limit nobody waits, and closing costs no lock. (When the limit is lifted at this moment, those who waited
// are woken by set_max().)
void WaitingRoom::close(Server& server) {
  if (max_.load(std::memory_order_relaxed) == 0) {
    server.sockets.fetch_sub(1, std::memory_order_relaxed);
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
  if (ticket.wanted_ == nullptr) ticket.takers_.assign(servers.begin(), servers.end());
  ticket.queued_ = true;
  queue_.push_back(&ticket);
  for (Waiter* const keeper : keepers_) keeper->wake();
  return Entry::waiting;
}

bool WaitingRoom::look_again(Ticket& ticket, std::span<Server* const> servers) {
  const std::lock_guard lock(mutex_);
  if (ticket.granted_ != nullptr) return true;
  if (ticket.wanted_ == nullptr) ticket.takers_.assign(servers.begin(), servers.end());
  const std::uint32_t max = max_.load(std::memory_order_relaxed);
  Server* const own[] = {ticket.wanted_};
  for (Server* const server : ticket.wanted_ != nullptr ? std::span<Server* const>(own) : servers) {
    if (max != 0 && server->sockets.load(std::memory_order_relaxed) >= max) continue;
    if (first_for(*server) != &ticket) continue;
    server->sockets.fetch_add(1, std::memory_order_relaxed);
    ticket.granted_ = server;
    return true;
  }
  return false;
}

Ticket* WaitingRoom::hand_over(Server& server, const void* place) {
  if (max_.load(std::memory_order_relaxed) == 0) return nullptr;
  const std::lock_guard lock(mutex_);
  Ticket* const next = first_for(server);
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
  return first_for(server) != nullptr;
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
  for (Ticket* const ticket : queue_) ticket->waiter_.wake();
}

}  // namespace shellac::balance
