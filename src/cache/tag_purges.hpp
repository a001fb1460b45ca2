// Which tags were purged lately.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

#include "shellac/cache/cache.hpp"

namespace shellac::cache {

// The last purges by tag. A fetch that began before one of them may bring an object that is not in the index yet when
// the purge goes through it; its tags are compared here when it comes. Thread: any.
class TagPurges {
 public:
  using Purge = Cache::Purge;
  static constexpr std::size_t kRemembered = 4096;

  static constexpr std::uint64_t kNone = ~std::uint64_t{0};

  // How many there have been. The first has the number 1.
  std::uint64_t count() const { return count_.load(std::memory_order_acquire); }
  void note(std::uint64_t tag, Purge how, Time now);

  struct Verdict {
    bool is_purged = false;
    Purge how = Purge::soft;
    Time when{};                  // the last that caught it
    std::uint64_t first = kNone;  // the number of the first that caught it
  };
  // Whether an object with these tags (their hashes), for which a fetch began after `since` purges, was purged
  // meanwhile. When more have happened than are remembered, it was.
  Verdict judge(std::span<const std::uint64_t> tags, std::uint64_t since) const;

 private:
  struct Note {
    std::uint64_t tag;
    Time when;
    Purge how;
  };
  mutable std::mutex mutex_;
  std::vector<Note> notes_;              // a ring
  std::atomic<std::uint64_t> count_{0};  // written under mutex_
};

}  // namespace shellac::cache
