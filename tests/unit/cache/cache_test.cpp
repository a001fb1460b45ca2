#include "shellac/cache/cache.hpp"

#include <algorithm>

#include "cache/store_fixture.hpp"
#include "shellac/core/limits.hpp"

namespace shellac::cache {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
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

// What a lookup says of one stored object after so many seconds, without and with somebody's fetch under way, and
// within the back-off after a failed one.
struct LookupState {
  const char* what;
  Terms terms;
  int after;
  Found::Kind alone, beside, failed;
  bool leads_alone, leads_failed;
};

class LookupStates : public StoreTest, public ::testing::WithParamInterface<LookupState> {};

TEST_P(LookupStates, AreTheseOnes) {
  const LookupState& state = GetParam();
  const Answer answer{.lifetime = state.terms.lifetime,
                      .grace = state.terms.grace,
                      .stale_if_error = state.terms.stale_if_error,
                      .keep = seconds(1000)};
  store("k", "one", answer);
  pass(seconds(state.after));
  Found alone = ask("k");
  EXPECT_EQ(alone.kind, state.alone);
  EXPECT_EQ(static_cast<bool>(alone.leader), state.leads_alone);
  EXPECT_TRUE(alone.object);
  EXPECT_EQ(alone.miss, alone.kind == Kind::hit ? Miss::none : Miss::stale);
  Found beside = ask("k");
  EXPECT_EQ(beside.kind, state.beside);
  EXPECT_FALSE(beside.leader);
  EXPECT_TRUE(beside.object);
  if (!alone.leader) return;
  cache().fail(alone.leader, {.cause = Cause::timeout}, now_);
  pass(milliseconds(999));
  const Found failed = ask("k");
  EXPECT_EQ(failed.kind, state.failed);
  EXPECT_EQ(static_cast<bool>(failed.leader), state.leads_failed);
  EXPECT_EQ(failed.backs_off, !state.leads_failed);
  pass(milliseconds(2));
  if (!failed.leader) {
    EXPECT_TRUE(ask("k").leader);
  }
}

using enum Found::Kind;
INSTANTIATE_TEST_SUITE_P(
    All, LookupStates,
    ::testing::Values(
        LookupState{"fresh", {.lifetime = seconds(10)}, 5, hit, hit, hit, false, false},
        LookupState{"in grace", {.lifetime = seconds(10), .grace = seconds(10)}, 15, stale, stale, stale, true, false},
        LookupState{"past grace", {.lifetime = seconds(10), .grace = seconds(10)}, 25, lead, wait, lead, true, true},
        LookupState{
            "for errors", {.lifetime = seconds(10), .stale_if_error = hours(1)}, 15, lead, wait, stale, true, false},
        LookupState{"kept", {.lifetime = seconds(10)}, 15, lead, wait, lead, true, true}),
    [](const auto& test) {
      std::string name = test.param.what;
      std::ranges::replace(name, ' ', '_');
      return name;
    });

TEST_F(CacheTest, PeekNeverLeads) {
  AskingRequest request;
  request.now = now_;
  EXPECT_EQ(cache().peek("k", request, now_).kind, Kind::none);
  EXPECT_EQ(cache().peek("k", request, now_).miss, Miss::uri);
  store("k", "one", {.lifetime = seconds(10), .grace = seconds(10)});
  EXPECT_EQ(cache().peek("k", request, now_).kind, Kind::hit);
  pass(seconds(15));
  request.now = now_;
  const Found stale = cache().peek("k", request, now_);
  EXPECT_EQ(stale.kind, Kind::stale);
  EXPECT_FALSE(stale.leader);
  EXPECT_EQ(cache().stats().fetches, 0u);
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

TEST_F(CacheTest, ALeaderThatDiesBreaksWhatItPublished) {
  ObjectRef object;
  {
    Found leader = ask("k");
    object = publish(leader, {}).object;
    append(leader, "ab");
  }
  http::Pull::State end{};
  EXPECT_EQ(read(object, &end), "ab");
  EXPECT_EQ(end, http::Pull::State::failed);
  EXPECT_EQ(ask("k").kind, Kind::lead);
}

TEST_F(CacheTest, AShortBodyIsNotStored) {
  Found leader = ask("k");
  const ObjectRef object = publish(leader, {}, 10).object;
  append(leader, "abc");
  EXPECT_FALSE(cache().complete(leader.leader, now_));
  EXPECT_EQ(ask("k").kind, Kind::lead);
  EXPECT_EQ(cache().stats().removed[static_cast<std::size_t>(Removed::broken)], 1u);
}

TEST_F(CacheTest, WhatWasStoredStaysUntilTheNewerIsWhole) {
  store("k", "old", {.lifetime = seconds(1), .stale_if_error = hours(1)});
  pass(seconds(2));
  {
    Found leader = ask("k");
    publish(leader, {});
    append(leader, "ne");
    EXPECT_EQ(read(ask("k").object), "ne");
    cache().abort(leader.leader, {.cause = Cause::reset});
  }
  EXPECT_EQ(read(ask("k").object), "old");
  store("k", "new");
  EXPECT_EQ(cache().stats().objects, 1u);
  EXPECT_EQ(cache().stats().removed[static_cast<std::size_t>(Removed::replaced)], 1u);
}

TEST_F(CacheTest, HitForMissOpensTheGateForATime) {
  Found first = ask("k");
  Found second = ask("k");
  CountingWaiter waiter;
  cache().refuse(first.leader, hours(1), now_);
  EXPECT_EQ(second.follower.ask(waiter), Verdict::refused);
  Found third = ask("k");
  EXPECT_EQ(third.kind, Kind::lead);
  EXPECT_FALSE(third.collapses);
  EXPECT_EQ(ask("k").kind, Kind::lead);
  pass(limits::kHitForMiss + seconds(1));
  Found fourth = ask("k");
  EXPECT_TRUE(fourth.collapses);
}

TEST_F(CacheTest, ACacheableAnswerEndsHitForMiss) {
  Found first = ask("k");
  cache().refuse(first.leader, seconds(100), now_);
  store("k", "one", {.lifetime = seconds(1)});
  pass(seconds(5));
  const Found leader = ask("k");
  EXPECT_TRUE(leader.collapses);
  EXPECT_EQ(ask("k").kind, Kind::wait);
}

TEST_F(CacheTest, HitForMissMarksAreBounded) {
  cache();
  std::uint64_t index = 0;
  for (int i = 0; i < 100'000; ++i) {
    Found found = ask("k" + std::to_string(i));
    cache().refuse(found.leader, seconds(100), now_);
    if (i == 50'000) index = cache().stats().index.count;
  }
  // A thousandth of 64 MiB, rounded to pages.
  EXPECT_EQ(cache().stats().index.count, index);
  EXPECT_LE(index, 128u * 1024);
  EXPECT_FALSE(ask("k99999").collapses);
}

TEST_F(CacheTest, FollowersAreLimited) {
  Found leader = ask("k");
  std::vector<Found> followers;
  for (std::uint32_t i = 0; i < limits::kFollowersMax; ++i) followers.push_back(ask("k"));
  EXPECT_EQ(followers.back().kind, Kind::wait);
  EXPECT_EQ(leader.leader.followers(), limits::kFollowersMax);
  {
    const Found beyond = ask("k");
    EXPECT_EQ(beyond.kind, Kind::lead);
    EXPECT_FALSE(beyond.collapses);
  }
  followers.pop_back();
  EXPECT_EQ(ask("k").kind, Kind::wait);
}

TEST_F(CacheTest, TheLeadersOwnRequestMayFollow) {
  Found leader = ask("k");
  Follower own = leader.leader.follow();
  CountingWaiter waiter;
  EXPECT_EQ(own.ask(waiter), Verdict::waiting);
  own.stop_waiting();
  cache().fail(leader.leader, {.cause = Cause::dns}, now_);
  EXPECT_EQ(waiter.wakes, 0);
  EXPECT_EQ(own.ask(waiter), Verdict::failed);
  EXPECT_EQ(own.error().cause, Cause::dns);
}

TEST_F(CacheTest, AFollowerThatLooksAgainLeavesItsFetch) {
  Found leader = ask("k");
  Found follower = ask("k");
  CountingWaiter waiter;
  EXPECT_EQ(follower.follower.ask(waiter), Verdict::waiting);
  EXPECT_EQ(leader.leader.followers(), 1u);
  follower = ask("other");
  EXPECT_EQ(leader.leader.followers(), 0u);
  cache().refuse(leader.leader, Duration{0}, now_);
  EXPECT_EQ(waiter.wakes, 0);
}

TEST_F(CacheTest, OnlyTheSameVariantIsWaitedFor) {
  store("k", "german", {.lifetime = seconds(1), .vary = "accept-language", .says = {{"accept-language", "de"}}});
  pass(seconds(5));
  const Found german = ask("k", {{"accept-language", "de"}});
  EXPECT_EQ(german.miss, Miss::stale);
  const Found dutch = ask("k", {{"accept-language", "nl"}});
  EXPECT_EQ(dutch.kind, Kind::lead);
  EXPECT_EQ(dutch.miss, Miss::vary);
  EXPECT_EQ(ask("k", {{"accept-language", "de"}}).kind, Kind::wait);
  EXPECT_EQ(ask("k", {{"accept-language", "nl"}}).kind, Kind::wait);
}

TEST_F(CacheTest, TheOldestVariantGoes) {
  for (const char* x : {"a", "b", "c"}) store("k", x, {.vary = "x", .says = {{"x", x}}, .max_variants = 2});
  EXPECT_EQ(ask("k", {{"x", "a"}}).kind, Kind::lead);
  EXPECT_EQ(read(ask("k", {{"x", "b"}}).object), "b");
  EXPECT_EQ(read(ask("k", {{"x", "c"}}).object), "c");
}

TEST_F(CacheTest, StoredAfterMinUses) {
  for (int i = 0; i < 2; ++i) {
    Found found = ask("k", {}, 3);
    EXPECT_EQ(publish(found, {}).why, NotStored::min_uses);
    cache().refuse(found.leader, Duration{0}, now_);
  }
  Found third = ask("k", {}, 3);
  EXPECT_EQ(publish(third, {}).why, NotStored::none);
}

TEST_F(CacheTest, ANotModifiedAnswerSharesTheBody) {
  const ObjectRef old = store("k", std::string(5000, 'b'), {.lifetime = seconds(1), .keep = hours(1)});
  const std::uint64_t body = cache().stats().body.count;
  pass(seconds(5));
  Found found = ask("k");
  ASSERT_EQ(found.object.get(), old.get());
  const NewObject refreshed{.lines = "B: c\r\n", .terms = {.lifetime = seconds(60)}};
  const Published published = cache().publish_refreshed(found.leader, *found.object, refreshed, {.now = now_});
  EXPECT_FALSE(found.leader);
  const Found hit = ask("k");
  EXPECT_EQ(hit.kind, Kind::hit);
  EXPECT_EQ(hit.object.get(), published.object.get());
  EXPECT_EQ(hit.object->lines(), "B: c\r\n");
  EXPECT_EQ(read(hit.object), std::string(5000, 'b'));
  EXPECT_EQ(cache().stats().objects, 1u);
  EXPECT_EQ(cache().stats().body.count, body);
}

TEST_F(CacheTest, WhatGrowsTooLargeLeavesTheIndex) {
  Found leader = ask("k");
  const ObjectRef object = publish(leader, {.max_object = 100_KiB}).object;
  CountingWaiter waiter;
  Reader reader(object->content(), {});
  EXPECT_EQ(append(leader, std::string(60000, 'a')), Content::Append::done);
  EXPECT_EQ(ask("k").kind, Kind::hit);
  EXPECT_EQ(append(leader, std::string(60000, 'a')), Content::Append::done);
  EXPECT_EQ(leader.leader.not_stored(), NotStored::too_large);
  EXPECT_EQ(ask("k").kind, Kind::lead);
  EXPECT_EQ(reader.try_next(1000, waiter).size(), 1000u);
  EXPECT_TRUE(cache().complete(leader.leader, now_));
  EXPECT_EQ(ask("k").kind, Kind::lead);
}

TEST_F(CacheTest, AnnouncedTooLargeIsNotPublished) {
  Found leader = ask("k");
  EXPECT_EQ(publish(leader, {}, 9 << 20).why, NotStored::too_large);  // an eighth of 64 MiB is 8
  EXPECT_EQ(publish(leader, {.max_object = 1_KiB}, 1025).why, NotStored::too_large);
  EXPECT_TRUE(publish(leader, {.max_object = 1_KiB}, 1024).object);
}

TEST_F(CacheTest, WhatDoesNotFitInABlockIsNotPublished) {
  Found leader = ask("k");
  EXPECT_EQ(publish(leader, {.lines = std::string(65'400, 'h')}).why, NotStored::too_large);
  EXPECT_EQ(publish(leader, {.tags = std::vector<std::string_view>(2048, "t")}).why, NotStored::too_large);
  EXPECT_EQ(publish(leader, {.tags = std::vector<std::string_view>(1000, "t")}).why, NotStored::none);
  cache().abort(leader.leader, {});
  Found long_key = ask(std::string(65'536, 'k'));
  EXPECT_EQ(publish(long_key, {}).why, NotStored::too_large);
}

TEST_F(CacheTest, TellsOfItsObjects) {
  store("k", "abc", {.lifetime = seconds(10), .vary = "x", .says = {{"x", "1"}}});
  store("other", std::string(9000, 'o'));
  pass(seconds(3));
  for (int i = 0; i < 3; ++i) ask("k", {{"x", "1"}});
  const auto reports = cache().inspect("k", now_);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].age, seconds(3));
  EXPECT_EQ(reports[0].freshness_left, seconds(7));
  EXPECT_EQ(reports[0].size.count, 3u);
  EXPECT_EQ(reports[0].hits, 3u);
  EXPECT_EQ(reports[0].variant, "1\n");
  const auto by_hits = cache().top(10, Cache::Order::hits, now_);
  ASSERT_EQ(by_hits.size(), 2u);
  EXPECT_EQ(by_hits[0].key, "k");
  const auto by_size = cache().top(1, Cache::Order::bytes, now_);
  ASSERT_EQ(by_size.size(), 1u);
  EXPECT_EQ(by_size[0].key, "other");
}

TEST_F(CacheTest, ObjectsKeepWhatTheyWereGiven) {
  Found found = ask("k");
  const WallTime modified{hours(24 * 20000)};
  const Terms terms{.initial_age = milliseconds(1500),
                    .lifetime = hours(24 * 365 * 10),
                    .grace = milliseconds(250),
                    .must_revalidate = true,
                    .allow_max_stale = true};
  const NewObject object{.status = 206,
                         .lines = "A: b\r\n",
                         .etag = "\"e\"",
                         .last_modified = modified,
                         .terms = terms,
                         .range_first = 7,
                         .range_total = 100};
  const ObjectRef stored = cache().publish(found.leader, object, {.now = now_}).object;
  EXPECT_EQ(stored->status(), 206);
  EXPECT_EQ(stored->etag(), "\"e\"");
  EXPECT_EQ(stored->last_modified(), modified);
  EXPECT_EQ(stored->range_first(), 7u);
  EXPECT_EQ(stored->range_total(), 100u);
  EXPECT_EQ(stored->terms().lifetime, terms.lifetime);
  EXPECT_EQ(stored->terms().grace, terms.grace);
  EXPECT_TRUE(stored->terms().must_revalidate);
  EXPECT_FALSE(stored->terms().always_validate);
  EXPECT_TRUE(stored->terms().allow_max_stale);
  pass(seconds(2));
  EXPECT_EQ(stored->age(now_), milliseconds(3500));
  cache().abort(found.leader, {});
}

}  // namespace
}  // namespace shellac::cache
