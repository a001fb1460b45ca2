#include "slabs.hpp"

#include <bit>
#include <cstring>

#include "poison.hpp"

namespace shellac::cache {

namespace {

std::uint16_t read_link(const char* slot) {
  std::uint16_t number = 0;
  std::memcpy(&number, slot, sizeof number);
  return number;
}

void write_link(char* slot, std::uint16_t number) { std::memcpy(slot, &number, sizeof number); }

}  // namespace

std::size_t class_of(std::size_t size) {
  const std::size_t units = (size + kSlotUnit - 1) / kSlotUnit;
  if (units <= 16) return units - 1;
  const auto shift = static_cast<std::size_t>(std::bit_width(units - 1)) - 4;  // a step is 2^shift units
  return 16 + (shift - 1) * 8 + ((units - 1) >> shift) - 8;
}

std::size_t slot_size(std::size_t of_class) {
  if (of_class < 16) return (of_class + 1) * kSlotUnit;
  const std::size_t shift = (of_class - 16) / 8 + 1;
  return (((of_class - 16) % 8 + 9) << shift) * kSlotUnit;
}

// The fewest pages of which at most kTailMax percent are lost.
void SlabClass::set_size(std::size_t slot) {
  slot_ = slot;
  for (pages_ = (slot + Pages::kPage - 1) / Pages::kPage; pages_ < PagePool::kRunMax; ++pages_) {
    const std::size_t size = pages_ * Pages::kPage;
    if (size % slot * 100 <= size * kTailMax) return;
  }
}

// Half full counts as fuller, so that a slab that is full can lose a slot without being taken for one that empties.
SlabClass::List SlabClass::list_of(std::size_t used, std::size_t slots) {
  if (used == slots) return none;
  return used * 2 >= slots ? fuller : emptier;
}

void SlabClass::link(PagePool& pool, PageId id, List list) {
  Slab& one = slab(pool, id);
  one.previous = kNoPage;
  one.next = heads_[list];
  if (one.next != kNoPage) slab(pool, one.next).previous = id;
  heads_[list] = id;
}

void SlabClass::unlink(PagePool& pool, PageId id, List list) {
  const Slab& one = slab(pool, id);
  (one.previous != kNoPage ? slab(pool, one.previous).next : heads_[list]) = one.next;
  if (one.next != kNoPage) slab(pool, one.next).previous = one.previous;
}

void SlabClass::move(PagePool& pool, PageId id, List from, List to) {
  if (from == to) return;
  if (from != none) unlink(pool, id, from);
  if (to != none) link(pool, id, to);
}

// A slab of free slots, in no list yet. Where the room for one is scattered a shorter one does, but not for want of
// room: the last pages before the cap would go to slabs with long tails, and nobody would be asked to make room.
PageId SlabClass::try_make(PagePool& pool) {
  void* run = nullptr;
  std::size_t pages = pages_;
  if (pool.used() + pages > pool.cap()) return kNoPage;
  for (; pages * Pages::kPage >= slot_; --pages)
    if (run = pool.try_take(pages); run != nullptr) break;
  if (run == nullptr) return kNoPage;
  Chunk& chunk = Chunk::of(run);
  const std::size_t first = Chunk::page_of(run);
  for (std::size_t page = first; page < first + pages; ++page)
    chunk.slab_first[page] = static_cast<std::uint8_t>(first);
  chunk.slab_pages[first] = static_cast<std::uint8_t>(pages);
  const std::size_t count = slots(pages);
  for (std::size_t number = 0; number < count; ++number)
    write_link(chunk.page(first) + number * slot_,
               number + 1 < count ? static_cast<std::uint16_t>(number + 1) : kNoSlot);
  poison(run, pages * Pages::kPage);
  chunk.slabs[first] = {kNoPage, kNoPage, 0, 0};
  return chunk.number << 8 | static_cast<PageId>(first);
}

void* SlabClass::try_take(PagePool& pool) noexcept {
  const std::lock_guard lock(mutex_);
  PageId id = heads_[fuller] != kNoPage ? heads_[fuller] : heads_[emptier];
  const bool is_new = id == kNoPage;
  if (is_new) id = try_make(pool);
  if (id == kNoPage) return nullptr;
  Chunk& chunk = pool.at(id >> 8);
  const std::size_t page = id & 0xff;
  Slab& one = chunk.slabs[page];
  const std::size_t count = slots(chunk.slab_pages[page]);
  char* const slot = chunk.page(page) + one.free * slot_;
  unpoison(slot, sizeof one.free);
  one.free = read_link(slot);
  const List before = is_new ? none : list_of(one.used, count);
  ++one.used;
  move(pool, id, before, list_of(one.used, count));
  return slot;
}

void SlabClass::give(PagePool& pool, void* slot) noexcept {
  const std::lock_guard lock(mutex_);
  Chunk& chunk = Chunk::of(slot);
  const std::size_t page = chunk.slab_first[Chunk::page_of(slot)];
  Slab& one = chunk.slabs[page];
  const std::size_t count = slots(chunk.slab_pages[page]);
  const auto number = static_cast<std::size_t>(static_cast<char*>(slot) - chunk.page(page)) / slot_;
  write_link(static_cast<char*>(slot), one.free);
  poison(slot, slot_);
  one.free = static_cast<std::uint16_t>(number);
  const PageId id = chunk.number << 8 | static_cast<PageId>(page);
  const List before = list_of(one.used, count);
  --one.used;
  if (one.used != 0) return move(pool, id, before, list_of(one.used, count));
  move(pool, id, before, none);
  pool.give(chunk.page(page), chunk.slab_pages[page]);
}

}  // namespace shellac::cache
