#include "shellac/cache/content.hpp"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <new>

#include "growth.hpp"
#include "shellac/core/bug.hpp"

namespace shellac::cache {

ContentRef::ContentRef(const ContentRef& other) noexcept : content_(other.content_) {
  if (content_ != nullptr) content_->references_.fetch_add(1, std::memory_order_relaxed);
}

ContentRef::~ContentRef() {
  if (content_ != nullptr && content_->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) content_->destroy();
}

Content::Content(Pages& pages, Mode mode, std::uint64_t expected)
    : pages_(pages), expected_(expected), single_{}, window_(mode == Mode::window) {}

ContentRef Content::make(Pages& pages, Mode mode, std::optional<std::uint64_t> expected) {
  const std::uint64_t length = expected.value_or(kUnknown);
  // A body of one extent lies beside its content, unless rounding makes that dearer than two blocks.
  const bool beside =
      length > 0 && length <= Pages::kBlockMax - sizeof(Content) && fitted(length) == length &&
      Pages::rounded(sizeof(Content) + length) <= Pages::rounded(sizeof(Content)) + Pages::rounded(length);
  const std::size_t size = sizeof(Content) + (beside ? length : 0);
  void* const block = pages.try_allocate(size);
  if (block == nullptr) return {};
  void* const growth = pages.try_allocate(sizeof(Growth));
  if (growth == nullptr) {
    pages.release(block, size);
    return {};
  }
  auto* const content = new (block) Content(pages, mode, length);
  content->growth_ = new (growth) Growth;
  content->footprint_ = Pages::rounded(size) + Pages::rounded(sizeof(Growth));
  if (beside) {
    content->single_ = {reinterpret_cast<char*>(content + 1), 0};
    content->extents_ = 1;
    content->capacity_end_ = length;
    content->is_beside_ = true;
  }
  return ContentRef(content);
}

// The last reference is gone: nobody reads, writes or waits.
void Content::destroy() noexcept {
  drop_extents(0);
  drop_table();
  drop_growth();
  Pages& pages = pages_;
  const std::size_t size = sizeof(Content) + (is_beside_ ? static_cast<std::size_t>(expected_) : 0);
  this->~Content();
  pages.release(this, size);
}

void Content::drop_growth() {
  if (growth_ == nullptr) return;
  if (growth_->retired != nullptr) give_block(growth_->retired, growth_->retired_size);
  growth_->~Growth();
  give_block(std::exchange(growth_, nullptr), sizeof(Growth));
}

std::optional<std::uint64_t> Content::expected() const {
  if (expected_ != kUnknown) return expected_;
  if (is_complete()) return size();
  return std::nullopt;
}

Content::Append Content::try_append(std::string_view octets, Waiter& writer) {
  {
    const std::lock_guard lock(mutex_);
    if (BUG_IF(phase() != Phase::growing || octets.size() > kAppendMax, "cache/content")) return Append::unread;
    growth_->writer = nullptr;
    if (is_window() && growth_->is_unread()) return Append::unread;
    const std::uint64_t room = expected_ == kUnknown ? kUnknown : expected_ - size();
    if (octets.size() > room) {
      growth_->is_overrun = true;
      octets = octets.substr(0, room);
    }
    if (const Append refused = reserve(octets.size()); refused != Append::done) {
      if (refused == Append::wait) {
        growth_->writer = &writer;
        growth_->needs = octets.size();
      }
      return refused;
    }
    if (is_window()) fill(octets);  // readers move the extents of a window
  }
  // Nobody else changes the extents of a body that is stored, nor looks past size().
  if (!is_window()) fill(octets);
  const std::lock_guard lock(mutex_);
  size_.store(size() + octets.size(), std::memory_order_release);
  if (is_window()) slide();  // what all readers skip is not kept
  wake_readers();
  return Append::done;
}

// REQUIRES: the lock. Room for `octets` more, or why not.
Content::Append Content::reserve(std::size_t octets) {
  const bool window = is_window();
  const std::uint64_t slowest = growth_->slowest;
  const std::uint64_t ahead = window && size() > slowest ? size() - slowest : 0;
  if (window && ahead + octets > kWindow) return Append::wait;
  const std::uint32_t before = extents_;
  while (capacity_end_ < size() + octets) {
    if (try_add_extent(size() + octets - capacity_end_)) continue;
    drop_extents(before);
    // A window makes its own room as long as there is something in it for its readers to pass.
    return ahead != 0 && growth_->count != 0 ? Append::wait : Append::no_memory;
  }
  return Append::done;
}

void Content::fill(std::string_view octets) {
  std::uint64_t position = size();
  for (std::uint32_t index = find_extent(position); !octets.empty(); ++index) {
    const Extent one = extent(index);
    const auto offset = static_cast<std::size_t>(position - one.begin);
    const std::size_t count = std::min(capacity(index) - offset, octets.size());
    std::memcpy(one.data + offset, octets.data(), count);
    octets.remove_prefix(count);
    position += count;
  }
}

void Content::stop_waiting(Waiter& writer) noexcept {
  const std::lock_guard lock(mutex_);
  if (growth_ != nullptr && growth_->writer == &writer) growth_->writer = nullptr;
}

void Content::watch(Waiter* watcher) noexcept {
  const std::lock_guard lock(mutex_);
  if (growth_ == nullptr) return;
  growth_->watcher = watcher;
  if (watcher != nullptr && is_window() && growth_->is_unread()) watcher->wake();
}

void Content::become_window() {
  const std::lock_guard lock(mutex_);
  if (phase() != Phase::growing || is_window()) return;
  window_.store(true, std::memory_order_relaxed);
  growth_->find_slowest();
  slide();
}

bool Content::finish() {
  const std::lock_guard lock(mutex_);
  if (phase() != Phase::growing) return is_complete();
  if (growth_->is_overrun || (expected_ != kUnknown && size() != expected_)) {
    growth_->error = {Side::backend, Cause::closed, false, {}, "reading the answer's body"};
    end(Phase::failed);
    return false;
  }
  if (!is_window()) trim();
  end(Phase::complete);
  if (!is_window() && growth_->count == 0) drop_growth();
  return true;
}

void Content::fail(const Error& error) {
  const std::lock_guard lock(mutex_);
  if (phase() != Phase::growing) return;
  growth_->error = error;
  end(Phase::failed);
}

// REQUIRES: the lock.
void Content::end(Phase phase) {
  growth_->writer = nullptr;
  phase_.store(phase, std::memory_order_release);
  wake_readers();
}

// REQUIRES: the lock. Woken under it, so that a reader may die as soon as its stop_waiting() has returned.
void Content::wake_readers() {
  const bool has_ended = phase() != Phase::growing;
  for (Reader* reader = growth_->readers; reader != nullptr; reader = reader->next_)
    if (reader->waiter_ != nullptr && (has_ended || reader->position_ < size()))
      std::exchange(reader->waiter_, nullptr)->wake();
}

bool Content::is_unread() const {
  const std::lock_guard lock(mutex_);
  return growth_ != nullptr && is_window() && growth_->is_unread();
}

std::uint32_t Content::readers() const {
  const std::lock_guard lock(mutex_);
  return growth_ != nullptr ? growth_->count : 0;
}

}  // namespace shellac::cache
