// A megabyte of pages, with the books that are kept of it in its first page.
#pragma once

#include <cstddef>
#include <cstdint>

#include "page_bits.hpp"
#include "shellac/cache/pages.hpp"

namespace shellac::cache {

struct Chunk;

// A place in a list of chunks, or the head of one.
struct ChunkPlace {
  ChunkPlace* next = this;
  ChunkPlace* previous = this;
  Chunk* chunk = nullptr;

  bool is_alone() const { return next == this; }
  void link_after(ChunkPlace& head) {
    next = head.next;
    previous = &head;
    next->previous = this;
    previous->next = this;
  }
  void unlink() {
    previous->next = next;
    next->previous = previous;
    next = previous = this;
  }
};

// The books of one slab; only those of a slab's first page mean anything. Guarded by the mutex of the slab's class.
struct Slab {
  std::uint32_t next;  // PageId
  std::uint32_t previous;
  std::uint16_t free;  // the first free slot; each free slot begins with the number of the next
  std::uint16_t used;
};

// Lies at an address that is a multiple of kSize, so that any pointer into it leads here.
struct Chunk {
  static constexpr std::size_t kSize = 1024 * 1024;
  static constexpr std::size_t kHeaderPages = 1;
  static constexpr std::size_t kPages = kSize / Pages::kPage;

  // Guarded by the pool's mutex.
  ChunkPlace by_free;        // among the chunks with as long a run of free pages
  ChunkPlace by_resident;    // among those with as long a run of free pages that are resident
  std::uint32_t number = 0;  // region and place in it: see PagePool::at(); never changes
  std::uint32_t taken = 0;   // pages
  PageBits free;             // pages that nobody has
  PageBits clean;            // of these, those that are not resident

  // Guarded by the mutex of the slab's class: for each page of a slab the slab's first page, and how many it has.
  std::uint8_t slab_first[kPages];
  std::uint8_t slab_pages[kPages];
  Slab slabs[kPages];

  PageBits resident_free() const { return free.without(clean); }
  char* page(std::size_t index) { return reinterpret_cast<char*>(this) + index * Pages::kPage; }
  static Chunk& of(const void* inside) {
    const std::size_t offset = reinterpret_cast<std::uintptr_t>(inside) & (kSize - 1);
    return *reinterpret_cast<Chunk*>(const_cast<char*>(static_cast<const char*>(inside)) - offset);
  }
  static std::size_t page_of(const void* inside) {
    return (reinterpret_cast<std::uintptr_t>(inside) & (kSize - 1)) / Pages::kPage;
  }
};
static_assert(sizeof(Chunk) <= Chunk::kHeaderPages * Pages::kPage);

// A page by number: that of its chunk, then its own.
using PageId = std::uint32_t;
inline constexpr PageId kNoPage = ~PageId{0};

}  // namespace shellac::cache
