#include "shellac/net/admission.hpp"

#include <algorithm>

#include "shellac/core/bug.hpp"
#include "shellac/core/crypto.hpp"

namespace shellac::net {
namespace {

std::uint64_t random_seed() {
  std::array<std::uint8_t, sizeof(std::uint64_t)> bytes{};
  crypto::fill_random(bytes);
  std::uint64_t seed = 0;
  for (const std::uint8_t byte : bytes) seed = seed << 8 | byte;
  return seed;
}

// A permutation of 64 bits (each step can be undone), so that distinct clients keep distinct keys.
constexpr std::uint64_t scramble(std::uint64_t x) {
  x ^= x >> 32;
  x *= 0x9e3779b97f4a7c15U;  // odd, hence invertible
  x ^= x >> 29;
  x *= 0xd6e8feb86659fd93U;
  x ^= x >> 32;
  return x;
}

}  // namespace

Admission::Admission(ConnectionLimits limits)
    : seed_(random_seed()), max_(limits.connections), max_per_client_(limits.connections_per_client) {}

bool Admission::try_enter() {
  // Compare and exchange instead of add and undo: an attempt that fails must not make another one fail.
  std::uint32_t count = connections_.load();
  do {
    if (count >= max_.load(std::memory_order_relaxed)) return false;
  } while (!connections_.compare_exchange_weak(count, count + 1));
  return true;
}

void Admission::enter() { connections_.fetch_add(1); }

void Admission::leave() {
  // Sequentially consistent with wait(): either the place is seen by who waits, or the waiter is seen here.
  std::uint32_t count = connections_.load();
  do {
    if (BUG_IF(count == 0, "net/admission")) return;
  } while (!connections_.compare_exchange_weak(count, count - 1));
  if (waiting_.load() == 0) return;

  // One place, one waiter. If it finds nothing to accept, it gives the place back and thereby wakes the next one.
  const std::lock_guard lock(waiters_mutex_);
  if (waiters_.empty()) return;
  Waiter* const first = waiters_.front();
  waiters_.erase(waiters_.begin());
  waiting_.store(waiters_.size());
  first->wake();
}

void Admission::wait(Waiter& waiter) {
  const std::lock_guard lock(waiters_mutex_);
  if (std::find(waiters_.begin(), waiters_.end(), &waiter) == waiters_.end()) waiters_.push_back(&waiter);
  waiting_.store(waiters_.size());
}

void Admission::forget(Waiter& waiter) {
  const std::lock_guard lock(waiters_mutex_);
  std::erase(waiters_, &waiter);
  waiting_.store(waiters_.size());
}

bool Admission::try_enter_client(const IpAddress& client) {
  const std::uint64_t key = client_key(client);
  Shard& shard = shards_[key % kShards];
  const std::uint32_t max = max_per_client_.load(std::memory_order_relaxed);
  const std::lock_guard lock(shard.mutex);
  if (max == 0) return false;
  std::uint32_t& count = shard.counts[key];
  if (count >= max) return false;
  ++count;
  return true;
}

void Admission::leave_client(const IpAddress& client) {
  const std::uint64_t key = client_key(client);
  Shard& shard = shards_[key % kShards];
  const std::lock_guard lock(shard.mutex);
  const auto entry = shard.counts.find(key);
  if (BUG_IF(entry == shard.counts.end(), "net/admission")) return;
  if (--entry->second == 0) shard.counts.erase(entry);
}

void Admission::set_limits(ConnectionLimits limits) {
  max_.store(limits.connections);
  max_per_client_.store(limits.connections_per_client);
  const std::lock_guard lock(waiters_mutex_);
  for (Waiter* const waiter : waiters_) waiter->wake();
  waiters_.clear();
  waiting_.store(0);
}

std::size_t Admission::clients() {
  std::size_t count = 0;
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    count += shard.counts.size();
  }
  return count;
}

std::uint64_t Admission::client_key(const IpAddress& client) const {
  // IPv6: the first 64 bits, since one customer commands a whole /64. IPv4: the address behind 0000:ffff, which as an
  // IPv6 prefix is reserved (RFC 4291 §2.4), so that the two never meet.
  std::uint64_t key = 0;
  if (client.is_v4()) {
    key = 0x0000ffffU;
    for (std::size_t i = 12; i < 16; ++i) key = key << 8 | client.bytes[i];
  } else {
    for (std::size_t i = 0; i < 8; ++i) key = key << 8 | client.bytes[i];
  }
  // The map hashes an integer to itself; without the seed a client could choose addresses that all share a bucket.
  return scramble(key ^ seed_);
}

}  // namespace shellac::net
