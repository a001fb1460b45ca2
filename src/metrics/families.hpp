// What stands behind the public families: how each is called, its cells, and how it is read at a scrape.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "metrics/exposition.hpp"
#include "metrics/sharded_series.hpp"
#include "shellac/metrics/registry.hpp"

namespace shellac::metrics {

struct FamilyName {
  std::string name;
  std::string help;
  std::vector<std::string> labels;
};

struct CounterFamily::Impl {
  Impl(FamilyName family_name, unsigned shards) : name(std::move(family_name)), series(name.labels.size(), shards) {}
  void expose(Exposition& exposition) const;
  const FamilyName name;
  ShardedSeries<Counter> series;
};

struct HistogramFamily::Impl {
  Impl(FamilyName family_name, unsigned shards, std::span<const double> family_bounds)
      : name(std::move(family_name)),
        bounds(family_bounds.begin(), family_bounds.end()),
        series(name.labels.size(), shards) {}
  void expose(Exposition& exposition) const;
  const FamilyName name;
  const std::vector<double> bounds;
  ShardedSeries<Histogram> series;
};

struct GaugeFamily::Impl {
  explicit Impl(FamilyName family_name) : name(std::move(family_name)), series(name.labels.size(), 1) {}
  void expose(Exposition& exposition) const;
  const FamilyName name;
  std::mutex mutex;  // the one shard's owner is whoever holds it
  ShardedSeries<Gauge> series;
};

}  // namespace shellac::metrics
