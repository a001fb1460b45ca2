#include "page_pool.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <new>

#include "poison.hpp"

namespace shellac::cache {

namespace {

constexpr std::size_t kPayload = Chunk::kPages - Chunk::kHeaderPages;

void add(std::atomic<std::size_t>& figure, std::size_t pages) {
  figure.store(figure.load(std::memory_order_relaxed) + pages, std::memory_order_relaxed);
}
void subtract(std::atomic<std::size_t>& figure, std::size_t pages) {
  figure.store(figure.load(std::memory_order_relaxed) - pages, std::memory_order_relaxed);
}

std::size_t chunks_for(std::size_t pages) { return 2 * (pages / Chunk::kPages + 1); }

}  // namespace

PagePool::PagePool(Bytes cap) : cap_(cap.count / Pages::kPage) {
  if (!try_reserve(chunks_for(this->cap()))) throw std::bad_alloc();
}

PagePool::~PagePool() {
  for (std::size_t index = 0; index < region_count_; ++index) {
    unpoison(regions_[index].mapping, regions_[index].mapped);
    munmap(regions_[index].mapping, regions_[index].mapped);
  }
}

// Addresses only: PROT_NONE costs nothing, also where the system does not overcommit.
bool PagePool::try_reserve(std::size_t chunks) {
  chunks = std::min(chunks, std::size_t{1} << kRegionShift);
  if (region_count_ == kRegionsMax) return false;
  closed_.reserve(reserved_ + chunks);
  const std::size_t size = (chunks + 1) * Chunk::kSize;
  void* const mapping = mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) return false;
  // A huge page would be resident as a whole when one of its pages is touched.
  madvise(mapping, size, MADV_NOHUGEPAGE);
  const auto address = reinterpret_cast<std::uintptr_t>(mapping);
  const std::size_t offset = (Chunk::kSize - address % Chunk::kSize) % Chunk::kSize;
  regions_[region_count_] = {mapping, size, static_cast<char*>(mapping) + offset, chunks};
  for (std::size_t index = chunks; index-- > 0;)
    closed_.push_back(&at(static_cast<std::uint32_t>(region_count_ << kRegionShift | index)));
  std::rotate(closed_.begin(), closed_.end() - static_cast<std::ptrdiff_t>(chunks), closed_.end());
  ++region_count_;
  reserved_ += chunks;
  return true;
}

// What was touched last comes first.
void PagePool::place(Chunk& chunk) {
  chunk.by_free.unlink();
  chunk.by_resident.unlink();
  if (chunk.taken == 0) return chunk.by_free.link_after(empties_);
  chunk.by_free.link_after(by_free_[chunk.free.longest_run(kRunMax)]);
  chunk.by_resident.link_after(by_resident_[chunk.resident_free().longest_run(kRunMax)]);
}

// Pages that are resident cost nothing to take; others are one fault each, and others elsewhere must go for them.
Chunk* PagePool::find_chunk(std::size_t count) {
  for (const Lists* lists : {&by_resident_, &by_free_})
    for (std::size_t run = count; run <= kRunMax; ++run)
      if (!(*lists)[run].is_alone()) return (*lists)[run].next->chunk;
  if (used() + count + Chunk::kHeaderPages > cap()) return nullptr;
  return empties_.is_alone() ? try_open() : empties_.next->chunk;
}

Chunk* PagePool::try_open() {
  if (closed_.empty() || filled_ + empty_ >= chunks_for(cap())) return nullptr;
  if (!try_make_room(Chunk::kHeaderPages)) return nullptr;
  Chunk* const chunk = closed_.back();
  if (mprotect(chunk, Chunk::kSize, PROT_READ | PROT_WRITE) != 0) return nullptr;
  closed_.pop_back();
  for (std::size_t region = 0; region < region_count_; ++region) {
    const auto offset = reinterpret_cast<char*>(chunk) - regions_[region].first;
    if (offset < 0 || static_cast<std::size_t>(offset) >= regions_[region].chunks * Chunk::kSize) continue;
    new (chunk) Chunk;
    chunk->number =
        static_cast<std::uint32_t>(region << kRegionShift | static_cast<std::size_t>(offset) / Chunk::kSize);
  }
  chunk->by_free.chunk = chunk->by_resident.chunk = chunk;
  chunk->free.set(Chunk::kHeaderPages, kPayload);
  chunk->clean.set(Chunk::kHeaderPages, kPayload);
  poison(chunk->page(Chunk::kHeaderPages), kPayload * Pages::kPage);
  add(resident_, Chunk::kHeaderPages);
  ++empty_;
  place(*chunk);
  return chunk;
}

// Of an empty chunk.
void PagePool::close(Chunk& chunk) {
  chunk.by_free.unlink();
  subtract(resident_, Chunk::kPages - chunk.clean.count());
  unpoison(&chunk, Chunk::kSize);
  madvise(&chunk, Chunk::kSize, MADV_DONTNEED);
  closed_.push_back(&chunk);
  --empty_;
}

// Gives the free pages of a chunk back to the system.
void PagePool::clean_up(Chunk& chunk) {
  chunk.resident_free().each_run([&](std::size_t first, std::size_t pages) {
    if (madvise(chunk.page(first), pages * Pages::kPage, MADV_DONTNEED) != 0) return;
    chunk.clean.set(first, pages);
    subtract(resident_, pages);
  });
  place(chunk);
}

// So that `pages` more may become resident: empty chunks go first, then what is scattered most.
bool PagePool::try_make_room(std::size_t pages) {
  const auto is_enough = [&] { return resident() + pages <= cap(); };
  while (!is_enough() && !empties_.is_alone()) close(*empties_.previous->chunk);
  for (std::size_t run = 1; run <= kRunMax; ++run)
    while (!is_enough() && !by_resident_[run].is_alone()) {
      const std::size_t before = resident();
      clean_up(*by_resident_[run].previous->chunk);
      if (resident() == before) return false;  // the system keeps them, whatever its reason
    }
  return is_enough();
}

void* PagePool::try_take(std::size_t count) noexcept {
  const std::lock_guard lock(mutex_);
  if (used() + count > cap()) return nullptr;
  Chunk* const chunk = find_chunk(count);
  if (chunk == nullptr) return nullptr;
  std::size_t first = chunk->resident_free().find_run(count);
  if (first == PageBits::kPages) first = chunk->free.find_run(count);
  const std::size_t clean = chunk->clean.count_in(first, count);
  chunk->free.reset(first, count);
  chunk->taken += static_cast<std::uint32_t>(count);
  place(*chunk);
  if (clean != 0 && !try_make_room(clean)) {
    chunk->free.set(first, count);
    chunk->taken -= static_cast<std::uint32_t>(count);
    place(*chunk);
    return nullptr;
  }
  chunk->clean.reset(first, count);
  add(resident_, clean);
  add(used_, count);
  if (chunk->taken == count) {
    add(used_, Chunk::kHeaderPages);
    --empty_;
    ++filled_;
  }
  unpoison(chunk->page(first), count * Pages::kPage);
  return chunk->page(first);
}

void PagePool::give(void* run, std::size_t count) noexcept {
  const std::lock_guard lock(mutex_);
  Chunk& chunk = Chunk::of(run);
  poison(run, count * Pages::kPage);
  chunk.free.set(Chunk::page_of(run), count);
  chunk.taken -= static_cast<std::uint32_t>(count);
  subtract(used_, count);
  if (chunk.taken == 0) {
    subtract(used_, Chunk::kHeaderPages);
    --filled_;
    ++empty_;
  }
  place(chunk);
  const bool is_over = resident() > cap();  // the cap has been lowered
  if (chunk.taken == 0 && (is_over || empty_ > kEmptyMax))
    close(chunk);
  else if (is_over)
    clean_up(chunk);
}

std::size_t PagePool::available() const noexcept {
  const std::lock_guard lock(mutex_);
  const std::size_t left = cap() > used() ? cap() - used() : 0;
  const std::size_t free = filled_ * Chunk::kPages - used();
  if (left <= free) return left;
  // The rest is in chunks of which each first costs its header.
  const std::size_t rest = left - free;
  return free + rest - std::min(rest, (rest + Chunk::kPages - 1) / Chunk::kPages * Chunk::kHeaderPages);
}

void PagePool::set_cap(Bytes cap) noexcept {
  const std::lock_guard lock(mutex_);
  cap_.store(cap.count / Pages::kPage, std::memory_order_relaxed);
  const std::size_t wanted = chunks_for(this->cap());
  // Doubling, so that no number of reloads runs out of regions.
  if (wanted > reserved_) try_reserve(std::max(wanted - reserved_, reserved_));
  try_make_room(0);
}

}  // namespace shellac::cache
