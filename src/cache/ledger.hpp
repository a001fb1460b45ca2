// The memory of the cache and the account of it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "shellac/cache/pages.hpp"
#include "shellac/cache/stats.hpp"

namespace shellac::cache {

// What the pages are used for, in octets, and what has happened. Relaxed: gauges of one moment. Thread: any.
struct Ledger {
  using Count = std::atomic<std::uint64_t>;
  Count objects{0};
  Count fetches{0};
  Count body{0};
  Count head{0};
  Count index{0};
  Count ghost{0};
  Count growing{0};
  Count pinned{0};
  std::array<Count, kRemovedKinds> removed{};
  std::array<Count, kEvictionAgeBounds.size() + 1> eviction_ages{};
  Count eviction_age_ms{0};

  static void add(Count& count, std::uint64_t n) noexcept { count.fetch_add(n, std::memory_order_relaxed); }
  static void take(Count& count, std::uint64_t n) noexcept { count.fetch_sub(n, std::memory_order_relaxed); }
  static std::uint64_t get(const Count& count) noexcept { return count.load(std::memory_order_relaxed); }
};

struct Memory {
  explicit Memory(Bytes cap) : pages(cap) {}
  Pages pages;
  Ledger ledger;
};

}  // namespace shellac::cache
