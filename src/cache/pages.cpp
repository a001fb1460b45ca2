#include "shellac/cache/pages.hpp"

#include <array>

#include "page_pool.hpp"
#include "poison.hpp"
#include "slabs.hpp"

namespace shellac::cache {

namespace {

std::size_t pages_of(std::size_t size) { return (size + Pages::kPage - 1) / Pages::kPage; }

// Slots that are whole pages need no slab.
bool is_run(std::size_t size) { return size > kSlotMax || slot_size(class_of(size)) % Pages::kPage == 0; }

}  // namespace

struct Pages::State {
  explicit State(Bytes cap) : pool(cap) {
    for (std::size_t index = 0; index < classes.size(); ++index) classes[index].set_size(slot_size(index));
  }
  PagePool pool;
  std::array<SlabClass, kClasses> classes;
};

Pages::Pages(Bytes cap) : state_(std::make_unique<State>(cap)) {}
Pages::~Pages() = default;

std::size_t Pages::rounded(std::size_t size) noexcept {
  return is_run(size) ? pages_of(size) * kPage : slot_size(class_of(size));
}

void* Pages::try_allocate(std::size_t size) noexcept {
  if (size == 0 || size > kBlockMax) return nullptr;
  PagePool& pool = state_->pool;
  // The cap has been lowered: slabs must run empty, not fill again.
  if (pool.used() > pool.cap()) return nullptr;
  if (is_run(size)) return pool.try_take(pages_of(size));
  void* const block = state_->classes[class_of(size)].try_take(pool);
  if (block != nullptr) unpoison(block, size);
  return block;
}

void Pages::release(void* block, std::size_t size) noexcept {
  if (is_run(size)) return state_->pool.give(block, pages_of(size));
  state_->classes[class_of(size)].give(state_->pool, block);
}

bool Pages::try_shrink(void* block, std::size_t from, std::size_t to) noexcept {
  if (to == 0 || !is_run(from) || !is_run(to) || pages_of(to) >= pages_of(from)) return false;
  state_->pool.give(static_cast<char*>(block) + pages_of(to) * kPage, pages_of(from) - pages_of(to));
  return true;
}

Bytes Pages::used() const noexcept { return {state_->pool.used() * kPage}; }
Bytes Pages::available() const noexcept { return {state_->pool.available() * kPage}; }
Bytes Pages::resident() const noexcept { return {state_->pool.resident() * kPage}; }
Bytes Pages::cap() const noexcept { return {state_->pool.cap() * kPage}; }
void Pages::set_cap(Bytes cap) noexcept { state_->pool.set_cap(cap); }

}  // namespace shellac::cache
