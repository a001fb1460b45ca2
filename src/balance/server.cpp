#include "shellac/balance/server.hpp"

namespace shellac::balance {

std::string_view to_string(ServerState state) {
  switch (state) {
    case ServerState::ready:
      return "ready";
    case ServerState::drain:
      return "drain";
    case ServerState::down:
      return "down";
  }
  return "";
}

std::optional<ServerState> parse_server_state(std::string_view text) {
  for (const ServerState state : {ServerState::ready, ServerState::drain, ServerState::down})
    if (text == to_string(state)) return state;
  return std::nullopt;
}

std::string_view to_string(Health health) {
  switch (health) {
    case Health::up:
      return "up";
    case Health::drain:
      return "drain";
    case Health::down:
      return "down";
  }
  return "";
}

void Server::set_health(Health health, Time now, WallTime wall) {
  const Health before = health_.exchange(health, std::memory_order_relaxed);
  if (before == health) return;
  since_.store(wall, std::memory_order_relaxed);
  if (health == Health::up) {
    errors_.store(0, std::memory_order_relaxed);
    if (before == Health::down) set_recovered(now);
  }
}

void Server::set_ejected(Time until, WallTime wall) {
  ejected_until_.store(until, std::memory_order_relaxed);
  errors_.store(0, std::memory_order_relaxed);
  since_.store(wall, std::memory_order_relaxed);
}

void Server::set_state(ServerState state, WallTime now) {
  if (state_.exchange(state, std::memory_order_relaxed) != state) since_.store(now, std::memory_order_relaxed);
}

std::shared_ptr<Server> ServerDirectory::get_or_create(const Server::Identity& identity, WallTime now) {
  for (const auto& known : servers_)
    if (auto server = known.lock(); server && server->identity() == identity) return server;
  auto server = std::make_shared<Server>(identity, now);
  servers_.push_back(server);
  return server;
}

void ServerDirectory::sweep() {
  std::erase_if(servers_, [](const std::weak_ptr<Server>& known) { return known.expired(); });
}

}  // namespace shellac::balance
