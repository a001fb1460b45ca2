// The cells of one family: one set per shard, so that each has a single writer.
#pragma once

#include <deque>
#include <initializer_list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "metrics/series_index.hpp"

namespace shellac::metrics {

// Cell is Counter, Histogram or Gauge. Thread: at() one per shard, the rest any.
template <class Cell>
class ShardedSeries {
 public:
  ShardedSeries(std::size_t labels, unsigned shards) : labels_(labels), index_(labels), shards_(shards) {}

  // The cell of these label values in this shard, made from `arguments` when it is new.
  template <class... Arguments>
  Cell& at(unsigned shard, std::initializer_list<std::string_view> values, const Arguments&... arguments) {
    Shard& own = shards_.at(shard);
    write_series_key(own.key, values, labels_);
    if (const auto found = own.by_key.find(own.key); found != own.by_key.end()) return *found->second;

    // New here, though perhaps known to another shard, or under another key (not UTF-8, or beyond the limit).
    const SeriesIndex::Entry entry = index_.find_or_add(values);
    if (const auto found = own.by_key.find(entry.key); found != own.by_key.end()) return *found->second;
    const std::lock_guard lock(own.mutex);
    Cell& cell = own.cells.emplace_back(entry.id, arguments...).cell;
    own.by_key.emplace(entry.key, &cell);
    return cell;
  }

  // Calls visit(id, cell) for each cell of each shard; a series has up to one per shard.
  template <class Visit>
  void visit(Visit&& visit) const {
    for (const Shard& shard : shards_) {
      const std::lock_guard lock(shard.mutex);
      for (const Slot& slot : shard.cells) visit(slot.id, slot.cell);
    }
  }

  std::vector<std::string_view> values(std::uint32_t id) const { return index_.values(id); }

 private:
  struct Slot {
    template <class... Arguments>
    explicit Slot(std::uint32_t series, const Arguments&... arguments) : id(series), cell(arguments...) {}
    std::uint32_t id;
    Cell cell;
  };
  struct alignas(64) Shard {
    std::string key;                                     // the owner's scratch
    std::unordered_map<std::string_view, Cell*> by_key;  // the owner's alone; keys live in the index
    mutable std::mutex mutex;                            // for `cells`: the owner appends, the scrape walks
    std::deque<Slot> cells;
  };

  const std::size_t labels_;
  SeriesIndex index_;
  std::vector<Shard> shards_;
};

}  // namespace shellac::metrics
