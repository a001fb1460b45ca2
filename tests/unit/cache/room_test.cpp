// The cap, what goes when room is needed, expiry, and what an object costs.
#include "cache/store_fixture.hpp"

namespace shellac::cache {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

class RoomTest : public StoreTest, public ::testing::WithParamInterface<Eviction> {
 protected:
  void open_small(Bytes memory) { open({.memory = memory, .eviction = GetParam()}); }
  std::uint64_t removed(Removed why) { return cache().stats().removed[static_cast<std::size_t>(why)]; }
};

INSTANTIATE_TEST_SUITE_P(Policies, RoomTest, ::testing::Values(Eviction::s3_fifo, Eviction::lru),
                         [](const auto& test) { return test.param == Eviction::lru ? "lru" : "s3_fifo"; });

TEST_P(RoomTest, TheCapHolds) {
  open_small(8_MiB);
  for (int i = 0; i < 2000; ++i) {
    store("k" + std::to_string(i), std::string(static_cast<std::size_t>(100 + i * 37 % 60'000), 'x'));
    ASSERT_LE(cache().stats().used, 8_MiB);
  }
  const Stats stats = cache().stats();
  EXPECT_GT(stats.used.count, (8_MiB).count * 8 / 10);
  EXPECT_GT(removed(Removed::size), 1000u);
  std::uint64_t ages = 0;
  for (const std::uint64_t count : stats.eviction_ages) ages += count;
  EXPECT_EQ(ages, removed(Removed::size));
  const std::uint64_t kinds =
      stats.body.count + stats.head.count + stats.index.count + stats.ghost.count + stats.growing.count;
  EXPECT_LE(kinds + stats.pinned.count, stats.used.count);
}

TEST_P(RoomTest, WhatIsReadStays) {
  open_small(8_MiB);
  const std::string body(100'000, 'r');
  const ObjectRef read_now = store("read", body);
  for (int i = 0; i < 500; ++i) store("k" + std::to_string(i), std::string(50'000, 'x'));
  EXPECT_EQ(read(read_now), body);
  EXPECT_EQ(ask("read").kind, Kind::hit);
}

TEST_P(RoomTest, WithEverythingHeldAnswersAreNotStored) {
  open_small(4_MiB);
  std::vector<ObjectRef> held;
  for (int i = 0; i < 1000; ++i) {
    ObjectRef object = store("k" + std::to_string(i), std::string(50'000, 'x'));
    if (!object || !object->content()->is_complete() || object->content()->is_window()) break;
    held.push_back(std::move(object));
  }
  EXPECT_GT(held.size(), 50u);
  EXPECT_LT(held.size(), 100u);
  Found found = ask("more");
  const Published published = publish(found, {}, 100'000);
  if (published.object) {
    while (append(found, std::string(10'000, 'y')) == Content::Append::done) {
    }
    EXPECT_EQ(found.leader.not_stored(), NotStored::full);
    cache().abort(found.leader, {});
  } else {
    EXPECT_EQ(published.why, NotStored::full);
    cache().refuse(found.leader, Duration{0}, now_);
  }
  // Every octet that somebody holds is as it was.
  for (const ObjectRef& object : held) EXPECT_EQ(read(object), std::string(50'000, 'x'));
  held.clear();
  store("more", std::string(100'000, 'y'));
  EXPECT_EQ(ask("more").kind, Kind::hit);
}

TEST_P(RoomTest, RoomIsMadeBesideDomainsThatAreAllHeld) {
  open({.memory = 16_MiB, .eviction = GetParam(), .domains = 8});
  std::vector<ObjectRef> held;
  for (int i = 0; i < 6; ++i) held.push_back(store("held" + std::to_string(i), std::string(2'000'000, 'h')));
  for (int i = 0; i < 2000; ++i) {
    const ObjectRef stored = store("k" + std::to_string(i), std::string(10'000, 'x'));
    ASSERT_TRUE(stored && stored->content()->is_complete()) << i;
  }
  EXPECT_EQ(ask("k1999").kind, Kind::hit);
  for (int i = 0; i < 6; ++i) EXPECT_EQ(ask("held" + std::to_string(i)).kind, Kind::hit);
}

TEST_P(RoomTest, ASmallerMemoryEvicts) {
  open_small(16_MiB);
  for (int i = 0; i < 300; ++i) store("k" + std::to_string(i), std::string(50'000, 'x'));
  EXPECT_GT(cache().stats().used, 12_MiB);
  cache().set_memory(4_MiB, now_);
  EXPECT_LE(cache().stats().used, 4_MiB);
  EXPECT_GT(cache().stats().objects, 40u);
  cache().set_memory(16_MiB, now_);
  for (int i = 0; i < 300; ++i) store("k" + std::to_string(i), std::string(50'000, 'x'));
  EXPECT_GT(cache().stats().used, 12_MiB);
}

TEST_P(RoomTest, WhatIsOfNoUseAnyMoreGoesFirst) {
  open_small(8_MiB);
  for (int i = 0; i < 60; ++i) store("old" + std::to_string(i), std::string(50'000, 'x'), {.lifetime = seconds(5)});
  store("good", "x", {.lifetime = hours(10)});
  pass(seconds(30));
  for (int i = 0; i < 100; ++i) store("new" + std::to_string(i), std::string(50'000, 'x'), {.lifetime = hours(10)});
  EXPECT_EQ(removed(Removed::expired), 60u);
  EXPECT_EQ(removed(Removed::size), 0u);
  EXPECT_EQ(ask("good").kind, Kind::hit);
}

TEST_P(RoomTest, ExpiryDropsWhatIsPastEveryUse) {
  struct Row {
    Answer answer;
    int seconds;
  };
  const Row rows[] = {
      {{.lifetime = seconds(3)}, 3},
      {{.lifetime = seconds(70)}, 70},
      {{.lifetime = seconds(70), .grace = seconds(100)}, 170},
      {{.lifetime = seconds(1), .stale_if_error = seconds(5000)}, 5001},
      {{.lifetime = seconds(0), .keep = hours(100)}, 360'000},
      {{.lifetime = hours(24 * 400)}, 24 * 400 * 3600},
  };
  pass(std::chrono::milliseconds(700));  // the wheel knows whole seconds only
  const Time begin = now_;
  for (const Row& row : rows) {
    now_ = begin;
    open_small(8_MiB);
    store("k", "x", row.answer);
    now_ = begin + seconds(row.seconds) - std::chrono::milliseconds(1);
    cache().expire(now_);
    EXPECT_EQ(cache().stats().objects, 1u) << row.seconds;
    pass(seconds(2));
    cache().expire(now_);
    EXPECT_EQ(cache().stats().objects, 0u) << row.seconds;
    EXPECT_EQ(removed(Removed::expired), 1u);
  }
}

TEST_P(RoomTest, ExpiryGoesOnWhereItStopped) {
  open_small(64_MiB);
  for (int i = 0; i < 50'000; ++i) store("k" + std::to_string(i), "x", {.lifetime = seconds(100 + i % 1000)});
  pass(seconds(2000));
  for (int i = 0; i < 50 && cache().stats().objects > 0; ++i) cache().expire(now_);
  EXPECT_EQ(cache().stats().objects, 0u);
}

TEST_P(RoomTest, AnObjectOf1KiBCosts400OctetsMore) {
  open_small(256_MiB);
  const std::string lines(200, 'h');
  constexpr std::uint64_t kCount = 100'000;
  for (std::uint64_t i = 0; i < kCount; ++i)
    store("https://www.example.com/photos/" + std::to_string(100'000 + i), std::string(1024, 'b'), {.lines = lines});
  ASSERT_EQ(cache().stats().objects, kCount);
  const std::uint64_t each = cache().stats().used.count / kCount;
  EXPECT_LE(each, 1024u + 200 + 400);
  ::testing::Test::RecordProperty("octets", static_cast<int>(each) - 1224);
}

// A scan of things that are asked for once does not displace what is asked for again and again; under LRU it does.
TEST_P(RoomTest, OneScanUnderEachPolicy) {
  open_small(8_MiB);
  const std::string body(10'000, 'x');
  for (int round = 0; round < 3; ++round)
    for (int i = 0; i < 200; ++i) store("hot" + std::to_string(i), body);
  for (int i = 0; i < 2000; ++i) store("scan" + std::to_string(i), body);
  int hits = 0;
  for (int i = 0; i < 200; ++i) hits += ask("hot" + std::to_string(i)).kind == Kind::hit ? 1 : 0;
  if (GetParam() == Eviction::s3_fifo) {
    EXPECT_GE(hits, 190);
  } else {
    EXPECT_EQ(hits, 0);
  }
}

// What comes back while it is remembered is worth more than what comes for the first time.
TEST(GhostTest, WhatComesBackStays) {
  struct Store : StoreTest {
    void TestBody() override {}
    using StoreTest::ask, StoreTest::open, StoreTest::store;
  } store;
  store.open({.memory = 8_MiB});
  const std::string body(10'000, 'x');
  for (int i = 0; i < 1000; ++i) store.store("first" + std::to_string(i), body);
  ASSERT_EQ(store.ask("first0").kind, Found::Kind::lead);  // evicted, remembered
  store.store("first0", body);
  for (int i = 0; i < 2000; ++i) store.store("scan" + std::to_string(i), body);
  EXPECT_EQ(store.ask("first0").kind, Found::Kind::hit);
}

}  // namespace
}  // namespace shellac::cache
