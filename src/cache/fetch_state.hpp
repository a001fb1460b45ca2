// The state that one fetch's leader and followers share.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

#include "cache/stored_object.hpp"
#include "cache/tag_purges.hpp"
#include "shellac/cache/cache.hpp"
#include "shellac/cache/fetch.hpp"

namespace shellac::cache {

class Fetch {
 public:
  struct Begin {
    std::string_view key;
    std::uint64_t hash = 0;
    Cache::State& store;
    std::uint32_t min_uses = 1;
    std::uint64_t tag_purges = 0;
  };
  explicit Fetch(const Begin& begin)
      : key(begin.key), hash(begin.hash), store(begin.store), min_uses(begin.min_uses), tag_purges(begin.tag_purges) {}
  Fetch(const Fetch&) = delete;
  Fetch& operator=(const Fetch&) = delete;

  void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  // Takes over the reference.
  static Leader lead(Fetch& fetch) { return Leader(&fetch); }
  static Follower follow(Fetch& fetch, std::uint64_t purges_by_tag) {
    fetch.followers.fetch_add(1, std::memory_order_relaxed);
    fetch.retain();
    return {&fetch, purges_by_tag, true};
  }

  // The one change of the verdict; wakes all who wait. REQUIRES: it is `waiting`.
  // The object was caught by the purge by tag with that number (TagPurges): who came after it must not have it.
  void publish(ObjectRef answer, std::uint64_t tag_purge);
  void fail(const Error& error);
  void end(Verdict verdict);

  Verdict ask(Follower& follower, Waiter& waiter);
  void stop_waiting(Follower& follower) noexcept;
  Verdict verdict() const;
  ObjectRef published() const;
  Error error() const;

  // --- immutable
  const std::string key;
  const std::uint64_t hash;
  Cache::State& store;
  const std::uint32_t min_uses;
  const std::uint64_t tag_purges;  // how many purges by tag there had been when it began

  // --- guarded by the mutex of the key's shard
  bool collapses = true;  // others may wait for it
  // What a request must have in common with the leader's for its answer to fit, as far as the key's Vary is known.
  std::string vary_names;
  std::string variant;
  Fetch* next = nullptr;  // in the table of fetches under way
  bool listed = false;
  // A purge of its key that came while it was under way, and when. From then on nobody new waits for it.
  enum class Purged : std::uint8_t { no, softly, hard } purged = Purged::no;
  Time purged_at{};
  std::uint64_t purged_by_tag = TagPurges::kNone;
  // A hard purge outweighs a soft one; the last soft one counts.
  void note_purge(Cache::Purge how, Time now) {
    if (how == Cache::Purge::hard) purged = Purged::hard;
    if (purged == Purged::hard) return;
    purged = Purged::softly;
    purged_at = now;
  }

  // --- the leader's own
  StoredObject* object = nullptr;  // published; held by object_
  Bytes max_object;

  std::atomic<std::uint32_t> followers{0};

 private:
  ~Fetch() = default;
  void wake_all() noexcept;

  std::atomic<std::uint32_t> references_{1};
  mutable std::mutex mutex_;
  Verdict verdict_ = Verdict::waiting;  // guarded by mutex_, like what follows
  ObjectRef published_;
  std::uint64_t caught_by_ = 0;
  Error error_;
  Follower* first_ = nullptr;  // those who wait
};

}  // namespace shellac::cache
