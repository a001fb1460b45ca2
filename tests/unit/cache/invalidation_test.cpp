#include "cache/store_fixture.hpp"
#include "cache/tag_purges.hpp"

namespace shellac::cache {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using Purge = Cache::Purge;

// A purge of the key "k", by whatever way; the object has the tag "t".
struct Way {
  const char* what;
  std::size_t (*run)(Cache& cache, Purge how, Time now);
};

class InvalidationTest : public StoreTest, public ::testing::WithParamInterface<Way> {
 protected:
  static Answer answer() {
    return {.lifetime = seconds(100), .grace = seconds(10), .keep = hours(1), .tags = {"s", "t"}};
  }
  std::size_t purge(Purge how) { return GetParam().run(cache(), how, now_); }
};

INSTANTIATE_TEST_SUITE_P(
    Ways, InvalidationTest,
    ::testing::Values(Way{"key", [](Cache& cache, Purge how, Time now) { return cache.purge("k", how, now); }},
                      Way{"tag", [](Cache& cache, Purge how, Time now) { return cache.purge_tag("t", how, now); }},
                      Way{"all", [](Cache& cache, Purge how, Time now) { return cache.purge_all(how, now); }}),
    [](const auto& test) { return std::string(test.param.what); });

TEST_P(InvalidationTest, HardIsGone) {
  const ObjectRef held = store("k", "one", answer());
  EXPECT_EQ(purge(Purge::hard), 1u);
  EXPECT_EQ(ask("k").miss, Miss::uri);
  EXPECT_EQ(read(held), "one");  // who had it before may go on
  EXPECT_GT(cache().stats().pinned.count, 0u);
  EXPECT_EQ(cache().stats().body.count + cache().stats().head.count, 0u);
}

TEST_P(InvalidationTest, SoftIsStale) {
  store("k", "one", answer());
  EXPECT_EQ(purge(Purge::soft), 1u);
  const Found first = ask("k");
  EXPECT_EQ(first.kind, Kind::stale);
  EXPECT_TRUE(first.leader);
  pass(seconds(11));
  EXPECT_EQ(ask("k").kind, Kind::wait);
  EXPECT_EQ(ask("k").use, Selector::Use::validate);
}

TEST_P(InvalidationTest, WhatWasFetchedIsNotFoundAfterAHardPurge) {
  Found leader = ask("k");
  Found before = ask("k");
  purge(Purge::hard);
  Found after = ask("k");
  const Published published = publish(leader, answer());
  EXPECT_EQ(published.why, NotStored::purged);
  EXPECT_TRUE(published.object);
  CountingWaiter waiter;
  EXPECT_EQ(before.follower.ask(waiter), Verdict::published);
  // It leads a fetch of its own, or is told to look again.
  if (after.follower) {
    EXPECT_EQ(after.follower.ask(waiter), Verdict::abandoned);
  } else {
    EXPECT_TRUE(after.leader);
  }
  append(leader, "old");
  EXPECT_TRUE(cache().complete(leader.leader, now_));
  EXPECT_NE(ask("k").kind, Kind::hit);
}

TEST_P(InvalidationTest, WhatWasFetchedIsStaleAfterASoftPurge) {
  Found leader = ask("k");
  purge(Purge::soft);
  pass(seconds(1));
  EXPECT_EQ(publish(leader, answer()).why, NotStored::none);
  append(leader, "old");
  cache().complete(leader.leader, now_);
  EXPECT_EQ(ask("k").kind, Kind::stale);
}

TEST_P(InvalidationTest, WhatGrowsIsGone) {
  Found leader = ask("k");
  publish(leader, answer());
  append(leader, "ol");
  EXPECT_EQ(ask("k").kind, Kind::hit);
  EXPECT_EQ(purge(Purge::hard), 1u);
  EXPECT_EQ(leader.leader.not_stored(), NotStored::purged);
  EXPECT_EQ(ask("k").kind, Kind::lead);
  append(leader, "d");
  EXPECT_TRUE(cache().complete(leader.leader, now_));
  EXPECT_EQ(cache().stats().objects, 0u);
}

TEST_P(InvalidationTest, AnOlderFetchDoesNotReplaceANewerAnswer) {
  Found old = ask("k");
  purge(Purge::soft);
  store("k", "new", answer());
  if (GetParam().what != std::string_view("tag")) {
    EXPECT_EQ(read(ask("k").object), "new");
  }
  publish(old, answer());
  append(old, "old");
  cache().complete(old.leader, now_);
  if (GetParam().what != std::string_view("tag")) {
    EXPECT_EQ(read(ask("k").object), "new");
  }
}

TEST_P(InvalidationTest, AHardPurgeAfterASoftOneCounts) {
  Found leader = ask("k");
  purge(Purge::soft);
  purge(Purge::hard);
  EXPECT_EQ(publish(leader, answer()).why, NotStored::purged);
  cache().abort(leader.leader, {});
}

TEST_F(StoreTest, ATagPurgeTakesItsOwnOnly) {
  store("a", "1", {.tags = {"x", "y"}});
  store("b", "2", {.tags = {"y"}});
  store("c", "3", {.tags = {"z"}});
  EXPECT_EQ(cache().purge_tag("y", Purge::hard, now_), 2u);
  EXPECT_EQ(ask("c").kind, Kind::hit);
  EXPECT_EQ(ask("a").kind, Kind::lead);
  EXPECT_EQ(cache().purge_tag("x", Purge::hard, now_), 0u);
  EXPECT_EQ(cache().purge_tag("nobody's", Purge::hard, now_), 0u);
}

TEST_F(StoreTest, MorePurgesThanAreRememberedPurgeWhatHasTags) {
  Found tagged = ask("a");
  Found plain = ask("b");
  for (std::size_t i = 0; i <= TagPurges::kRemembered; ++i) cache().purge_tag("other", Purge::soft, now_);
  EXPECT_EQ(publish(tagged, {.tags = {"x"}}).why, NotStored::purged);
  EXPECT_EQ(publish(plain, {}).why, NotStored::none);
  cache().abort(tagged.leader, {});
  cache().abort(plain.leader, {});
}

TEST_F(StoreTest, PurgingAllReachesManyBuckets) {
  for (int i = 0; i < 20'000; ++i) store("k" + std::to_string(i), "x");
  EXPECT_EQ(cache().purge_all(Purge::hard, now_), 20'000u);
  EXPECT_EQ(cache().stats().objects, 0u);
  EXPECT_EQ(ask("k77").kind, Kind::lead);
}

}  // namespace
}  // namespace shellac::cache
