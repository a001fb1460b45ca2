// One of the parts of the index.
#pragma once

#include <cstdint>
#include <mutex>
#include <span>
#include <string_view>

#include "cache/chain_table.hpp"
#include "cache/domain.hpp"
#include "cache/entry.hpp"
#include "cache/fetch_table.hpp"
#include "cache/mark_table.hpp"
#include "cache/tag_index.hpp"
#include "cache/tag_purges.hpp"

namespace shellac::cache {

// Objects that have left the index; lets go of the index's references when the lock is no longer held.
class Gone {
 public:
  Gone() = default;
  Gone(const Gone&) = delete;
  Gone& operator=(const Gone&) = delete;
  ~Gone() {
    while (first_ != nullptr) {
      StoredObject* const next = first_->older;
      first_->older = nullptr;
      ObjectRef::adopt(first_).reset();
      first_ = next;
    }
  }
  void add(StoredObject& object) {
    object.older = first_;
    first_ = &object;
    ++count_;
  }
  std::size_t count() const { return count_; }

 private:
  StoredObject* first_ = nullptr;
  std::size_t count_ = 0;
};

// Keys, their objects, and the fetches for them. Its mutex is the only lock on the way of a hit, held for the look.
// Lock order: shard, then tag part or domain; never two shards. Public members are guarded by the mutex.
struct Shard {
  struct Shared {
    Memory& memory;
    TagIndex& tags;
    const TagPurges& tag_purges;
    std::size_t marks;  // places in each table of marks
  };
  Shard(const Shared& shared, Domain& its_domain)
      : memory(shared.memory),
        tags(shared.tags),
        tag_purges(shared.tag_purges),
        domain(its_domain),
        entries(shared.memory),
        refused(shared.memory, shared.marks),
        uses(shared.memory, shared.marks) {}

  // --- REQUIRES: the mutex
  Entry* find(std::string_view key, std::uint64_t hash) const {
    return entries.find(hash, [&](const Entry& entry) { return entry.key() == key; });
  }

  struct Incoming {
    Fetch& fetch;
    StoredObject& object;
    std::span<const std::string_view> tags;
    std::uint32_t max_variants;
  };
  // Puts the object in the index unless a purge has come since the fetch began; then object.absent() tells. False:
  // there is no memory for it, and nothing has changed.
  bool try_place(const Incoming& incoming, Gone& gone);
  // It is whole: it takes the place of what it replaces, and may be evicted from now on.
  void settle(StoredObject& object, Time now, Gone& gone);
  // Does nothing when it has left already.
  void remove(StoredObject& object, Removed why, Gone& gone);
  // How a purge treats what is stored, and when it came.
  struct Purging {
    Cache::Purge how;
    Time now;
  };
  // All variants; returns how many there were. After a hard purge the entry is gone.
  std::size_t purge_entry(Entry& entry, const Purging& purging, Gone& gone);
  // The same of a key, and all fetches under way for it. Takes the mutex itself.
  std::size_t purge(std::string_view key, std::uint64_t hash, const Purging& purging);

  mutable std::mutex mutex;
  Memory& memory;
  TagIndex& tags;
  const TagPurges& tag_purges;
  Domain& domain;
  ChainTable<Entry> entries;
  FetchTable fetches;
  MarkTable refused;  // hit-for-miss
  UseCounts uses;     // for min_uses

 private:
  struct Fate {
    bool is_hard = false;
    bool is_soft = false;
    Time purged_at = Time::min();  // softly
  };
  Fate fate_of(const Incoming& incoming) const;
  Entry* get_entry(const Fetch& fetch);
  void drop_if_empty(Entry& entry);
  void link(Entry& entry, StoredObject& object, bool as_oldest);
  void unlink(StoredObject& object);
};

// The same key, the same request fields, the same part of the whole.
bool is_same_variant(const Object& a, const Object& b);

}  // namespace shellac::cache
