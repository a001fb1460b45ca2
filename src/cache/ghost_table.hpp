// The hashes of keys that were evicted lately.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cache/ledger.hpp"

namespace shellac::cache {

// Eight octets a hash, in sets of eight places: a hash is remembered until `reach` others have been noted, or its set
// has needed the place. Grows with the number of objects that it serves. Guarded by the domain's mutex.
class GhostTable {
 public:
  explicit GhostTable(Memory& memory) : memory_(memory) {}
  ~GhostTable() { give_back(); }
  GhostTable(const GhostTable&) = delete;
  GhostTable& operator=(const GhostTable&) = delete;

  // How many hashes are worth remembering. Grows the table when there is memory for it; what it knew is then forgotten.
  void set_reach(std::size_t reach);
  void note(std::uint64_t hash);
  // Whether it was noted, and forgets it.
  bool take(std::uint64_t hash);

 private:
  struct Place {
    std::uint32_t tag;
    std::uint32_t noted;  // the value of clock_; 0: free
  };
  static constexpr std::size_t kWays = 8;
  static constexpr std::size_t kBlockPlaces = Pages::kBlockMax / sizeof(Place);
  static std::size_t octets(std::size_t places) { return std::min(places, kBlockPlaces) * sizeof(Place); }

  Place* set_of(std::uint64_t hash) const;
  bool is_live(const Place& place) const { return place.noted != 0 && clock_ - place.noted < reach_; }
  void give_back();

  Memory& memory_;
  std::vector<Place*> blocks_;
  std::size_t places_ = 0;  // a power of two
  std::size_t reach_ = 0;
  std::uint32_t clock_ = 1;
};

}  // namespace shellac::cache
