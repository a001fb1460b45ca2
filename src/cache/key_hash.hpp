// The hash of keys and tags.
#pragma once

#include <cstdint>
#include <string_view>

namespace shellac::cache {

// XXH3 with a seed of its own in each cache, so that nobody outside can choose keys that meet in one bucket. Value.
class KeyHash {
 public:
  KeyHash();
  std::uint64_t operator()(std::string_view text) const noexcept;

 private:
  std::uint64_t seed_;
};

}  // namespace shellac::cache
