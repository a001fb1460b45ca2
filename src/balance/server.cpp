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
