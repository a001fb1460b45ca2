#include "shellac/core/buffer.hpp"

#include <sanitizer/asan_interface.h>

#include <new>

#include "shellac/core/bug.hpp"

namespace shellac {

bool BufferBudget::try_charge(std::size_t bytes) {
  const std::uint64_t max = max_.load(std::memory_order_relaxed);
  std::uint64_t used = used_.load(std::memory_order_relaxed);
  // Compared before adding: two threads at the edge must not refuse each other for what neither took.
  do {
    if (bytes > max || used > max - bytes) return false;
  } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
  return true;
}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  if (this != &other) {
    reset();
    pool_ = std::exchange(other.pool_, nullptr);
    bytes_ = std::exchange(other.bytes_, {});
  }
  return *this;
}

void Buffer::reset() noexcept {
  if (pool_ == nullptr) return;
  std::exchange(pool_, nullptr)->give_back(std::exchange(bytes_, {}));
}

BufferPool::~BufferPool() {
  for (std::size_t index = 0; index < kClasses; ++index)
    for (char* memory : free_[index]) {
      ASAN_UNPOISON_MEMORY_REGION(memory, class_size(index));
      ::operator delete(memory);
    }
}

Buffer BufferPool::try_take(std::size_t at_least) {
  std::size_t index = 0;
  while (index < kClasses && class_size(index) < at_least) ++index;
  if (BUG_IF(index == kClasses, "core/buffer")) return {};
  const std::size_t size = class_size(index);
  if (!budget_.try_charge(size)) return {};

  auto& free = free_[index];
  if (!free.empty()) {
    char* memory = free.back();
    free.pop_back();
    ASAN_UNPOISON_MEMORY_REGION(memory, size);
    return {*this, std::span(memory, size)};
  }
  // Room for every buffer that will be kept, so that giving back never allocates.
  free.reserve(kWarmBytes / size);
  void* memory = ::operator new(size, std::nothrow);
  if (memory == nullptr) {
    budget_.release(size);
    return {};
  }
  return {*this, std::span(static_cast<char*>(memory), size)};
}

void BufferPool::give_back(std::span<char> bytes) noexcept {
  budget_.release(bytes.size());
  std::size_t index = 0;
  while (class_size(index) < bytes.size()) ++index;
  auto& free = free_[index];
  if (free.size() < kWarmBytes / bytes.size()) {
    ASAN_POISON_MEMORY_REGION(bytes.data(), bytes.size());
    free.push_back(bytes.data());
  } else {
    ::operator delete(bytes.data());
  }
}

}  // namespace shellac
