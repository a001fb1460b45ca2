// Plain round robin over the servers that may take a request.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "shellac/balance/server.hpp"

namespace shellac::balance {

// Why nobody was picked: the label of the metric and the word in the log.
enum class NoPick : std::uint8_t { all_down, all_tried };
std::string_view to_string(NoPick reason);

// Which servers of a request were tried, by position. Pools have at most 64 of them remembered; the rest count as
// untried.
using Tried = std::uint64_t;

struct Pick {
  std::shared_ptr<Server> server;  // null: nobody, and `reason` says why
  std::size_t index = 0;
  NoPick reason = NoPick::all_down;
};

// One turn counter per worker and pool, begun at random so that workers do not move in step. Thread: its worker.
class RoundRobin {
 public:
  explicit RoundRobin(std::uint32_t start) : turn_(start) {}
  Pick pick(std::span<const std::shared_ptr<Server>> servers, Tried tried);

 private:
  std::uint32_t turn_;
};

}  // namespace shellac::balance
