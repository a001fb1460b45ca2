#include "cache/key_hash.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <array>
#include <bit>

#include "shellac/core/crypto.hpp"

namespace shellac::cache {

KeyHash::KeyHash() : seed_(0) {
  std::array<std::uint8_t, sizeof seed_> octets{};
  crypto::fill_random(octets);
  seed_ = std::bit_cast<std::uint64_t>(octets);
}

std::uint64_t KeyHash::operator()(std::string_view text) const noexcept {
  return XXH3_64bits_withSeed(text.data(), text.size(), seed_);
}

}  // namespace shellac::cache
