// An object with what the store itself keeps of it.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "cache/ledger.hpp"
#include "shellac/cache/object.hpp"
#include "shellac/cache/reasons.hpp"

namespace shellac::cache {

struct Entry;
struct Tag;
class StoredObject;

// An object's place in the list of one of its tags. Guarded by the tag's lock.
struct TagLink {
  StoredObject* object = nullptr;
  Tag* tag = nullptr;  // null: not linked
  TagLink* previous = nullptr;
  TagLink* next = nullptr;
};

// Places in the two lists of an eviction domain. Guarded by the domain's mutex.
struct ListLink {
  StoredObject* previous = nullptr;
  StoredObject* next = nullptr;
};

// The index holds one reference as long as `entry` is not null.
class StoredObject final : public Object {
 public:
  // False: with its texts and tags it is larger than a block.
  static bool fits(const NewObject& object);
  // In one block: the object, links of its tags, texts. Null when there is no room. The caller holds the one
  // reference. REQUIRES: it fits.
  static StoredObject* try_make(Memory& memory, const NewObject& object, ContentRef content, Time now);

  void retain_for_index() const noexcept { retain(); }
  void count_use() noexcept {
    hits_.fetch_add(1, std::memory_order_relaxed);
    // Eviction asks for no more than "often": most hits of a popular object leave this line alone.
    const std::uint8_t uses = uses_.load(std::memory_order_relaxed);
    if (uses < 3) uses_.store(static_cast<std::uint8_t>(uses + 1), std::memory_order_relaxed);
  }
  std::uint8_t uses() const { return uses_.load(std::memory_order_relaxed); }
  void set_uses(std::uint8_t uses) { uses_.store(uses, std::memory_order_relaxed); }
  void purge_softly(Time now) { purged_at_.store(now.time_since_epoch().count(), std::memory_order_relaxed); }
  // It takes the place of `from`: who counts hits counts on.
  void inherit(const StoredObject& from) { hits_.fetch_add(from.hits(), std::memory_order_relaxed); }
  // Somebody reads it, or is about to: beside the index's own there are references.
  bool is_held() const { return references_.load(std::memory_order_relaxed) > 1; }

  // Why it is not, or no longer, to be found.
  NotStored absent() const { return absent_.load(std::memory_order_relaxed); }
  void set_absent(NotStored why) { absent_.store(why, std::memory_order_relaxed); }

  std::span<TagLink> tags() { return {reinterpret_cast<TagLink*>(this + 1), tags_}; }
  // All of its memory that is accounted to it: the block, and the content unless another object has taken that over.
  std::uint64_t weight() const { return block_ + charged_; }

  // --- the account. REQUIRES: the shard's mutex, or the only reference.
  enum class Charge : std::uint8_t { growing, stored, pinned };
  std::uint64_t charged() const { return charged_; }
  // The content has grown or shrunk.
  void recharge();
  void move_charge(Charge to);
  // This object answers for the content that `from` has stored (after a 304).
  void take_content_of(StoredObject& from);

  std::uint8_t shard = 0;  // of its key; set before anybody can find it

  // --- guarded by the shard's mutex
  Entry* entry = nullptr;         // null: not in the index
  StoredObject* older = nullptr;  // the next variant of the entry

  // --- guarded by the domain's mutex
  ListLink in_queue;
  ListLink in_wheel;
  std::uint8_t queue = 0;  // which of the order's queues; 0: none
  std::uint16_t slot = kNoSlot;
  static constexpr std::uint16_t kNoSlot = 0xffff;

 private:
  friend class Object;
  StoredObject(Memory& memory, std::uint32_t block, const NewObject& object, ContentRef content);
  std::atomic<std::uint64_t>& account() const;

  Charge charge_ = Charge::growing;
  const std::uint32_t block_;  // of its own block, rounded
  std::uint64_t charged_ = 0;  // octets of the content
  Memory& memory_;
};

}  // namespace shellac::cache
