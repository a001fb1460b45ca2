// Pooled byte buffers: taken when data arrives, given back when a connection is idle.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "shellac/core/units.hpp"

namespace shellac {

// What all workers together may hold in buffers (`limits.buffers`). Thread: any.
class BufferBudget {
 public:
  explicit BufferBudget(Bytes max) : max_(max.count) {}
  bool try_charge(std::size_t bytes);
  void release(std::size_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }
  void set_max(Bytes max) { max_.store(max.count, std::memory_order_relaxed); }
  Bytes used() const { return {used_.load(std::memory_order_relaxed)}; }

 private:
  std::atomic<std::uint64_t> max_;
  std::atomic<std::uint64_t> used_{0};
};

class BufferPool;

// One buffer, owned. Empty (size 0, false) when the budget refused it. Movable. Thread: its pool's.
class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)), bytes_(std::exchange(other.bytes_, {})) {}
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer() { reset(); }
  explicit operator bool() const { return bytes_.data() != nullptr; }
  char* data() const { return bytes_.data(); }
  std::size_t size() const { return bytes_.size(); }
  std::span<char> span() const { return bytes_; }
  void reset() noexcept;

 private:
  friend class BufferPool;
  Buffer(BufferPool& pool, std::span<char> bytes) : pool_(&pool), bytes_(bytes) {}
  BufferPool* pool_ = nullptr;
  std::span<char> bytes_;
};

// Free lists of 4, 16, 64 and 256 KiB buffers. What is handed out is charged to the budget; a few of each size are kept
// warm, the rest go back to the system. Outlives its buffers. Thread: one.
class BufferPool {
 public:
  explicit BufferPool(BufferBudget& budget) : budget_(budget) {}
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  // A buffer of the smallest class that holds `at_least` (≤ 256 KiB), or an empty one when the budget is spent.
  Buffer try_take(std::size_t at_least);

 private:
  friend class Buffer;
  static constexpr std::size_t kClasses = 4;
  static constexpr std::size_t kWarmBytes = 2 * 1024 * 1024;  // kept per class
  static constexpr std::size_t class_size(std::size_t index) { return std::size_t{4096} << (2 * index); }
  void give_back(std::span<char> bytes) noexcept;

  BufferBudget& budget_;
  std::vector<char*> free_[kClasses];
};

}  // namespace shellac
