// The cache of the process: made once, kept over reloads.
#pragma once

#include <memory>

#include "shellac/cache/cache.hpp"
#include "shellac/cache/options.hpp"
#include "shellac/metrics/registry.hpp"

namespace shellac::edge {

// Thread: control.
class CacheKeeper {
 public:
  // For a configuration that comes into force. Makes the cache for the first one that wants it, and changes its memory
  // for later ones. Without a section `cache` everything that is stored is dropped.
  void adopt(const cache::Options& options, Time now);
  // What the configuration in force uses; null: nothing. Whoever asks may keep it.
  std::shared_ptr<cache::Cache> cache() const { return enabled_ ? cache_ : nullptr; }
  // About once a second.
  void expire(Time now);
  // At the scrape.
  void collect(metrics::Collector& collector) const;

 private:
  std::shared_ptr<cache::Cache> cache_;  // once made, it stays: exchanges may still hold objects
  bool enabled_ = false;
};

}  // namespace shellac::edge
