// One of the parts into which the cache's objects are divided for eviction and expiry.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <span>

#include "cache/eviction.hpp"
#include "cache/expiry_wheel.hpp"

namespace shellac::cache {

// Holds the complete objects of the index that belong to some shards. What it gives out carries a reference and is
// still in the index: the caller takes it out under its shard's mutex, or finds that somebody has done so.
// Lock order: shard, then domain. Thread: any.
class Domain {
 public:
  explicit Domain(std::unique_ptr<EvictionOrder> order)
      : order_(std::move(order)), wants_touch_(order_->wants_touch()) {}

  // REQUIRES: the shard's mutex, and the object in the index and complete.
  void add(StoredObject& object, bool is_known, Time now);
  // REQUIRES: the shard's mutex. Does nothing when it is not here.
  void remove(StoredObject& object);
  void touch(StoredObject& object) {
    if (wants_touch_) touch_locked(object);
  }

  // Objects whose turn it is, until they weigh `need` or `out` is full. Those that are being read are passed over.
  std::size_t take_victims(std::uint64_t need, std::span<ObjectRef> out);
  // Objects that are past every use. Bounded work: with `more`, asking again at once gives more.
  struct Due {
    std::size_t count = 0;
    bool more = false;
  };
  Due take_due(std::span<ObjectRef> out, Time now);
  std::uint64_t weight() const { return weight_.load(std::memory_order_relaxed); }

 private:
  void touch_locked(StoredObject& object);

  mutable std::mutex mutex_;
  const std::unique_ptr<EvictionOrder> order_;  // guarded by mutex_
  ExpiryWheel wheel_;                           // guarded by mutex_
  std::atomic<std::uint64_t> weight_{0};        // written under mutex_
  const bool wants_touch_;
};

}  // namespace shellac::cache
