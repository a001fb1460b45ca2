#include "shellac/cache/pages.hpp"

#include <atomic>
#include <new>

namespace shellac::cache {

// For the time being the heap, counted.
struct Pages::State {
  std::atomic<std::uint64_t> used{0};
  std::atomic<std::uint64_t> cap{0};
};

Pages::Pages(Bytes cap) : state_(std::make_unique<State>()) { state_->cap = cap.count; }
Pages::~Pages() = default;

std::size_t Pages::rounded(std::size_t size) noexcept { return (size + 15) & ~std::size_t{15}; }

void* Pages::try_allocate(std::size_t size) noexcept {
  if (state_->used.fetch_add(rounded(size)) + rounded(size) <= state_->cap) return ::operator new(size, std::nothrow);
  state_->used.fetch_sub(rounded(size));
  return nullptr;
}

void Pages::release(void* block, std::size_t size) noexcept {
  ::operator delete(block);
  state_->used.fetch_sub(rounded(size));
}

bool Pages::try_shrink(void*, std::size_t, std::size_t) noexcept { return false; }
Bytes Pages::used() const noexcept { return {state_->used}; }
Bytes Pages::resident() const noexcept { return {state_->used}; }
Bytes Pages::cap() const noexcept { return {state_->cap}; }
void Pages::set_cap(Bytes cap) noexcept { state_->cap = cap.count; }
Bytes Pages::available() const noexcept {
  const std::uint64_t used = state_->used;
  const std::uint64_t cap = state_->cap;
  return {used < cap ? cap - used : 0};
}

}  // namespace shellac::cache
