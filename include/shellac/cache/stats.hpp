// What the cache tells about itself: gauges, evictions, single objects.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "shellac/core/units.hpp"

namespace shellac::cache {

// Why an object left the index.
enum class Removed : std::uint8_t {
  size,      // room was needed
  expired,   // past every use
  purged,    // hard
  replaced,  // by a newer answer
  variants,  // its key has too many
  grown,     // passed max_object while it arrived
  full,      // no room could be made for the rest of it
  broken,    // its transfer ended early
};
inline constexpr std::size_t kRemovedKinds = 8;
std::string_view to_string(Removed why);

// Upper bounds of the histogram of ages at eviction (Removed::size), in seconds; beyond the last is one more bucket.
inline constexpr std::array<double, 9> kEvictionAgeBounds = {1, 10, 60, 300, 1800, 3600, 21600, 86400, 604800};

// Gauges are of one moment, counters since the start. Value.
struct Stats {
  std::uint64_t objects = 0;
  std::uint64_t fetches = 0;  // under way
  Bytes body;                 // of complete objects
  Bytes head;                 // objects' blocks and keys
  Bytes index;                // tables of keys, tags, marks
  Bytes ghost;
  Bytes growing;  // bodies that still arrive
  Bytes pinned;   // out of the index, still read
  Bytes used;     // all pages; what the kinds leave is rounding
  Bytes cap;
  std::array<std::uint64_t, kRemovedKinds> removed{};
  std::array<std::uint64_t, kEvictionAgeBounds.size() + 1> eviction_ages{};
  double eviction_age_sum = 0;  // seconds
};

// One stored variant, for `ctl cache get`. Value.
struct ObjectReport {
  std::string key;
  int status = 0;
  std::string vary_names;
  std::string variant;
  std::string etag;
  Duration age{0};
  Duration freshness_left{0};
  Duration grace_left{0};  // all of it while it is fresh
  Bytes size;              // of the body
  Bytes memory;            // everything
  std::uint64_t hits = 0;
  bool growing = false;
  bool soft_purged = false;
  std::vector<std::string> tags{};
};

}  // namespace shellac::cache
