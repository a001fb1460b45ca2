// Which objects carry which tags, and which tags were purged lately.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

#include "cache/chain_table.hpp"
#include "cache/key_hash.hpp"
#include "cache/stored_object.hpp"

namespace shellac::cache {

// A tag that some object in the index carries. Lies in the pages, its text behind it. Guarded by its part's mutex.
struct Tag {
  Tag* next = nullptr;  // in its bucket
  const std::uint64_t hash;
  TagLink* first = nullptr;
  const std::uint32_t size;

  std::string_view text() const { return {reinterpret_cast<const char*>(this + 1), size}; }
};

// Lock order: shard, then tag part. Thread: any.
class TagIndex {
 public:
  TagIndex(Memory& memory, const KeyHash& hash) : memory_(memory), hash_(hash), parts_(make_parts(memory)) {}

  // Links the object under its tags. False when there is no memory: nothing is linked. REQUIRES: the shard's mutex.
  bool try_link(StoredObject& object, std::span<const std::string_view> tags);
  // REQUIRES: the shard's mutex.
  void unlink(StoredObject& object);

  // Up to out.size() of the objects with that tag, each with a reference more. Those that stay in the index come again.
  std::size_t take(std::string_view tag, std::span<ObjectRef> out);
  // Marks all objects with that tag; returns how many there are.
  std::size_t purge_softly(std::string_view tag, Time now);

  std::uint64_t hash_of(std::string_view tag) const { return hash_(tag); }

 private:
  static constexpr std::size_t kParts = 16;
  struct Part {
    explicit Part(Memory& memory) : tags(memory) {}
    std::mutex mutex;
    ChainTable<Tag> tags;
  };
  static std::vector<std::unique_ptr<Part>> make_parts(Memory& memory);
  Part& part_of(std::uint64_t hash) { return *parts_[hash >> 60]; }
  bool try_link_one(StoredObject& object, TagLink& link, std::string_view text);
  void unlink_one(TagLink& link);
  Tag* find(Part& part, std::string_view text, std::uint64_t hash);
  template <class Visit>
  void for_each_of(std::string_view tag, Visit visit);

  Memory& memory_;
  const KeyHash& hash_;
  std::vector<std::unique_ptr<Part>> parts_;
};

}  // namespace shellac::cache
