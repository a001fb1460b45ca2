#include "shellac/cache/reader.hpp"

#include <algorithm>
#include <limits>
#include <mutex>

#include "growth.hpp"

namespace shellac::cache {

using http::Pull;

namespace {

constexpr std::uint64_t kEnd = std::numeric_limits<std::uint64_t>::max();

std::uint64_t one_past(std::optional<std::uint64_t> last) { return last && *last != kEnd ? *last + 1 : kEnd; }

}  // namespace

Reader::Reader(ContentRef content, Span span)
    : content_(std::move(content)),
      first_(span.first),
      stop_(std::max(span.first, one_past(span.last))),
      position_(span.first),
      held_(span.first) {
  if (content_ && !try_open()) content_ = {};
}

Reader::~Reader() {
  if (is_attached_) detach();
}

bool Reader::try_open() {
  Content& content = *content_;
  if (content.is_settled()) return true;
  const std::lock_guard lock(content.mutex_);
  if (content.is_settled()) return true;
  if (content.is_window() && content.growth_->has_slid) return false;
  content.growth_->attach(*this, content.is_window());
  is_attached_ = true;
  return true;
}

void Reader::detach() {
  const std::lock_guard lock(content_->mutex_);
  content_->let_go(*this);
}

std::optional<std::uint64_t> Reader::length() const {
  if (!has_opened()) return std::nullopt;
  if (const auto length = content_->expected()) return std::max(std::min(stop_, *length), first_) - first_;
  if (content_->size() >= stop_) return stop_ - first_;
  return std::nullopt;
}

Pull Reader::try_next(std::size_t max, Waiter& waiter) {
  if (!has_opened())
    return {Pull::State::failed, {}, {Side::self, Cause::cancelled, false, {}, "opening a body that is not kept"}};
  if (is_attached_) {
    const std::lock_guard lock(content_->mutex_);
    waiter_ = nullptr;
    if (!content_->is_settled()) {
      content_->advance(*this);
      const Pull pull = look(max);
      if (pull.state == Pull::State::pending) waiter_ = &waiter;
      return pull;
    }
    content_->let_go(*this);
  }
  return look(max);
}

// REQUIRES: the content's lock, or a settled content.
Pull Reader::look(std::size_t max) {
  const Content& content = *content_;
  const std::uint64_t size = content.size();
  const std::uint64_t wanted = std::min(stop_, content.expected().value_or(kEnd));
  const std::uint64_t available = std::min(size, wanted);
  std::size_t count = 0;
  if (position_ < available && (is_attached_ || !has_place_)) {
    extent_ = content.find_extent(position_);
    has_place_ = !is_attached_;  // only then they stay where they are
  }
  while (position_ < available && count < views_.size() && max != 0) {
    const Content::Extent extent = content.extent(extent_);
    const auto offset = static_cast<std::size_t>(position_ - extent.begin);
    const std::size_t room = content.capacity(extent_) - offset;
    const auto size_of_view = static_cast<std::size_t>(std::min<std::uint64_t>({room, available - position_, max}));
    views_[count++] = {extent.data + offset, size_of_view};
    position_ += size_of_view;
    max -= size_of_view;
    if (size_of_view == room) ++extent_;
  }
  const std::span<const std::string_view> data(views_.data(), count);
  if (position_ >= wanted) return {Pull::State::end, data, {}};
  if (count != 0) return {Pull::State::more, data, {}};
  if (content.has_failed()) return {Pull::State::failed, {}, content.growth_->error};
  return {Pull::State::pending, {}, {}};
}

void Reader::stop_waiting() noexcept {
  if (!is_attached_) return;
  const std::lock_guard lock(content_->mutex_);
  waiter_ = nullptr;
}

// REQUIRES: the lock.
void Content::advance(Reader& reader) {
  if (!is_window()) {
    reader.held_ = reader.position_;
    return;
  }
  growth_->advance(reader);
  slide();
}

// REQUIRES: the lock. The reader leaves, or goes on without the lock.
void Content::let_go(Reader& reader) {
  growth_->detach(reader, is_window());
  reader.is_attached_ = false;
  reader.waiter_ = nullptr;
  if (is_window()) {
    slide();
    if (growth_->count != 0) return;
    if (growth_->writer != nullptr) std::exchange(growth_->writer, nullptr)->wake();
    if (growth_->watcher != nullptr) growth_->watcher->wake();
  } else if (is_complete() && growth_->count == 0) {
    drop_growth();
  }
}

}  // namespace shellac::cache
