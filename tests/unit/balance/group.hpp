// Pools made up for the pickers' tests.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "shellac/balance/picker.hpp"

namespace shellac::balance::test {

inline constexpr Time kNow = Time{} + std::chrono::hours(1000);
inline constexpr WallTime kWall = WallTime{} + std::chrono::hours(24 * 365 * 50);

// "a ams 3", "b ams 1 backup": name, zone, weight.
struct Row {
  std::string name;
  std::string zone = "ams";
  std::uint32_t weight = 1;
  bool backup = false;
};

inline std::shared_ptr<Group> make_group(Algorithm algorithm, const std::vector<Row>& rows) {
  auto group = std::make_shared<Group>();
  group->balance.algorithm = algorithm;
  group->zone = "ams";
  for (const Row& row : rows) {
    Member& member = group->members.emplace_back();
    member.server = std::make_shared<Server>(Server::Identity{"web", row.name, "192.0.2.1:80"}, kWall);
    member.name = member.label = row.name;
    member.zone = row.zone;
    member.weight = row.weight;
    member.backup = row.backup;
  }
  return group;
}

inline Server& server(const Group& group, std::string_view name) {
  for (const Member& member : group.members)
    if (member.name == name) return *member.server;
  throw std::out_of_range("no such member");
}

inline void set_down(const Group& group, std::string_view name) {
  server(group, name).set_health(Health::down, kNow, kWall);
}

// How `count` requests that end at once are spread, by name.
inline std::map<std::string, int> spread(const std::shared_ptr<const Group>& group, int count, Ask ask = {}) {
  Picker picker(group, 42);
  std::map<std::string, int> got;
  ask.now = kNow;
  for (int i = 0; i < count; ++i) {
    ask.hash = hash_of("key " + std::to_string(i));
    const Pick pick = picker.pick(ask);
    ++got[pick.server == nullptr ? std::string(to_string(pick.reason)) : group->members[pick.index].name];
  }
  return got;
}

}  // namespace shellac::balance::test
