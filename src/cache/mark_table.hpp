// Small bounded memories of keys that are not stored: whose answers may not be shared, and how often each was asked
// for.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cache/ledger.hpp"
#include "shellac/core/units.hpp"

namespace shellac::cache {

// Hit-for-miss: keys and until when. 16 octets each in one block, sets of four places; a full set gives up the mark
// that ends first. Thread: guarded by the shard's mutex.
class MarkTable {
 public:
  // `marks` at most; a power of two, at least four. The block is taken with the first mark.
  MarkTable(Memory& memory, std::size_t marks) : memory_(memory), marks_(marks) {}
  ~MarkTable();
  MarkTable(const MarkTable&) = delete;
  MarkTable& operator=(const MarkTable&) = delete;

  bool has(std::uint64_t hash, Time now) const;
  // Without memory nothing is remembered.
  void set(std::uint64_t hash, Time until);
  void drop(std::uint64_t hash);

 private:
  struct Mark {
    std::uint64_t hash;
    Time::rep until;
  };
  static constexpr std::size_t kWays = 4;
  Mark* set_of(std::uint64_t hash) const;

  Memory& memory_;
  const std::size_t marks_;
  Mark* table_ = nullptr;
};

// How often keys were asked for that are not stored: counts up to 255 in sets of four places; a newcomer in a full set
// makes the others fade and takes the place of one that has faded away. Thread: guarded by the shard's mutex.
class UseCounts {
 public:
  UseCounts(Memory& memory, std::size_t places) : memory_(memory), places_(places) {}
  ~UseCounts();
  UseCounts(const UseCounts&) = delete;
  UseCounts& operator=(const UseCounts&) = delete;

  void count(std::uint64_t hash);
  std::uint32_t get(std::uint64_t hash) const;

 private:
  struct Place {
    std::uint32_t tag;
    std::uint32_t uses;  // 0: free
  };
  static constexpr std::size_t kWays = 4;
  Place* set_of(std::uint64_t hash) const;

  Memory& memory_;
  const std::size_t places_;
  Place* table_ = nullptr;
};

}  // namespace shellac::cache
