// An object with what the store itself keeps of it.
#pragma once

#include <atomic>
#include <cstdint>

#include "shellac/cache/object.hpp"
#include "shellac/cache/pages.hpp"
#include "shellac/cache/reasons.hpp"

namespace shellac::cache {

class StoredObject final : public Object {
 public:
  // In one block of `pages`. Null when that has no room for it, or it does not fit in a block. The caller holds the one
  // reference.
  static StoredObject* try_make(Pages& pages, const NewObject& object, ContentRef content, Time now);

  void count_use() {
    hits_.fetch_add(1, std::memory_order_relaxed);
    // S3-FIFO needs no more than "often"; most hits of a popular object write nothing.
    const std::uint8_t uses = uses_.load(std::memory_order_relaxed);
    if (uses < 3) uses_.store(static_cast<std::uint8_t>(uses + 1), std::memory_order_relaxed);
  }
  // The index holds a reference of its own.
  void retain_for_index() const noexcept { retain(); }
  void purge_softly(Time now) { purged_at_.store(now.time_since_epoch().count(), std::memory_order_relaxed); }

  // Why it is not, or no longer, in the index.
  std::atomic<NotStored> absent{NotStored::none};

 private:
  friend class Object;
  StoredObject(Pages& pages, std::size_t block_size, const NewObject& object, ContentRef content, Time now);

  Pages& pages_;
  const std::size_t block_size_;
};

}  // namespace shellac::cache
