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
  regions_[region_count_] = {mapping, size, static_cast<char*>(mapping) + offset};
  for (std::size_t index = chunks; index-- > 0;)
    closed_.push_back(&at(static_cast<std::uint32_t>(region_count_ << kRegionShift | index)));
  std::rotate(closed_.begin(), closed_.end() - static_cast<std::ptrdiff_t>(chunks), closed_.end());
  ++region_count_;
  reserved_ += chunks;
  return true;
}

void PagePool::unlink(ChunkLinks& links) {
  links.previous->next = links.next;
  links.next->previous = links.previous;
}

// Chunks that were touched last come first: their free pages are still resident, and cost nothing to take.
void PagePool::place(Chunk& chunk) {
  if (chunk.list != 0) unlink(chunk);
  chunk.list = chunk.taken == 0 ? kEmpty : static_cast<std::uint32_t>(chunk.free.longest_run(kRunMax));
  if (chunk.list == 0) return;
  ChunkLinks& head = lists_[chunk.list];
  chunk.next = head.next;
  chunk.previous = &head;
  head.next->previous = &chunk;
  head.next = &chunk;
}

Chunk* PagePool::find_chunk(std::size_t count) {
  for (std::size_t list = count; list <= kRunMax; ++list)
    if (lists_[list].next != &lists_[list]) return static_cast<Chunk*>(lists_[list].next);
  if (used() + count + Chunk::kHeaderPages > cap()) return nullptr;
  if (lists_[kEmpty].next != &lists_[kEmpty]) return static_cast<Chunk*>(lists_[kEmpty].next);
  return try_open();
}

Chunk* PagePool::try_open() {
  if (closed_.empty() || filled_ + empty_ >= chunks_for(cap())) return nullptr;
  if (!try_make_room(Chunk::kHeaderPages, nullptr)) return nullptr;
  Chunk* const chunk = closed_.back();
  if (mprotect(chunk, Chunk::kSize, PROT_READ | PROT_WRITE) != 0) return nullptr;
  closed_.pop_back();
  for (std::size_t region = 0; region < region_count_; ++region) {
    const auto offset = reinterpret_cast<char*>(chunk) - regions_[region].first;
    if (offset < 0 || static_cast<std::size_t>(offset) >= regions_[region].mapped) continue;
    new (chunk) Chunk;
    chunk->number =
        static_cast<std::uint32_t>(region << kRegionShift | static_cast<std::size_t>(offset) / Chunk::kSize);
  }
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
  unlink(chunk);
  subtract(resident_, Chunk::kPages - chunk.clean.count());
  unpoison(&chunk, Chunk::kSize);
  madvise(&chunk, Chunk::kSize, MADV_DONTNEED);
  closed_.push_back(&chunk);
  --empty_;
}

// Gives the free pages of a chunk back to the system. How many that were.
std::size_t PagePool::clean_up(Chunk& chunk) {
  std::size_t count = 0;
  const PageBits clean = chunk.clean;
  chunk.free.each_run(clean, [&](std::size_t first, std::size_t pages) {
    if (madvise(chunk.page(first), pages * Pages::kPage, MADV_DONTNEED) != 0) return;
    chunk.clean.set(first, pages);
    count += pages;
  });
  subtract(resident_, count);
  return count;
}

// So that `pages` more may become resident. `spared` is about to be used.
bool PagePool::try_make_room(std::size_t pages, const Chunk* spared) {
  const auto is_enough = [&] { return resident() + pages <= cap(); };
  for (ChunkLinks* at = lists_[kEmpty].next; at != &lists_[kEmpty] && !is_enough();) {
    auto& chunk = static_cast<Chunk&>(*at);
    at = at->next;
    if (&chunk != spared) close(chunk);
  }
  for (std::size_t list = 1; list <= kRunMax && !is_enough(); ++list) {
    ChunkLinks& head = lists_[list];
    const ChunkLinks* const last = head.previous;
    for (ChunkLinks* at = head.next; at != &head && !is_enough();) {
      auto& chunk = static_cast<Chunk&>(*at);
      at = at == last ? &head : at->next;
      if (clean_up(chunk) == 0) continue;
      // To the end: what has free pages that are resident is looked at first.
      unlink(chunk);
      chunk.next = &head;
      chunk.previous = head.previous;
      head.previous->next = &chunk;
      head.previous = &chunk;
    }
  }
  return is_enough();
}

void* PagePool::try_take(std::size_t count) noexcept {
  const std::lock_guard lock(mutex_);
  if (used() + count > cap()) return nullptr;
  Chunk* const chunk = find_chunk(count);
  if (chunk == nullptr) return nullptr;
  const std::size_t first = chunk->free.find_run(count);
  const std::size_t clean = chunk->clean.count_in(first, count);
  chunk->free.reset(first, count);
  if (clean != 0 && !try_make_room(clean, chunk)) {
    chunk->free.set(first, count);
    return nullptr;
  }
  chunk->clean.reset(first, count);
  add(resident_, clean);
  add(used_, count);
  if (chunk->taken == 0) {
    add(used_, Chunk::kHeaderPages);
    --empty_;
    ++filled_;
  }
  chunk->taken += static_cast<std::uint32_t>(count);
  place(*chunk);
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
  try_make_room(0, nullptr);
}

}  // namespace shellac::cache
