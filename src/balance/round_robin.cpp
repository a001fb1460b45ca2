#include "shellac/balance/round_robin.hpp"

namespace shellac::balance {

std::string_view to_string(NoPick reason) {
  switch (reason) {
    case NoPick::all_down:
      return "all_down";
    case NoPick::all_tried:
      return "all_tried";
  }
  return "";
}

Pick RoundRobin::pick(std::span<const std::shared_ptr<Server>> servers, Tried tried) {
  bool any_ready = false;
  for (std::size_t i = 0; i < servers.size(); ++i) {
    const std::size_t index = (turn_ + i) % servers.size();
    if (servers[index]->state() != ServerState::ready) continue;
    any_ready = true;
    if (index < 64 && (tried >> index & 1) != 0) continue;
    turn_ = static_cast<std::uint32_t>((index + 1) % servers.size());
    return {servers[index], index, {}};
  }
  return {nullptr, 0, any_ready ? NoPick::all_tried : NoPick::all_down};
}

}  // namespace shellac::balance
