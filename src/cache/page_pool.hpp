// Runs of pages, and what of them is resident.
#pragma once

#include <array>
#include <atomic>
#include <mutex>
#include <vector>

#include "chunk.hpp"
#include "shellac/core/units.hpp"

namespace shellac::cache {

// Addresses are reserved for twice the cap, memory never: when the free pages of all chunks are too scattered for a
// run, another chunk is opened and as many scattered pages go back to the system. So no history of sizes can make
// pages unusable. Invariant: used <= resident, and taking never makes resident pass the cap. Thread: any.
class PagePool {
 public:
  static constexpr std::size_t kRunMax = Pages::kBlockMax / Pages::kPage;

  explicit PagePool(Bytes cap);
  ~PagePool();
  PagePool(const PagePool&) = delete;
  PagePool& operator=(const PagePool&) = delete;

  // A run of `count` (1 to kRunMax) pages; null when there is no room.
  void* try_take(std::size_t count) noexcept;
  // A run, or a part of one.
  void give(void* run, std::size_t count) noexcept;

  std::size_t used() const { return used_.load(std::memory_order_relaxed); }  // all in pages
  std::size_t resident() const { return resident_.load(std::memory_order_relaxed); }
  std::size_t cap() const { return cap_.load(std::memory_order_relaxed); }
  std::size_t available() const noexcept;
  void set_cap(Bytes cap) noexcept;

  // Of a chunk that is open.
  Chunk& at(std::uint32_t number) const {
    return *reinterpret_cast<Chunk*>(regions_[number >> kRegionShift].first +
                                     (number & ((1u << kRegionShift) - 1)) * Chunk::kSize);
  }

 private:
  // Number of a chunk: region (4 bits), place (20 bits: a terabyte). A PageId has 8 bits more.
  static constexpr unsigned kRegionShift = 20;
  static constexpr std::size_t kRegionsMax = 16;
  // Empty chunks that are kept, so that a cache that breathes does not map and unmap.
  static constexpr std::size_t kEmptyMax = 4;

  struct Region {
    void* mapping = nullptr;
    std::size_t mapped = 0;
    char* first = nullptr;  // chunk; aligned
    std::size_t chunks = 0;
  };

  // Heads of lists of chunks, by the longest run that they have, at most kRunMax.
  using Lists = std::array<ChunkPlace, kRunMax + 1>;

  // All REQUIRE the lock.
  bool try_reserve(std::size_t chunks);
  Chunk* find_chunk(std::size_t count);
  Chunk* try_open();
  void close(Chunk& chunk);
  void clean_up(Chunk& chunk);
  bool try_make_room(std::size_t pages);
  void place(Chunk& chunk);

  mutable std::mutex mutex_;
  std::array<Region, kRegionsMax> regions_{};  // entries are written once, before the first chunk in them opens
  std::size_t region_count_ = 0;
  std::size_t reserved_ = 0;    // chunks in all regions
  std::vector<Chunk*> closed_;  // addresses without memory, the next to open last
  std::size_t filled_ = 0;      // open chunks of which something is taken
  std::size_t empty_ = 0;       // open chunks of which nothing is
  Lists by_free_;               // of filled chunks
  Lists by_resident_;           // of filled chunks
  ChunkPlace empties_;
  std::atomic<std::size_t> used_{0};  // written under the lock
  std::atomic<std::size_t> resident_{0};
  std::atomic<std::size_t> cap_{0};
};

}  // namespace shellac::cache
