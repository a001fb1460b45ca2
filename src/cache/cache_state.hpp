// What is behind Cache.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <vector>

#include "cache/domain.hpp"
#include "cache/key_hash.hpp"
#include "cache/shard.hpp"
#include "cache/tag_index.hpp"
#include "shellac/cache/cache.hpp"

namespace shellac::cache {

struct Cache::State {
  static constexpr std::size_t kShards = 64;
  // An object may take an eighth of the memory.
  static constexpr std::uint64_t kObjectShare = 8;

  explicit State(const Setting& setting);

  // What bodies that have begun to arrive are still to get (try_promise()).
  std::atomic<std::uint64_t> promised{0};

  static std::uint8_t shard_number(std::uint64_t hash) { return static_cast<std::uint8_t>(hash >> 58); }
  Shard& shard_of(std::uint64_t hash) const { return *shards[shard_number(hash)]; }

  // Evicts what weighs at least `need`; what nobody needs any more goes first. False: nothing could be had. Bounded
  // work.
  bool evict(std::uint64_t need, Time now);
  // Takes out what is due, in at most so many batches; returns what it weighed.
  std::uint64_t drop_due(Domain& domain, Time now, int batches);
  std::uint64_t drop_all(std::span<ObjectRef> objects, Removed why, Time now);
  // Returns what it weighed.
  std::uint64_t drop(StoredObject& object, Removed why);

  StoredObject* try_make(const NewObject& object, ContentRef content, Time now);
  NotStored place(Fetch& fetch, StoredObject& stored, const NewObject& object, const Admission& admission);
  void abandon(Fetch& fetch);

  // `attempt` until it gives something, evicting in between: at most kRounds times.
  template <class Attempt>
  auto with_room(std::uint64_t need, Time now, Attempt attempt) {
    auto made = attempt();
    for (int round = 0; round < kRounds && !made && evict(need << std::min(round, 4), now); ++round) made = attempt();
    return made;
  }

  Memory memory;
  const KeyHash key_hash;
  TagPurges tag_purges;
  TagIndex tags;
  std::vector<std::unique_ptr<Domain>> domains;
  std::vector<std::unique_ptr<Shard>> shards;
  std::atomic<std::int64_t> swept_second{0};  // when evict() last looked for what is due

 private:
  // What was evicted may lie scattered over pages that others use, too: then it takes more than one round.
  static constexpr int kRounds = 12;
  std::size_t take_victims(std::uint64_t need, std::span<ObjectRef> out) const;
};

}  // namespace shellac::cache
