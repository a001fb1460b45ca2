// The memory of the cache: pages of its own, so that the cap on them is a cap on what is resident.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "shellac/core/units.hpp"

namespace shellac::cache {

// Hands out blocks from 1 MiB chunks that it maps itself. Small blocks come from slabs with close size classes (at most
// an eighth is lost to rounding), large ones are runs of 4 KiB pages. What is resident never exceeds the cap, the
// bookkeeping of the chunks included. Blocks never move. It must outlive every block. Thread: any.
class Pages {
 public:
  static constexpr std::size_t kPage = 4096;
  static constexpr std::size_t kBlockMax = 64 * 1024;

  explicit Pages(Bytes cap);
  ~Pages();
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;

  // A block of at least `size` octets (1 to kBlockMax), aligned to 16; null when the cap (or the system) allows none.
  void* try_allocate(std::size_t size) noexcept;
  // `size` is what was asked for.
  void release(void* block, std::size_t size) noexcept;
  // Gives up the end of a block where it lies: from now on it is one of `to` octets. False when that cannot be done in
  // place (nothing has changed) or would gain nothing.
  bool try_shrink(void* block, std::size_t from, std::size_t to) noexcept;
  // What a block of that size really takes.
  static std::size_t rounded(std::size_t size) noexcept;

  // Whole pages that are in use: slabs' unused slots and the headers of the chunks included. Zero when nothing is out.
  Bytes used() const noexcept;
  // Whole pages that could still be taken.
  Bytes available() const noexcept;
  // Pages that the system holds for us: `used` and what is kept for reuse. Never more than the cap, but for what was in
  // use when the cap was lowered.
  Bytes resident() const noexcept;
  Bytes cap() const noexcept;
  // For reload. A lower cap takes effect as blocks are released: pages beyond it go back to the system, and nothing is
  // handed out before `used` is below it.
  void set_cap(Bytes cap) noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace shellac::cache
