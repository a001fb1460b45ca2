// One fetch for all who miss the same thing: who leads it, and who waits for it.
#pragma once

#include <cstdint>
#include <utility>

#include "shellac/cache/object.hpp"
#include "shellac/cache/reasons.hpp"
#include "shellac/core/error.hpp"
#include "shellac/core/waiter.hpp"

namespace shellac::cache {

// What became of a fetch, for those who wait for it.
enum class Verdict : std::uint8_t {
  waiting,    // nothing is known yet
  published,  // there is an object; when it is another variant than the request's, look up again
  refused,    // the answer may not be shared: each asks for itself
  failed,     // no answer; the error is shared, or a stale object served
  abandoned,  // its leader went without a word, or the object was purged before the request came: look up again
};

// The state that leader and followers share. Its own mutex guards verdict and waiters. Counted. Thread: any.
class Fetch;

// A place among those who wait. Lives in the waiting request's frame; does not move while it waits. Thread: its worker.
class Follower {
 public:
  Follower() = default;
  Follower(Follower&& other) noexcept;
  Follower& operator=(Follower&& other) noexcept;
  ~Follower();

  explicit operator bool() const noexcept { return fetch_ != nullptr; }
  // While the answer is `waiting`, `waiter` is woken once when that changes. Waiters are woken under the fetch's lock.
  Verdict ask(Waiter& waiter);
  void stop_waiting() noexcept;
  // After `published`: complete or still growing, and perhaps not to be found in the cache.
  ObjectRef object() const;
  // After `failed`.
  Error error() const;

 private:
  friend class Fetch;
  friend class Leader;
  friend class Cache;
  Follower(Fetch* adopted, std::uint64_t tag_purges, bool counted) noexcept
      : fetch_(adopted), tag_purges_(tag_purges), counted_(counted) {}

  Fetch* fetch_ = nullptr;
  Waiter* waiter_ = nullptr;  // guarded by the fetch's mutex, like the links
  Follower* previous_ = nullptr;
  Follower* next_ = nullptr;
  std::uint64_t tag_purges_ = 0;  // how many purges by tag there had been when it came
  bool counted_ = false;
};

// The duty to fetch. It ends with Cache::complete(), abort(), refuse() or fail(), which leave the handle empty; one
// that dies before abandons the fetch, and what it had published is broken. Moves. Thread: its worker.
class Leader {
 public:
  Leader() = default;
  Leader(Leader&& other) noexcept : fetch_(std::exchange(other.fetch_, nullptr)) {}
  Leader& operator=(Leader&& other) noexcept {
    std::swap(fetch_, other.fetch_);
    return *this;
  }
  ~Leader();

  explicit operator bool() const noexcept { return fetch_ != nullptr; }
  // A place for the request that began the fetch, so that it may leave while the fetch goes on. Outside the limit.
  Follower follow() const;
  // How many wait for the verdict.
  std::uint32_t followers() const;
  // What was published; null before that.
  const Object* object() const;
  // Why what was published is not, or no longer, in the cache.
  NotStored not_stored() const;

 private:
  friend class Cache;
  friend class Fetch;
  explicit Leader(Fetch* adopted) noexcept : fetch_(adopted) {}

  Fetch* fetch_ = nullptr;
};

}  // namespace shellac::cache
