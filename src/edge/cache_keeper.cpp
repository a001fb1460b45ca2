#include "cache_keeper.hpp"

#include <algorithm>

namespace shellac::edge {

void CacheKeeper::adopt(const cache::Options& options, Time now) {
  enabled_ = options.enabled;
  if (!enabled_) return expire(now);
  if (cache_)
    cache_->set_memory(options.memory, now);
  else
    cache_ = std::make_shared<cache::Cache>(cache::Cache::Setting{.memory = options.memory});
}

void CacheKeeper::expire(Time now) {
  if (!cache_) return;
  cache_->expire(now);
  // Exchanges that began under the former configuration may have stored something since.
  if (!enabled_) cache_->purge_all(cache::Cache::Purge::hard, now);
}

void CacheKeeper::collect(metrics::Collector& collector) const {
  if (!enabled_) return;
  const cache::Stats stats = cache_->stats();
  collector.gauge("shellac_cache_objects", "Objects that can be found.", {}, static_cast<double>(stats.objects));
  collector.gauge("shellac_cache_fetches", "Fetches under way that others may wait for.", {},
                  static_cast<double>(stats.fetches));
  const auto bytes = [&](std::string_view kind, std::uint64_t count) {
    collector.gauge("shellac_cache_bytes", "What the memory of the cache is used for; the kinds add up to all of it.",
                    {{"kind", kind}}, static_cast<double>(count));
  };
  const std::uint64_t told = stats.body.count + stats.head.count + stats.index.count + stats.ghost.count +
                             stats.growing.count + stats.pinned.count;
  bytes("body", stats.body.count);
  bytes("head", stats.head.count);
  bytes("index", stats.index.count);
  bytes("ghost", stats.ghost.count);
  bytes("growing", stats.growing.count);
  bytes("pinned", stats.pinned.count);
  bytes("rounding", stats.used.count - std::min(stats.used.count, told));
  collector.gauge("shellac_cache_memory_bytes", "What the cache may use: cache.memory.", {},
                  static_cast<double>(stats.cap.count));
  for (std::size_t i = 0; i < cache::kRemovedKinds; ++i)
    if (stats.removed[i] != 0)
      collector.counter("shellac_cache_evictions_total", "Objects that left the cache.",
                        {{"reason", to_string(static_cast<cache::Removed>(i))}}, static_cast<double>(stats.removed[i]));
  collector.histogram("shellac_cache_eviction_age_seconds",
                      "Time since objects were stored when they were evicted for room.",
                      {cache::kEvictionAgeBounds, stats.eviction_ages, stats.eviction_age_sum});
}

}  // namespace shellac::edge
