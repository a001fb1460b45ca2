// The fetches of one shard that are under way.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "cache/fetch_state.hpp"

namespace shellac::cache {

// Does not count references: a fetch leaves the table before its leader lets go of it. Guarded by the shard's mutex.
class FetchTable {
 public:
  void add(Fetch& fetch) {
    Fetch*& first = bucket(fetch.hash);
    fetch.next = first;
    fetch.listed = true;
    first = &fetch;
    ++size_;
  }

  // Does nothing when it is not there (any more).
  void remove(Fetch& fetch) {
    if (!fetch.listed) return;
    Fetch** at = &bucket(fetch.hash);
    while (*at != &fetch) at = &(*at)->next;
    *at = fetch.next;
    fetch.next = nullptr;
    fetch.listed = false;
    --size_;
  }

  // The first for which `is_it(fetch)` holds among those of the key.
  template <class Test>
  Fetch* find(std::string_view key, std::uint64_t hash, Test is_it) {
    for (Fetch* fetch = bucket(hash); fetch != nullptr; fetch = fetch->next)
      if (fetch->hash == hash && fetch->key == key && is_it(*fetch)) return fetch;
    return nullptr;
  }

  template <class Visit>
  void for_each(Visit visit) {
    for (Fetch* fetch : buckets_)
      for (; fetch != nullptr; fetch = fetch->next) visit(*fetch);
  }

  std::size_t size() const { return size_; }

 private:
  static constexpr std::size_t kBuckets = 32;
  Fetch*& bucket(std::uint64_t hash) { return buckets_[hash % kBuckets]; }

  std::array<Fetch*, kBuckets> buckets_{};
  std::size_t size_ = 0;
};

}  // namespace shellac::cache
