// How records get from one worker to the writer of the access log.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <type_traits>

#include "shellac/proxy/record.hpp"

namespace shellac::edge {

// A bounded queue of copied records with their texts behind them, in one ring of bytes: no lock, no allocation.
// Resource. Thread: one pushes, one consumes.
class AccessRing {
 public:
  // Some 3000 records: what a busy worker makes between two rounds of the writer. Pages that are never used cost
  // nothing.
  static constexpr std::size_t kCapacity = std::size_t{2} << 20;

  // `capacity` is a power of two.
  explicit AccessRing(std::size_t capacity = kCapacity);
  AccessRing(const AccessRing&) = delete;
  AccessRing& operator=(const AccessRing&) = delete;

  // False when there is no room, or the record is larger than a quarter of the ring. Thread: the producer.
  bool try_push(const proxy::RequestRecord& record) noexcept;
  // Thread: the producer.
  bool is_half_full() noexcept;

  // Calls visit(record) for each record that is there when it begins; the record's room is free again after the visit.
  // Thread: the consumer.
  template <class Visit>
  void consume(Visit visit) {
    std::uint64_t head = head_.load(std::memory_order_relaxed);
    const std::uint64_t end = tail_.load(std::memory_order_acquire);
    while (head != end) {
      const std::byte* const place = bytes_.get() + (head & mask_);
      if (!is_filler(place)) visit(read(place));
      head += size_of(place);
      head_.store(head, std::memory_order_release);
    }
  }

 private:
  // In front of each record. A filler covers what is left at the end of the ring when a record does not fit there.
  struct alignas(8) Header {
    std::uint32_t size;  // header, record and texts, rounded up
    bool filler;
  };
  static_assert(std::is_trivially_copyable_v<proxy::RequestRecord>);

  static bool is_filler(const std::byte* place);
  static std::uint32_t size_of(const std::byte* place);
  static proxy::RequestRecord read(const std::byte* place);
  bool has_room(std::uint64_t tail, std::size_t size) noexcept;

  const std::size_t mask_;
  const std::unique_ptr<std::byte[]> bytes_;
  // Octets ever pushed and ever consumed; modulo the capacity they are places.
  alignas(64) std::atomic<std::uint64_t> tail_{0};
  std::uint64_t known_head_ = 0;  // the producer's last look at head_
  alignas(64) std::atomic<std::uint64_t> head_{0};
};

}  // namespace shellac::edge
