// What the cache tells about itself.
#include <algorithm>

#include "cache/cache_state.hpp"

namespace shellac::cache {
namespace {

// REQUIRES: the shard's mutex, under which objects get and lose their tags.
ObjectReport report_of(StoredObject& object, const Entry& entry, Time now) {
  const Duration fresh = object.freshness_left(now), grace = object.terms().grace;
  std::vector<std::string> tags;
  for (const TagLink& link : object.tags())
    if (link.tag != nullptr) tags.emplace_back(link.tag->text());
  return {.key = std::string(entry.key()),
          .status = object.status(),
          .vary_names = std::string(object.vary_names()),
          .variant = std::string(object.variant()),
          .etag = std::string(object.etag()),
          .age = object.age(now),
          .freshness_left = fresh,
          .grace_left = std::max(Duration{0}, grace + std::min(fresh, Duration{0})),
          .size = {object.content()->size()},
          .memory = {object.weight()},
          .hits = object.hits(),
          .growing = !object.content()->is_complete(),
          .soft_purged = object.is_soft_purged(),
          .tags = std::move(tags)};
}

// The first so many of what was offered, by a figure.
class Best {
 public:
  explicit Best(std::size_t count) : count_(count) {}

  bool takes(std::uint64_t figure) const {
    return count_ != 0 && (best_.size() < count_ || figure > best_.front().figure);
  }
  void add(std::uint64_t figure, ObjectReport report) {
    if (best_.size() == count_) {
      std::ranges::pop_heap(best_, kLarger, &Item::figure);
      best_.pop_back();
    }
    best_.push_back({figure, std::move(report)});
    std::ranges::push_heap(best_, kLarger, &Item::figure);
  }
  std::vector<ObjectReport> sorted() && {
    std::ranges::sort(best_, kLarger, &Item::figure);
    std::vector<ObjectReport> reports;
    reports.reserve(best_.size());
    for (Item& item : best_) reports.push_back(std::move(item.report));
    return reports;
  }

 private:
  static constexpr std::ranges::greater kLarger{};
  struct Item {
    std::uint64_t figure;
    ObjectReport report;
  };
  const std::size_t count_;
  std::vector<Item> best_;  // a heap, the least in front
};

}  // namespace

std::string_view to_string(Removed why) {
  switch (why) {
    case Removed::size:
      return "size";
    case Removed::expired:
      return "expired";
    case Removed::purged:
      return "purged";
    case Removed::replaced:
      return "replaced";
    case Removed::variants:
      return "variants";
    case Removed::grown:
      return "grown";
    case Removed::full:
      return "full";
    case Removed::broken:
      return "broken";
  }
  return "";
}

Stats Cache::stats() const {
  const Ledger& ledger = state_->memory.ledger;
  Stats stats;
  stats.objects = Ledger::get(ledger.objects);
  for (const auto& shard : state_->shards) {
    const std::lock_guard lock(shard->mutex);
    stats.fetches += shard->fetches.size();
  }
  stats.body = {Ledger::get(ledger.body)};
  stats.head = {Ledger::get(ledger.head)};
  stats.index = {Ledger::get(ledger.index)};
  stats.ghost = {Ledger::get(ledger.ghost)};
  stats.growing = {Ledger::get(ledger.growing)};
  stats.pinned = {Ledger::get(ledger.pinned)};
  stats.used = state_->memory.pages.used();
  stats.cap = state_->memory.pages.cap();
  for (std::size_t i = 0; i < kRemovedKinds; ++i) stats.removed[i] = Ledger::get(ledger.removed[i]);
  for (std::size_t i = 0; i < stats.eviction_ages.size(); ++i)
    stats.eviction_ages[i] = Ledger::get(ledger.eviction_ages[i]);
  stats.eviction_age_sum = static_cast<double>(Ledger::get(ledger.eviction_age_ms)) / 1000;
  return stats;
}

std::vector<ObjectReport> Cache::inspect(std::string_view key, Time now) const {
  const std::uint64_t hash = state_->key_hash(key);
  Shard& shard = state_->shard_of(hash);
  const std::lock_guard lock(shard.mutex);
  std::vector<ObjectReport> reports;
  const Entry* const entry = shard.find(key, hash);
  if (entry == nullptr) return reports;
  for (StoredObject* object = entry->newest; object != nullptr; object = object->older)
    reports.push_back(report_of(*object, *entry, now));
  return reports;
}

std::vector<ObjectReport> Cache::inspect_tag(std::string_view tag, Time now) const {
  std::array<ObjectRef, 64> found;
  const std::size_t count = state_->tags.take(tag, found);
  std::vector<ObjectReport> reports;
  for (const ObjectRef& ref : std::span(found).first(count)) {
    auto& object = *static_cast<StoredObject*>(const_cast<Object*>(ref.get()));
    const std::lock_guard lock(state_->shards[object.shard]->mutex);
    if (object.entry != nullptr) reports.push_back(report_of(object, *object.entry, now));
  }
  return reports;
}

std::vector<ObjectReport> Cache::top(std::size_t count, Order order, Time now) const {
  constexpr std::size_t kMost = 1000;
  constexpr std::size_t kBucketBatch = 64;
  Best best(std::min(count, kMost));
  const auto figure_of = [&](const StoredObject& object) -> std::uint64_t {
    return order == Order::hits ? object.hits() : object.weight();
  };
  for (const auto& shard : state_->shards) {
    for (std::size_t begin = 0, end = 1; begin < end; begin += kBucketBatch) {
      const std::lock_guard lock(shard->mutex);
      end = shard->entries.bucket_count();
      for (std::size_t bucket = begin; bucket < std::min(begin + kBucketBatch, end); ++bucket) {
        for (const Entry* entry = shard->entries.first(bucket); entry != nullptr; entry = entry->next)
          for (StoredObject* object = entry->newest; object != nullptr; object = object->older)
            if (best.takes(figure_of(*object))) best.add(figure_of(*object), report_of(*object, *entry, now));
      }
    }
  }
  return std::move(best).sorted();
}

}  // namespace shellac::cache
