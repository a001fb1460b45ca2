#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "group.hpp"

namespace shellac::balance::test {
namespace {

constexpr int kPicks = 100'000;

std::shared_ptr<Group> three_zones(Algorithm algorithm) {
  auto group =
      make_group(algorithm, {{"a1", "ams"}, {"a2", "ams"}, {"r1", "rtm"}, {"r2", "rtm"}, {"f1", "fra"}, {"f2", "fra"}});
  group->zones.prefer_local = true;
  return group;
}

int up(unsigned mix, int zone) {
  return static_cast<int>(mix >> (2 * zone) & 1) + static_cast<int>(mix >> (2 * zone + 1) & 1);
}

// What the manual promises, said once more: `local` of 2 servers are healthy here, `remote` of 4 elsewhere.
double expected_local(int local, int remote) {
  if (local == 0) return 0;
  if (remote == 0) return 1;
  return local == 2 ? 1.0 : 1.4 * 0.5;
}

class EveryMix : public testing::TestWithParam<Algorithm> {};
INSTANTIATE_TEST_SUITE_P(Zones, EveryMix,
                         testing::Values(Algorithm::round_robin, Algorithm::least_requests, Algorithm::random_two,
                                         Algorithm::hash));

TEST_P(EveryMix, OfThreeZonesWithTwoServers) {
  for (unsigned mix = 0; mix < 64; ++mix) {
    const auto group = three_zones(GetParam());
    for (std::size_t i = 0; i < 6; ++i)
      if ((mix >> i & 1) == 0) group->members[i].server->set_health(Health::down, kNow, kWall);
    const int local = up(mix, 0), remote = up(mix, 1) + up(mix, 2);
    auto got = spread(group, kPicks);
    if (local + remote == 0) {
      EXPECT_EQ(got["all_down"], kPicks) << mix;
      continue;
    }
    const double share = expected_local(local, remote);
    for (std::size_t i = 0; i < 6; ++i) {
      const bool healthy = (mix >> i & 1) != 0;
      const double part = !healthy ? 0 : i < 2 ? share / local : (1 - share) / remote;
      EXPECT_NEAR(got[group->members[i].name], part * kPicks, kPicks / 100)
          << group->members[i].name << " of mix " << mix;
    }
  }
}

TEST(Zones, SpillOverFollowsTheWeightsElsewhere) {
  const auto group =
      make_group(Algorithm::round_robin, {{"a1", "ams"}, {"a2", "ams"}, {"r1", "rtm", 3}, {"f1", "fra", 1}});
  group->zones.prefer_local = true;
  set_down(*group, "a2");
  auto got = spread(group, kPicks);
  EXPECT_NEAR(got["a1"], kPicks * 0.7, kPicks / 100);
  EXPECT_NEAR(got["r1"], kPicks * 0.3 * 0.75, kPicks / 100);
  EXPECT_NEAR(got["f1"], kPicks * 0.3 * 0.25, kPicks / 100);
}

TEST(Zones, StaysWhileTheOverprovisionCarriesIt) {
  std::vector<Row> rows;
  for (int i = 0; i < 7; ++i) rows.push_back({"a" + std::to_string(i), "ams"});
  rows.push_back({"r", "rtm", 7});
  const auto group = make_group(Algorithm::round_robin, rows);
  group->zones.prefer_local = true;
  set_down(*group, "a0");
  set_down(*group, "a1");  // 1.4 × 5/7 = 1
  EXPECT_EQ(spread(group, 1000)["r"], 0);
  set_down(*group, "a2");  // 1.4 × 4/7 = 0.8
  EXPECT_NEAR(spread(group, kPicks)["r"], kPicks * 0.2, kPicks / 100);
}

TEST(Zones, AnEdgeWithoutServersOfItsZoneUsesAll) {
  const auto group = three_zones(Algorithm::round_robin);
  group->zone = "lon";
  EXPECT_EQ(spread(group, 600).size(), 6u);
}

TEST(Zones, DrainedServersDoNotCountAsHealthy) {
  const auto group = three_zones(Algorithm::round_robin);
  server(*group, "a1").set_state(ServerState::drain, kWall);
  auto got = spread(group, kPicks);
  EXPECT_EQ(got["a1"], 0);
  EXPECT_NEAR(got["a2"], kPicks * 0.7, kPicks / 100);
}

TEST(Zones, OffMeansThatZonesDoNotMatter) {
  const auto group = three_zones(Algorithm::round_robin);
  group->zones.prefer_local = false;
  for (const auto& [name, count] : spread(group, 6000)) EXPECT_NEAR(count, 1000, 60) << name;
}

TEST(Zones, ARetryThatHasBeenThroughTheZoneLeavesIt) {
  const auto group = three_zones(Algorithm::round_robin);
  Tried tried;
  tried.add(0);
  tried.add(1);
  Ask ask;
  ask.tried = &tried;
  auto got = spread(group, 400, ask);
  EXPECT_EQ(got.size(), 4u);
  EXPECT_EQ(got["a1"] + got["a2"], 0);
}

}  // namespace
}  // namespace shellac::balance::test
