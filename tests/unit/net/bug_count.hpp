// How often a place was noted as broken (core/bug.hpp).
#pragma once

#include <cstdint>
#include <string_view>

#include "shellac/core/bug.hpp"

namespace shellac::net {

inline std::uint64_t bug_count(std::string_view place) {
  struct Search {
    std::string_view place;
    std::uint64_t count = 0;
  } search{place};
  visit_bugs(
      [](void* context, std::string_view seen, std::uint64_t count) {
        auto& wanted = *static_cast<Search*>(context);
        if (seen == wanted.place) wanted.count = count;
      },
      &search);
  return search.count;
}

}  // namespace shellac::net
