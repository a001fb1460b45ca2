// The store under four threads: lookups, fetches, purges, eviction and expiry at once.
#include <array>
#include <atomic>
#include <charconv>
#include <random>
#include <semaphore>
#include <thread>

#include "cache/store_fixture.hpp"

namespace shellac::cache {
namespace {

using std::chrono::seconds;

constexpr int kKeys = 12;
constexpr int kTags = 3;
constexpr int kRounds = 4000;

// Wakes a thread that sleeps.
struct ThreadWaiter final : Waiter {
  void wake() noexcept override { news.release(); }
  std::counting_semaphore<> news{0};
};

// What the origin has now, and what may be seen at least: raised after each purge has returned.
struct Generations {
  std::atomic<std::uint64_t> origin{1};
  std::atomic<std::uint64_t> floor{0};

  template <class Purge>
  void purge(Purge run) {
    const std::uint64_t next = origin.fetch_add(1) + 1;
    run();
    std::uint64_t seen = floor.load();
    while (seen < next && !floor.compare_exchange_weak(seen, next)) {
    }
  }
};

class StoreStressTest : public StoreTest {
 protected:
  struct Seen {
    std::uint64_t key = 0, tag = 0, all = 0;
  };
  static std::string key_of(int key) { return "http://h/" + std::to_string(key); }
  static std::string tag_of(int key) { return "t" + std::to_string(key % kTags); }

  // What may be seen at least, for a request that begins now; and what the origin gives.
  Seen floors(int key) const { return look(key, &Generations::floor); }
  Seen origin(int key) const { return look(key, &Generations::origin); }
  Seen look(int key, std::atomic<std::uint64_t> Generations::* which) const {
    return {(keys_[static_cast<std::size_t>(key)].*which).load(),
            (tags_[static_cast<std::size_t>(key % kTags)].*which).load(), (all_.*which).load()};
  }
  static Seen parse(std::string_view etag) {
    Seen seen;
    const char* at = etag.data();
    const char* const end = at + etag.size();
    for (std::uint64_t* number : {&seen.key, &seen.tag, &seen.all}) {
      at = std::from_chars(at, end, *number).ptr;
      if (at != end) ++at;
    }
    return seen;
  }

  void expect_not_purged(const Object& object, const Seen& floor) {
    const Seen seen = parse(object.etag());
    if (seen.key < floor.key || seen.tag < floor.tag || seen.all < floor.all) ++old_seen_;
  }
  // Every octet of a body is the last digit of its length.
  void check_body(const ObjectRef& object) {
    CountingWaiter waiter;
    Reader reader(object->content(), {});
    const http::Pull pull = reader.try_next(64 * 1024, waiter);
    for (std::string_view part : pull.data)
      if (part.find_first_not_of('x') != std::string_view::npos) ++broken_bodies_;
    reader.stop_waiting();
  }

  void lead(Found& found, int key, std::mt19937& random);
  void follow(Found& found, const Seen& floor);
  void request(std::mt19937& random);
  void meddle(std::mt19937& random);
  void work(unsigned seed) {
    std::mt19937 random(seed);
    for (int round = 0; round < kRounds; ++round) {
      request(random);
      if (random() % 16 == 0) meddle(random);
    }
  }

  std::array<Generations, kKeys> keys_;
  std::array<Generations, kTags> tags_;
  Generations all_;
  std::atomic<int> clock_{0};  // seconds
  std::atomic<int> old_seen_{0}, broken_bodies_{0}, stuck_{0}, hits_{0}, joined_{0};
  Time now() const { return now_ + seconds(clock_.load(std::memory_order_relaxed)); }
};

void StoreStressTest::lead(Found& found, int key, std::mt19937& random) {
  const Seen made = origin(key);
  const std::string etag = std::to_string(made.key) + ":" + std::to_string(made.tag) + ":" + std::to_string(made.all);
  const std::string tag = tag_of(key);
  const std::array<std::string_view, 1> tags{tag};
  const NewObject object{.lines = "A: b\r\n",
                         .etag = etag,
                         .terms = {.lifetime = seconds(random() % 8), .grace = seconds(2), .keep = seconds(3)},
                         .tags = tags};
  const auto how = random() % 16;
  if (how == 0) return;
  if (how == 1) return cache().refuse(found.leader, seconds(random() % 2), now());
  if (how == 2) return cache().fail(found.leader, {.cause = Cause::timeout}, now());
  const Published published = cache().publish(found.leader, object, {.now = now()});
  if (!published.object) return cache().refuse(found.leader, Duration{0}, now());
  const std::string piece(1 + random() % 9000, 'x');
  CountingWaiter writer;
  for (unsigned i = random() % 4; i > 0; --i)
    if (cache().append(found.leader, piece, writer, now()) == Content::Append::unread) break;
  published.object->content()->stop_waiting(writer);
  if (how == 3) return cache().abort(found.leader, {.cause = Cause::reset});
  if (how == 4) return;
  cache().complete(found.leader, now());
}

void StoreStressTest::follow(Found& found, const Seen& floor) {
  ThreadWaiter waiter;
  while (found.follower.ask(waiter) == Verdict::waiting) {
    if (waiter.news.try_acquire_for(seconds(60))) continue;
    ++stuck_;
    return;
  }
  if (found.follower.ask(waiter) != Verdict::published) return;
  ++joined_;
  const ObjectRef object = found.follower.object();
  expect_not_purged(*object, floor);
  check_body(object);
}

void StoreStressTest::request(std::mt19937& random) {
  const int key = static_cast<int>(random() % kKeys);
  const Seen floor = floors(key);
  AskingRequest asking;
  asking.now = now();
  Found found = cache().look_up(key_of(key), asking, asking.now);
  if (found.object && !found.object->is_soft_purged() && found.kind == Kind::hit) {
    ++hits_;
    expect_not_purged(*found.object, floor);
    check_body(found.object);
  }
  if (found.follower) follow(found, floor);
  if (found.leader) lead(found, key, random);
}

void StoreStressTest::meddle(std::mt19937& random) {
  const auto how = random() % 2 == 0 ? Cache::Purge::hard : Cache::Purge::soft;
  const int key = static_cast<int>(random() % kKeys);
  switch (random() % 8) {
    case 0:
    case 1:
      return keys_[static_cast<std::size_t>(key)].purge([&] { cache().purge(key_of(key), how, now()); });
    case 2:
    case 3:
      return tags_[static_cast<std::size_t>(key % kTags)].purge([&] { cache().purge_tag(tag_of(key), how, now()); });
    case 4:
      return all_.purge([&] { cache().purge_all(how, now()); });
    case 5:
      clock_.fetch_add(1);
      return cache().expire(now());
    case 6:
      cache().make_room(512_KiB, now());
      return;
    default:
      cache().set_memory(random() % 2 == 0 ? 1_MiB : 2_MiB, now());
      cache().stats();
      cache().top(3, Cache::Order::hits, now());
      cache().inspect(key_of(key), now());
  }
}

TEST_F(StoreStressTest, NothingPurgedIsSeenAndNobodyWaitsForEver) {
  for (const Eviction eviction : {Eviction::s3_fifo, Eviction::lru}) {
    open({.memory = 2_MiB, .eviction = eviction, .domains = 4});
    std::vector<std::thread> threads;
    for (unsigned seed = 1; seed <= 4; ++seed) threads.emplace_back([this, seed] { work(seed); });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(old_seen_, 0);
    EXPECT_EQ(broken_bodies_, 0);
    EXPECT_EQ(stuck_, 0);
    EXPECT_GT(hits_, 0);
    EXPECT_EQ(cache().stats().fetches, 0u);
    cache().purge_all(Cache::Purge::hard, now());
    const Stats stats = cache().stats();
    EXPECT_EQ(stats.objects, 0u);
    EXPECT_EQ(stats.body.count, 0u);
    EXPECT_EQ(stats.head.count, 0u);
    EXPECT_EQ(stats.growing.count, 0u);
    EXPECT_EQ(stats.pinned.count, 0u);
  }
}

}  // namespace
}  // namespace shellac::cache
