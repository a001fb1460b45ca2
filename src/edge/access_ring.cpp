#include "access_ring.hpp"

#include <cstring>
#include <new>

namespace shellac::edge {
namespace {

using proxy::RequestRecord;

constexpr std::array kTexts{&RequestRecord::id,           &RequestRecord::listener, &RequestRecord::tls,
                            &RequestRecord::protocol,     &RequestRecord::method,   &RequestRecord::scheme,
                            &RequestRecord::host,         &RequestRecord::path,     &RequestRecord::route,
                            &RequestRecord::pool,         &RequestRecord::backend,  &RequestRecord::zone,
                            &RequestRecord::sticky,       &RequestRecord::reason,   &RequestRecord::user_agent,
                            &RequestRecord::cache_reason, &RequestRecord::referer};

std::size_t text_size(const RequestRecord& record) {
  std::size_t size = 0;
  for (const auto text : kTexts) size += (record.*text).size();
  return size;
}

constexpr std::size_t round_up(std::size_t size) { return (size + 7) & ~std::size_t{7}; }

}  // namespace

AccessRing::AccessRing(std::size_t capacity) : mask_(capacity - 1), bytes_(new std::byte[capacity]) {}

bool AccessRing::try_push(const RequestRecord& record) noexcept {
  const std::size_t size = round_up(sizeof(Header) + sizeof(RequestRecord) + text_size(record));
  const std::size_t capacity = mask_ + 1;
  if (size > capacity / 4) return false;

  std::uint64_t tail = tail_.load(std::memory_order_relaxed);
  const std::size_t to_end = capacity - (tail & mask_);
  const std::size_t skipped = to_end < size ? to_end : 0;
  if (!has_room(tail, skipped + size)) return false;
  if (skipped != 0) {
    ::new (bytes_.get() + (tail & mask_)) Header{static_cast<std::uint32_t>(skipped), true};
    tail += skipped;
  }

  std::byte* place = bytes_.get() + (tail & mask_);
  ::new (place) Header{static_cast<std::uint32_t>(size), false};
  place += sizeof(Header);
  ::new (place) RequestRecord(record);
  place += sizeof(RequestRecord);
  for (const auto text : kTexts) {
    const std::string_view from = record.*text;
    if (!from.empty()) std::memcpy(place, from.data(), from.size());
    place += from.size();
  }
  tail_.store(tail + size, std::memory_order_release);
  return true;
}

bool AccessRing::has_room(std::uint64_t tail, std::size_t size) noexcept {
  if (tail + size - known_head_ <= mask_ + 1) return true;
  known_head_ = head_.load(std::memory_order_acquire);
  return tail + size - known_head_ <= mask_ + 1;
}

bool AccessRing::is_half_full() noexcept { return !has_room(tail_.load(std::memory_order_relaxed), (mask_ + 1) / 2); }

bool AccessRing::is_filler(const std::byte* place) { return reinterpret_cast<const Header*>(place)->filler; }

std::uint32_t AccessRing::size_of(const std::byte* place) { return reinterpret_cast<const Header*>(place)->size; }

RequestRecord AccessRing::read(const std::byte* place) {
  place += sizeof(Header);
  RequestRecord record = *std::launder(reinterpret_cast<const RequestRecord*>(place));
  const char* texts = reinterpret_cast<const char*>(place + sizeof(RequestRecord));
  // The views still have their lengths; what they pointed to is gone.
  for (const auto text : kTexts) {
    record.*text = {texts, (record.*text).size()};
    texts += (record.*text).size();
  }
  return record;
}

}  // namespace shellac::edge
