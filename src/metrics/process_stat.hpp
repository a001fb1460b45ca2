// /proc/self/stat, of which five fields matter here.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace shellac::metrics {

struct ProcessStat {
  std::uint64_t user_ticks;    // 1/sysconf(_SC_CLK_TCK) s
  std::uint64_t system_ticks;  // of the same
  std::uint64_t start_ticks;   // since boot
  std::uint64_t virtual_bytes;
  std::uint64_t resident_pages;
};

// The text of /proc/PID/stat (proc(5)). Nothing when it has another shape.
std::optional<ProcessStat> parse_process_stat(std::string_view text);

}  // namespace shellac::metrics
