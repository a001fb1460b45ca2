// Purges.
#include <algorithm>

#include "cache/cache_state.hpp"

namespace shellac::cache {
namespace {

constexpr std::size_t kBatch = 64;
// Buckets of a shard that are gone through under the lock at a time.
constexpr std::size_t kBucketBatch = 64;

void note_fetches(Shard& shard, const Shard::Purging& purging) {
  const std::lock_guard lock(shard.mutex);
  shard.fetches.for_each([&](Fetch& fetch) { fetch.note_purge(purging.how, purging.now); });
}

// Some buckets, `begin` being the first; nothing is left to do when it has passed the last.
std::size_t purge_some(Shard& shard, std::size_t& begin, const Shard::Purging& purging) {
  Gone gone;
  const std::lock_guard lock(shard.mutex);
  std::size_t count = 0;
  const std::size_t end = std::min(begin + kBucketBatch, shard.entries.bucket_count());
  for (; begin < end; ++begin) {
    for (Entry* entry = shard.entries.first(begin); entry != nullptr;) {
      Entry* const next = entry->next;
      count += shard.purge_entry(*entry, purging, gone);
      entry = next;
    }
  }
  return count;
}

}  // namespace

std::size_t Cache::purge(std::string_view key, Purge how, Time now) {
  const std::uint64_t hash = state_->key_hash(key);
  return state_->shard_of(hash).purge(key, hash, {how, now});
}

std::size_t Cache::purge_all(Purge how, Time now) {
  std::size_t count = 0;
  for (const auto& shard : state_->shards) {
    // The fetches first: what they bring later is known to be old then.
    note_fetches(*shard, {how, now});
    for (std::size_t begin = 0, before = 1; before != begin;) {
      before = begin;
      count += purge_some(*shard, begin, {how, now});
    }
  }
  return count;
}

std::size_t Cache::purge_tag(std::string_view tag, Purge how, Time now) {
  State& state = *state_;
  // Noted first: what is being placed meanwhile either sees the note or is seen below (Shard::try_place).
  state.tag_purges.note(state.tags.hash_of(tag), how, now);
  if (how == Purge::soft) return state.tags.purge_softly(tag, now);
  std::size_t total = 0;
  std::array<ObjectRef, kBatch> found;
  while (const std::size_t count = state.tags.take(tag, found)) {
    for (ObjectRef& ref : std::span(found).first(count)) {
      state.drop(*static_cast<StoredObject*>(const_cast<Object*>(ref.get())), Removed::purged);
      ref.reset();
    }
    total += count;
  }
  return total;
}

}  // namespace shellac::cache
