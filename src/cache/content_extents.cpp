// The extents of a content: how large they are made, how they are found, and how they go.
#include <algorithm>
#include <cstring>

#include "growth.hpp"

namespace shellac::cache {

namespace {

constexpr std::size_t kMinExtent = Pages::kPage;

}  // namespace

// The next extent of a body of which `rest` octets have no room yet. The end is split into pages and what is left
// over when one block for it would waste more than an eighth.
std::size_t Content::fitted(std::uint64_t rest) {
  if (rest >= Pages::kBlockMax) return Pages::kBlockMax;
  const auto size = static_cast<std::size_t>(rest);
  if (size > Pages::kPage && (Pages::rounded(size) - size) * 8 > size) return size & ~(Pages::kPage - 1);
  return size;
}

std::uint64_t Content::count_fitted(std::uint64_t rest) {
  std::uint64_t count = rest / Pages::kBlockMax;
  for (rest %= Pages::kBlockMax; rest != 0; rest -= fitted(rest)) ++count;
  return count;
}

Content::Extent& Content::deep_extent(std::uint32_t index) const {
  return reinterpret_cast<Extent**>(table_.entries)[index / kTableMax][index % kTableMax];
}

std::uint32_t Content::find_extent(std::uint64_t position) const {
  std::uint32_t first = 0;
  for (std::uint32_t count = extents_; count > 1;) {
    const std::uint32_t half = count / 2;
    if (extent(first + half).begin <= position) first += half;
    count -= half;
  }
  return first;
}

std::size_t Content::capacity(std::uint32_t index) const {
  const std::uint64_t end = index + 1 < extents_ ? extent(index + 1).begin : capacity_end_;
  return static_cast<std::size_t>(end - extent(index).begin);
}

void* Content::take_block(std::size_t size) noexcept {
  void* const block = pages_.try_allocate(size);
  if (block != nullptr) footprint_.fetch_add(Pages::rounded(size), std::memory_order_relaxed);
  return block;
}

void Content::give_block(void* block, std::size_t size) noexcept {
  pages_.release(block, size);
  footprint_.fetch_sub(Pages::rounded(size), std::memory_order_relaxed);
}

// Without a known length extents double, 4 to 64 KiB, and take at least what is there to be stored.
std::size_t Content::next_extent(std::size_t needed) const {
  if (expected_ != kUnknown) return fitted(expected_ - capacity_end_);
  const std::uint64_t doubled = std::max<std::uint64_t>(capacity_end_ + kMinExtent, needed);
  return Pages::rounded(static_cast<std::size_t>(std::min<std::uint64_t>(doubled, Pages::kBlockMax)));
}

bool Content::try_add_extent(std::size_t needed) {
  if (extents_ >= (has_table_ ? table_.room : 1) && !try_grow_table()) return false;
  std::size_t size = next_extent(needed);
  void* block = take_block(size);
  // Smaller ones when the room is there but scattered. A window takes what it can get, so that delivery goes on.
  while (block == nullptr && size > kMinExtent && (is_window() || pages_.available().count >= size)) {
    size = std::max(kMinExtent, (size / 2) & ~(Pages::kPage - 1));
    block = take_block(size);
  }
  if (block == nullptr) return false;
  extent(extents_++) = {static_cast<char*>(block), capacity_end_};
  capacity_end_ += size;
  return true;
}

bool Content::try_grow_table() {
  if (has_table_ && table_.room >= kTableMax) return try_deepen_table();
  std::uint64_t room = has_table_ ? std::uint64_t{table_.room} * 2 : 4;
  // A window has few extents at a time, whatever its length.
  if (!has_table_ && expected_ != kUnknown && !is_window()) room = extents_ + count_fitted(expected_ - capacity_end_);
  room = std::min<std::uint64_t>(room, kTableMax);
  auto* const entries = static_cast<Extent*>(take_block(static_cast<std::size_t>(room) * sizeof(Extent)));
  if (entries == nullptr) return false;
  std::copy_n(has_table_ ? table_.entries : &single_, extents_, entries);
  drop_table();
  table_ = {entries, static_cast<std::uint32_t>(room)};
  has_table_ = true;
  return true;
}

// A table that fills a block becomes the first of several: a quarter of a gigabyte each.
bool Content::try_deepen_table() {
  const std::uint32_t tables = table_.room / kTableMax;
  if (tables == kTables) return false;
  void* const another = take_block(kTableMax * sizeof(Extent));
  if (another == nullptr) return false;
  if (tables == 1) {
    auto** const root = static_cast<Extent**>(take_block(kTables * sizeof(Extent*)));
    if (root == nullptr) {
      give_block(another, kTableMax * sizeof(Extent));
      return false;
    }
    root[0] = table_.entries;
    table_.entries = reinterpret_cast<Extent*>(root);
  }
  reinterpret_cast<Extent**>(table_.entries)[tables] = static_cast<Extent*>(another);
  table_.room += kTableMax;
  return true;
}

void Content::drop_table() {
  if (!has_table_) return;
  if (table_.room <= kTableMax) return give_block(table_.entries, table_.room * sizeof(Extent));
  auto** const root = reinterpret_cast<Extent**>(table_.entries);
  for (std::uint32_t table = 0; table < table_.room / kTableMax; ++table)
    give_block(root[table], kTableMax * sizeof(Extent));
  give_block(static_cast<void*>(root), kTables * sizeof(Extent*));
}

// All from `first` on.
void Content::drop_extents(std::uint32_t first) {
  if (first >= extents_ || is_beside_) return;
  const std::uint64_t end = extent(first).begin;
  for (std::uint32_t index = first; index < extents_; ++index) give_block(extent(index).data, capacity(index));
  extents_ = first;
  capacity_end_ = end;
}

// REQUIRES: the lock; a window. Gives up what all readers have passed, and wakes the writer that waited for it.
void Content::slide() {
  const std::uint64_t passed = std::min(growth_->slowest, size());
  std::uint32_t count = 0;
  while (count < extents_ && !is_beside_ && extent(count).begin + capacity(count) <= passed) {
    give_block(extent(count).data, capacity(count));
    ++count;
  }
  if (count != 0) {
    for (std::uint32_t index = count; index < extents_; ++index) extent(index - count) = extent(index);
    extents_ -= count;
    growth_->has_slid = true;
  }
  if (growth_->writer != nullptr && size() - passed + growth_->needs <= kWindow)
    std::exchange(growth_->writer, nullptr)->wake();
}

// REQUIRES: the lock. The end of the body is known now: the last extent gives up what it does not fill.
void Content::trim() {
  if (extents_ == 0 || is_beside_ || size() == capacity_end_) return;
  Extent& last = extent(extents_ - 1);
  const std::size_t room = capacity(extents_ - 1);
  const auto used = static_cast<std::size_t>(size() - last.begin);
  if (Pages::rounded(used) == Pages::rounded(room)) return;
  if (pages_.try_shrink(last.data, room, used)) {
    footprint_.fetch_sub(Pages::rounded(room) - Pages::rounded(used), std::memory_order_relaxed);
  } else {
    void* const block = take_block(used);
    if (block == nullptr) return;
    std::memcpy(block, last.data, used);
    // Readers that saw it grow may hold views of the old block until they pull again.
    if (growth_->count != 0) {
      growth_->retired = last.data;
      growth_->retired_size = room;
    } else {
      give_block(last.data, room);
    }
    last.data = static_cast<char*>(block);
  }
  capacity_end_ = size();
}

}  // namespace shellac::cache
