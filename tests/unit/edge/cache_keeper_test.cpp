#include "edge/cache_keeper.hpp"

#include <gtest/gtest.h>

namespace shellac::edge {
namespace {

class Keeper : public testing::Test {
 protected:
  void adopt(bool enabled, Bytes memory = 64_MiB) {
    cache::Options options;
    options.enabled = enabled;
    options.memory = memory;
    keeper.adopt(options, now);
  }
  std::string metrics() {
    metrics::Registry registry(0);
    registry.collect_with([this](metrics::Collector& collector) { keeper.collect(collector); });
    return registry.expose();
  }

  const Time now{std::chrono::hours(1)};
  CacheKeeper keeper;
};

TEST_F(Keeper, HasNothingWithoutTheSection) {
  adopt(false);
  EXPECT_EQ(keeper.cache(), nullptr);
  EXPECT_EQ(metrics(), "");
  keeper.expire(now);
}

TEST_F(Keeper, KeepsOneCacheOverReloads) {
  adopt(true);
  const auto cache = keeper.cache();
  ASSERT_NE(cache, nullptr);
  EXPECT_EQ(cache->stats().cap, 64_MiB);
  adopt(true, 32_MiB);
  EXPECT_EQ(keeper.cache(), cache);
  EXPECT_EQ(cache->stats().cap, 32_MiB);
  adopt(false);
  EXPECT_EQ(keeper.cache(), nullptr);
  adopt(true, 16_MiB);
  EXPECT_EQ(keeper.cache(), cache);
  EXPECT_EQ(cache->stats().cap, 16_MiB);
}

TEST_F(Keeper, TellsItsNumbers) {
  adopt(true);
  const std::string text = metrics();
  for (const auto* const line :
       {"shellac_cache_objects 0\n", "shellac_cache_fetches 0\n", "shellac_cache_memory_bytes 67108864\n",
        "shellac_cache_bytes{kind=\"body\"} 0\n", "shellac_cache_bytes{kind=\"rounding\"} ",
        "# TYPE shellac_cache_eviction_age_seconds histogram\n",
        "shellac_cache_eviction_age_seconds_bucket{le=\"604800\"} 0\n"})
    EXPECT_NE(text.find(line), text.npos) << line << text;
  // Reasons that never happened have no series.
  EXPECT_EQ(text.find("shellac_cache_evictions_total"), text.npos) << text;
}

class Nothing final : public cache::Selector {
 public:
  Use judge(const cache::Object&) override { return Use::fresh; }
  std::string_view variant(std::string_view) override { return {}; }
};

TEST_F(Keeper, EmptiesTheCacheWithoutTheSection) {
  adopt(true);
  const auto cache = keeper.cache();
  const auto store = [&](std::string_view key) {
    Nothing nothing;
    auto found = cache->look_up(key, nothing, now);
    const cache::NewObject object{.lines = "X: y\r\n", .terms = {.lifetime = std::chrono::seconds(60)}};
    EXPECT_TRUE(cache->publish(found.leader, object, {.now = now, .length = 0}).object);
    EXPECT_TRUE(cache->complete(found.leader, now));
  };
  store("http://h/1");
  EXPECT_NE(metrics().find("shellac_cache_objects 1\n"), std::string::npos);
  adopt(false);
  EXPECT_EQ(cache->stats().objects, 0u);
  store("http://h/2");  // an exchange that began before
  keeper.expire(now);
  EXPECT_EQ(cache->stats().objects, 0u);
  adopt(true);
  EXPECT_NE(metrics().find("shellac_cache_evictions_total{reason=\"purged\"} 2\n"), std::string::npos) << metrics();
}

TEST_F(Keeper, DropsWhatIsPastItsUse) {
  adopt(true);
  const auto cache = keeper.cache();
  Nothing nothing;
  auto found = cache->look_up("http://h/", nothing, now);
  const cache::NewObject object{.lines = "X: y\r\n", .terms = {.lifetime = std::chrono::seconds(60)}};
  ASSERT_TRUE(cache->publish(found.leader, object, {.now = now, .length = 0}).object);
  ASSERT_TRUE(cache->complete(found.leader, now));
  keeper.expire(now + std::chrono::seconds(30));
  EXPECT_EQ(cache->stats().objects, 1u);
  for (int second = 31; second < 120; ++second) keeper.expire(now + std::chrono::seconds(second));
  EXPECT_EQ(cache->stats().objects, 0u);
}

}  // namespace
}  // namespace shellac::edge
