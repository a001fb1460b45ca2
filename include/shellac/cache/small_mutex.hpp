// A lock of four octets, for things that are stored by the million.
#pragma once

#include <atomic>
#include <cstdint>

namespace shellac::cache {

// Sleeps in the kernel when it is held elsewhere; free to take and to leave otherwise. Works with std::lock_guard.
class SmallMutex {
 public:
  void lock() noexcept {
    std::uint32_t seen = kFree;
    if (word_.compare_exchange_strong(seen, kHeld, std::memory_order_acquire, std::memory_order_relaxed)) return;
    // Whoever has waited leaves the mark `kAwaited`, since others may still sleep: one wake too many at worst.
    while (word_.exchange(kAwaited, std::memory_order_acquire) != kFree)
      word_.wait(kAwaited, std::memory_order_relaxed);
  }
  void unlock() noexcept {
    if (word_.exchange(kFree, std::memory_order_release) == kAwaited) word_.notify_one();
  }

 private:
  static constexpr std::uint32_t kFree = 0, kHeld = 1, kAwaited = 2;
  std::atomic<std::uint32_t> word_{kFree};
};

}  // namespace shellac::cache
