#include "shellac/balance/picker.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <set>

#include "group.hpp"
#include "shellac/balance/health.hpp"

namespace shellac::balance::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Key;
using testing::Pair;
using testing::UnorderedElementsAre;

constexpr int kPicks = 100'000;

class EveryAlgorithm : public testing::TestWithParam<Algorithm> {};

std::string name_of(const testing::TestParamInfo<Algorithm>& info) {
  switch (info.param) {
    case Algorithm::round_robin:
      return "RoundRobin";
    case Algorithm::least_requests:
      return "LeastRequests";
    case Algorithm::random_two:
      return "RandomTwo";
    case Algorithm::hash:
      return "Hash";
  }
  return "";
}
INSTANTIATE_TEST_SUITE_P(Pickers, EveryAlgorithm,
                         testing::Values(Algorithm::round_robin, Algorithm::least_requests, Algorithm::random_two,
                                         Algorithm::hash),
                         name_of);

TEST_P(EveryAlgorithm, FollowsEqualWeights) {
  const auto got = spread(make_group(GetParam(), {{"a"}, {"b"}, {"c"}, {"d"}}), kPicks);
  // Where chance has no part, nobody gets as much as one too many.
  const bool by_turns = GetParam() == Algorithm::round_robin || GetParam() == Algorithm::least_requests;
  for (const auto& [name, count] : got) EXPECT_NEAR(count, kPicks / 4, by_turns ? 1 : kPicks / 100) << name;
  EXPECT_EQ(got.size(), 4u);
}

TEST_P(EveryAlgorithm, LeavesOutWhoIsOut) {
  const auto group = make_group(GetParam(), {{"a"}, {"b"}, {"c"}, {"d"}, {"e"}, {"f", "ams", 0}});
  server(*group, "a").set_state(ServerState::down, kWall);
  server(*group, "b").set_state(ServerState::drain, kWall);
  set_down(*group, "c");
  server(*group, "d").set_ejected(kNow + std::chrono::seconds(1), kWall);
  EXPECT_THAT(spread(group, 100), ElementsAre(Pair("e", 100)));
  server(*group, "e").set_health(Health::drain, kNow, kWall);
  EXPECT_THAT(spread(group, 10), ElementsAre(Pair("all_down", 10)));
}

TEST_P(EveryAlgorithm, SaysWhyNobodyIsPicked) {
  const auto group = make_group(GetParam(), {{"a"}, {"b", "ams", 0}});
  server(*group, "a").set_state(ServerState::drain, kWall);
  EXPECT_THAT(spread(group, 10), ElementsAre(Pair("all_draining", 10)));
  set_down(*group, "a");
  EXPECT_THAT(spread(group, 10), ElementsAre(Pair("all_draining", 10))) << "what the operator wants comes first";
  server(*group, "a").set_state(ServerState::ready, kWall);
  EXPECT_THAT(spread(group, 10), ElementsAre(Pair("all_down", 10)));
  EXPECT_THAT(spread(make_group(GetParam(), {{"a", "ams", 0}}), 10), ElementsAre(Pair("all_weightless", 10)));
}

TEST_P(EveryAlgorithm, NeverPicksTheSameTwiceForOneRequest) {
  const auto group = make_group(GetParam(), {{"a"}, {"b"}, {"c"}});
  Picker picker(group, 7);
  Tried tried;
  std::set<std::size_t> seen;
  for (int i = 0; i < 3; ++i) {
    const Pick pick = picker.pick({kNow, &tried, 99, {}, false});
    ASSERT_NE(pick.server, nullptr);
    EXPECT_TRUE(seen.insert(pick.index).second);
    tried.add(pick.index);
  }
  EXPECT_EQ(picker.pick({kNow, &tried, 99, {}, false}).reason, NoPick::all_tried);
}

TEST_P(EveryAlgorithm, BackupsOnlyWhenNobodyElseIsThere) {
  const auto group = make_group(GetParam(), {{"a"}, {"b"}, {"spare", "ams", 1, true}});
  EXPECT_THAT(spread(group, 100), testing::Not(Contains(Key("spare"))));
  set_down(*group, "a");
  EXPECT_THAT(spread(group, 100), ElementsAre(Pair("b", 100)));
  set_down(*group, "b");
  EXPECT_THAT(spread(group, 100), ElementsAre(Pair("spare", 100)));
}

TEST_P(EveryAlgorithm, AnotherZoneFirstWhenOneLooksSick) {
  const auto group = make_group(GetParam(), {{"a", "ams"}, {"b", "ams"}, {"c", "rtm"}});
  Ask ask;
  ask.avoid_zone = "ams";
  EXPECT_THAT(spread(group, 50, ask), ElementsAre(Pair("c", 50)));
  set_down(*group, "c");
  EXPECT_THAT(spread(group, 50, ask), testing::Not(Contains(Key("c"))));
}

TEST_P(EveryAlgorithm, FollowsWeights) {
  const auto got = spread(make_group(GetParam(), {{"a", "ams", 1}, {"b", "ams", 2}, {"c", "ams", 7}}), kPicks);
  EXPECT_NEAR(got.at("a"), kPicks * 0.1, kPicks / 100);
  EXPECT_NEAR(got.at("b"), kPicks * 0.2, kPicks / 100);
  EXPECT_NEAR(got.at("c"), kPicks * 0.7, kPicks / 100);
}

// The same while requests take their time: forty are always in flight, and the oldest ends with each that comes.
TEST_P(EveryAlgorithm, FollowsWeightsUnderLoad) {
  const auto group = make_group(GetParam(), {{"a", "ams", 1}, {"b", "ams", 2}, {"c", "ams", 7}});
  group->balance.load_factor = 100;  // a bound would keep the light ones from their share of what comes in bursts
  Picker picker(group, 42);
  std::deque<std::size_t> in_flight;
  std::map<std::string, int> got;
  for (int i = 0; i < kPicks; ++i) {
    if (in_flight.size() == 40) {
      --group->members[in_flight.front()].server->requests;
      in_flight.pop_front();
    }
    const Pick pick = picker.pick({kNow, nullptr, hash_of("key " + std::to_string(i)), {}, false});
    ++pick.server->requests;
    in_flight.push_back(pick.index);
    ++got[group->members[pick.index].name];
  }
  EXPECT_NEAR(got["a"], kPicks * 0.1, kPicks / 100);
  EXPECT_NEAR(got["b"], kPicks * 0.2, kPicks / 100);
  EXPECT_NEAR(got["c"], kPicks * 0.7, kPicks / 100);
}

TEST(RoundRobin, IsSmooth) {
  const auto group = make_group(Algorithm::round_robin, {{"a", "ams", 5}, {"b"}, {"c"}});
  Picker picker(group, 3);
  // In any seven turns in a row everybody gets exactly the weight.
  std::vector<std::size_t> turns;
  for (int i = 0; i < 70; ++i) turns.push_back(picker.pick({kNow}).index);
  for (std::size_t i = 0; i + 7 <= turns.size(); i += 7)
    EXPECT_EQ(std::count(turns.begin() + static_cast<long>(i), turns.begin() + static_cast<long>(i + 7), 0u), 5);
}

TEST(RoundRobin, WorkersBeginElsewhere) {
  const auto group = make_group(Algorithm::round_robin, {{"a"}, {"b"}, {"c"}, {"d"}});
  std::set<std::size_t> first;
  for (std::uint64_t seed = 0; seed < 64; ++seed) first.insert(Picker(group, seed).pick({kNow}).index);
  EXPECT_EQ(first.size(), 4u);
}

TEST(LeastRequests, CountsWhatIsInFlightForTheWeight) {
  const auto group = make_group(Algorithm::least_requests, {{"a", "ams", 1}, {"b", "ams", 3}, {"c", "ams", 1}});
  server(*group, "a").requests = 1;
  server(*group, "b").requests = 4;  // (4 + 1) / 3 is less than 2 and more than 1
  EXPECT_THAT(spread(group, 10), ElementsAre(Pair("c", 10)));
  server(*group, "c").requests = 1;
  EXPECT_THAT(spread(group, 10), ElementsAre(Pair("b", 10)));
}

TEST(RandomTwo, NeverTakesTheBusiest) {
  const auto group = make_group(Algorithm::random_two, {{"a"}, {"b"}, {"c"}});
  server(*group, "b").requests = 10;
  const auto got = spread(group, 3000);
  EXPECT_THAT(got, testing::Not(Contains(Key("b"))));
  EXPECT_THAT(got, UnorderedElementsAre(Key("a"), Key("c")));
}

TEST(Hash, OneKeyStaysWhereItIs) {
  const auto group = make_group(Algorithm::hash, {{"a"}, {"b"}, {"c"}, {"d"}});
  Picker one(group, 1), other(group, 2);
  for (int i = 0; i < 100; ++i) {
    const Ask ask{kNow, nullptr, hash_of(std::to_string(i)), {}, false};
    EXPECT_EQ(one.pick(ask).index, other.pick(ask).index);
  }
}

TEST(Hash, MovesAtMostTheShareOfWhoLeaves) {
  const auto group = make_group(Algorithm::hash, {{"a"}, {"b"}, {"c"}, {"d"}, {"e"}});
  Picker picker(group, 1);
  constexpr int kKeys = 10'000;
  std::vector<std::size_t> before;
  for (int i = 0; i < kKeys; ++i)
    before.push_back(picker.pick({kNow, nullptr, hash_of(std::to_string(i)), {}, false}).index);
  set_down(*group, "c");
  int moved = 0;
  for (int i = 0; i < kKeys; ++i) {
    const std::size_t now = picker.pick({kNow, nullptr, hash_of(std::to_string(i)), {}, false}).index;
    if (now == before[static_cast<std::size_t>(i)]) continue;
    ++moved;
    EXPECT_EQ(before[static_cast<std::size_t>(i)], 2u) << "a key of another server moved";
  }
  EXPECT_NEAR(moved, kKeys / 5, kKeys / 50);
}

TEST(Hash, TheLoadOfOneKeyIsBounded) {
  const auto group = make_group(Algorithm::hash, {{"a"}, {"b"}, {"c"}, {"d"}});
  group->balance.load_factor = 1.25;
  Picker picker(group, 1);
  // One hot key, requests that never end.
  for (int i = 0; i < 400; ++i) {
    const Pick pick = picker.pick({kNow, nullptr, hash_of("hot"), {}, false});
    ++pick.server->requests;
  }
  for (const Member& member : group->members) EXPECT_LE(member.server->requests, 126u) << member.name;
}

TEST(SlowStart, GrowsLinearlyAfterARecoveryOnly) {
  const auto group = make_group(Algorithm::round_robin, {{"a"}, {"b"}});
  group->slow_start = std::chrono::seconds(100);
  EXPECT_NEAR(spread(group, kPicks).at("a"), kPicks / 2, kPicks / 100);  // never was down: nothing to be slow about
  server(*group, "a").set_health(Health::down, kNow, kWall);
  server(*group, "a").set_health(Health::up, kNow - std::chrono::seconds(50), kWall);
  EXPECT_NEAR(spread(group, kPicks).at("a"), kPicks / 3, kPicks / 100);  // half the weight: one of three
  server(*group, "a").set_recovered(kNow - std::chrono::seconds(100));
  EXPECT_NEAR(spread(group, kPicks).at("a"), kPicks / 2, kPicks / 100);
}

TEST(Panic, IgnoresHealthWhenTooFewAreLeft) {
  const auto group = make_group(Algorithm::round_robin, {{"a"}, {"b"}, {"c"}, {"d"}});
  group->panic = 50;
  set_down(*group, "a");
  set_down(*group, "b");
  EXPECT_EQ(spread(group, 100).size(), 2u);  // half is not less than half
  set_down(*group, "c");
  EXPECT_EQ(spread(group, 100).size(), 4u);
  server(*group, "d").set_state(ServerState::down, kWall);
  EXPECT_EQ(spread(group, 100).size(), 3u);  // what the operator took out stays out
}

TEST(Panic, LeavesVisitorsWithTheirServers) {
  const auto group = make_group(Algorithm::round_robin, {{"a"}, {"b"}, {"c"}, {"d"}});
  set_down(*group, "a");
  server(*group, "b").set_ejected(kNow + std::chrono::seconds(1), kWall);
  set_down(*group, "c");
  for (const std::size_t ill : {0, 1, 2}) EXPECT_FALSE(serves_visitors(*group, ill, kNow)) << ill;
  group->panic = 50;
  for (const std::size_t ill : {0, 1, 2}) EXPECT_TRUE(serves_visitors(*group, ill, kNow)) << ill;
  server(*group, "a").set_state(ServerState::down, kWall);
  EXPECT_FALSE(serves_visitors(*group, 0, kNow));
}

TEST(Sick, IsAZoneOfWhichHalfIsOut) {
  const auto group = make_group(Algorithm::round_robin, {{"a"}, {"b"}, {"c"}, {"d"}, {"r", "rtm"}});
  EXPECT_FALSE(looks_sick(*group, 0, kNow));
  EXPECT_TRUE(looks_sick(*group, 4, kNow));
  set_down(*group, "b");
  EXPECT_TRUE(looks_sick(*group, 0, kNow));
  server(*group, "b").set_health(Health::up, kNow, kWall);
  server(*group, "c").set_state(ServerState::down, kWall);
  EXPECT_TRUE(looks_sick(*group, 0, kNow)) << "whom the operator took out does not carry anything either";
}

TEST(Full, WaitsInsteadOfTakingABackup) {
  const auto group = make_group(Algorithm::round_robin, {{"a"}, {"b"}, {"spare", "ams", 1, true}});
  group->connections = 2;
  server(*group, "a").sockets = 2;
  EXPECT_THAT(spread(group, 10), ElementsAre(Pair("b", 10)));
  server(*group, "b").sockets = 3;
  EXPECT_THAT(spread(group, 10), ElementsAre(Pair("all_full", 10)));
  server(*group, "a").idle = 1;  // an idle connection can be had
  EXPECT_THAT(spread(group, 10), ElementsAre(Pair("a", 10)));
}

TEST(Takers, AreThoseWhomARequestMayWaitFor) {
  const auto group = make_group(Algorithm::round_robin,
                                {{"a"}, {"b"}, {"c"}, {"old", "ams", 0}, {"spare", "ams", 1, true}, {"gone"}, {"out"}});
  group->connections = 1;
  server(*group, "a").sockets = 1;  // full or not
  server(*group, "gone").set_state(ServerState::drain, kWall);
  server(*group, "out").set_ejected(kNow + std::chrono::seconds(1), kWall);
  const auto names = [&](const Ask& ask) {
    std::vector<std::string> list;
    for (const Server* const one : takers_of(*group, ask)) list.push_back(one->identity().name);
    return list;
  };
  EXPECT_THAT(names({kNow}), ElementsAre("a", "b", "c"));
  Tried tried;
  tried.add(1);
  EXPECT_THAT(names({kNow, &tried, 0, {}, false}), ElementsAre("a", "c"));
  set_down(*group, "a");
  set_down(*group, "c");
  EXPECT_THAT(names({kNow, &tried, 0, {}, false}), ElementsAre("spare"));
  server(*group, "spare").set_state(ServerState::down, kWall);
  EXPECT_TRUE(names({kNow, &tried, 0, {}, false}).empty());
}

TEST(SlowStart, BeginsWhenTheEjectionEnds) {
  const auto group = make_group(Algorithm::round_robin, {{"a"}, {"b"}, {"c"}, {"d"}});
  group->slow_start = std::chrono::seconds(100);
  std::vector<std::shared_ptr<Server>> servers;
  for (const Member& member : group->members) servers.push_back(member.server);
  OutlierVerdict verdict(OutlierOptions{});
  verdict.eject(*servers[0], servers, kNow - std::chrono::seconds(30), kWall);
  const int share = spread(group, kPicks)["a"];  // the sweep that tells of its return comes within a second
  EXPECT_LT(share, kPicks / 100);
  verdict.sweep(servers, kNow + std::chrono::seconds(1), kWall);
  EXPECT_EQ(spread(group, kPicks)["a"], share) << "and does not begin it once more";
}

// In panic an ejected server is asked like the others, whenever its own start will be.
TEST(SlowStart, DoesNotCountWhileEjected) {
  const auto group = make_group(Algorithm::round_robin, {{"a"}, {"b"}});
  group->slow_start = std::chrono::seconds(100);
  group->panic = 90;
  std::vector<std::shared_ptr<Server>> servers{group->members[0].server, group->members[1].server};
  OutlierVerdict verdict(OutlierOptions{});
  verdict.eject(*servers[0], servers, kNow, kWall);
  EXPECT_NEAR(spread(group, kPicks)["a"], kPicks / 2, kPicks / 100);
}

TEST(Order, OfManyServersHasAnEnd) {
  std::vector<Row> rows;
  for (int i = 0; i < 40; ++i) rows.push_back({"s" + std::to_string(i)});
  std::set<std::size_t> seen;
  const auto order = order_of(make_group(Algorithm::round_robin, rows), {kNow, nullptr, 5, {}, true});
  for (const Considered& one : order) EXPECT_TRUE(seen.insert(one.index).second);
  EXPECT_EQ(order.size(), 40u);
}

TEST(Order, ListsEveryoneWithTheReason) {
  const auto group = make_group(Algorithm::hash, {{"a"}, {"b"}, {"c"}, {"spare", "ams", 1, true}, {"old", "ams", 0}});
  set_down(*group, "a");
  server(*group, "b").set_state(ServerState::drain, kWall);
  std::map<std::string, std::string> got;
  std::vector<std::string> names;
  for (const Considered& one : order_of(group, {kNow, nullptr, 5, {}, true})) {
    names.push_back(group->members[one.index].name);
    got[names.back()] = to_string(one.standing);
  }
  EXPECT_EQ(names.front(), "c");
  EXPECT_EQ(names[1], "spare");
  EXPECT_EQ(
      got,
      (std::map<std::string, std::string>{
          {"a", "probe_down"}, {"b", "draining"}, {"c", "eligible"}, {"spare", "eligible"}, {"old", "weightless"}}));
}

}  // namespace
}  // namespace shellac::balance::test
