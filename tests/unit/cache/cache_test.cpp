#include "shellac/cache/cache.hpp"

#include "cache/store_fixture.hpp"

namespace shellac::cache {
namespace {

using std::chrono::seconds;

class CacheTest : public StoreTest {};

TEST_F(CacheTest, FirstLeadsAndTheRestWait) {
  Found first = ask("k");
  EXPECT_EQ(first.kind, Kind::lead);
  EXPECT_EQ(first.miss, Miss::uri);
  Found second = ask("k");
  ASSERT_EQ(second.kind, Kind::wait);
  CountingWaiter waiter;
  EXPECT_EQ(second.follower.ask(waiter), Verdict::waiting);
  ASSERT_TRUE(publish(first, {}).object);
  EXPECT_EQ(waiter.wakes, 1);
  EXPECT_EQ(second.follower.ask(waiter), Verdict::published);
  EXPECT_EQ(append(first, "abc"), Content::Append::done);
  EXPECT_EQ(read(second.follower.object()), "abc");
  EXPECT_TRUE(ask("k").joined);
  EXPECT_TRUE(cache().complete(first.leader, now_));
  EXPECT_FALSE(ask("k").joined);
  EXPECT_EQ(ask("k").kind, Kind::hit);
}

TEST_F(CacheTest, StaleInGraceIsServedWhileOneRefreshes) {
  store("k", "one", {.lifetime = seconds(10), .grace = seconds(10)});
  pass(seconds(15));
  Found first = ask("k");
  EXPECT_EQ(first.kind, Kind::stale);
  EXPECT_TRUE(first.leader);
  Found second = ask("k");
  EXPECT_EQ(second.kind, Kind::stale);
  EXPECT_FALSE(second.leader);
}

TEST_F(CacheTest, ALeaderThatDiesAbandons) {
  Found follower;
  CountingWaiter waiter;
  {
    const Found leader = ask("k");
    follower = ask("k");
    EXPECT_EQ(follower.follower.ask(waiter), Verdict::waiting);
  }
  EXPECT_EQ(waiter.wakes, 1);
  EXPECT_EQ(follower.follower.ask(waiter), Verdict::abandoned);
  EXPECT_EQ(ask("k").kind, Kind::lead);
}

TEST_F(CacheTest, HitForMissOpensTheGateForATime) {
  Found first = ask("k");
  Found second = ask("k");
  CountingWaiter waiter;
  cache().refuse(first.leader, seconds(120), now_);
  EXPECT_EQ(second.follower.ask(waiter), Verdict::refused);
  Found third = ask("k");
  EXPECT_EQ(third.kind, Kind::lead);
  EXPECT_FALSE(third.collapses);
  EXPECT_EQ(ask("k").kind, Kind::lead);
  pass(seconds(121));
  Found fourth = ask("k");
  EXPECT_TRUE(fourth.collapses);
}

TEST_F(CacheTest, PurgedIsNotFound) {
  store("k", "one");
  EXPECT_EQ(ask("k").kind, Kind::hit);
  EXPECT_EQ(cache().purge("k", Cache::Purge::hard, now_), 1u);
  EXPECT_EQ(ask("k").kind, Kind::lead);
}

}  // namespace
}  // namespace shellac::cache
