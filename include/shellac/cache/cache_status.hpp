// Cache-Status (RFC 9211): what became of a request, in one line.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "shellac/cache/reasons.hpp"
#include "shellac/core/units.hpp"

namespace shellac::cache {

// Value.
struct CacheStatus {
  enum class Forward : std::uint8_t { none, uri_miss, vary_miss, miss, stale, bypass, request, method, partial };
  bool hit = false;
  Forward forward = Forward::none;
  int forward_status = 0;       // 0: not written
  std::optional<Duration> ttl;  // whole seconds are written
  bool stored = false;
  bool collapsed = false;
  std::string_view detail;  // a token (a word of reasons.hpp); empty: not written
};
CacheStatus::Forward forward_of(Bypass why);
CacheStatus::Forward forward_of(Miss why);

inline constexpr std::size_t kCacheStatusMax = 160;
// "shellac; hit; ttl=300" into `out` (at least kCacheStatusMax octets). Never allocates.
std::string_view write_cache_status(const CacheStatus& status, std::span<char> out);

}  // namespace shellac::cache
