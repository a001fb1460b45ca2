// Small blocks: slabs of equal slots.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include "page_pool.hpp"

namespace shellac::cache {

// Sizes rise in eight steps per doubling (in steps of 16 at the lower end), so that rounding loses at most an eighth.
inline constexpr std::size_t kSlotUnit = 16;
inline constexpr std::size_t kSlotMax = 14 * 1024;  // larger blocks are runs of pages
inline constexpr std::size_t kClasses = 62;

std::size_t class_of(std::size_t size);  // of 1 to kSlotMax octets
std::size_t slot_size(std::size_t of_class);

// All slabs of one class. The fuller ones are used first, so that the others can run empty; an empty slab gives its
// pages back. Thread: any.
class alignas(64) SlabClass {
 public:
  void set_size(std::size_t slot);
  void* try_take(PagePool& pool) noexcept;
  void give(PagePool& pool, void* slot) noexcept;

 private:
  enum List : std::uint8_t { fuller, emptier, none };  // none: no slot is free
  static constexpr std::uint16_t kNoSlot = 0xffff;
  // A run for a slab may lose this much at its end, in percent.
  static constexpr std::size_t kTailMax = 3;

  PageId try_make(PagePool& pool);
  void link(PagePool& pool, PageId id, List list);
  void unlink(PagePool& pool, PageId id, List list);
  void move(PagePool& pool, PageId id, List from, List to);
  static Slab& slab(PagePool& pool, PageId id) { return pool.at(id >> 8).slabs[id & 0xff]; }
  static List list_of(std::size_t used, std::size_t slots);
  std::size_t slots(std::size_t pages) const { return pages * Pages::kPage / slot_; }

  std::mutex mutex_;
  std::array<PageId, 2> heads_{kNoPage, kNoPage};
  std::size_t slot_ = 0;   // octets
  std::size_t pages_ = 0;  // of a slab, where there is room for one
};

}  // namespace shellac::cache
