#include "shellac/metrics/process.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>

#include "metrics/process_stat.hpp"
#include "shellac/core/text.hpp"

namespace shellac::metrics {
namespace {

std::string read_file(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// When the machine started, in seconds since 1970: the line "btime N" of /proc/stat.
std::optional<std::uint64_t> boot_time() {
  std::ifstream file("/proc/stat");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("btime ")) return parse_unsigned(std::string_view(line).substr(6));
  return std::nullopt;
}

std::optional<std::size_t> open_descriptors() {
  std::error_code error;
  std::size_t count = 0;
  std::filesystem::directory_iterator entry("/proc/self/fd", error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) ++count;
  if (error || count == 0) return std::nullopt;
  return count - 1;  // without the one that read the directory
}

void collect_stat(Collector& collector, const ProcessStat& stat) {
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  collector.counter("process_cpu_seconds_total", "User and system time spent.", {},
                    static_cast<double>(stat.user_ticks + stat.system_ticks) / ticks);
  collector.gauge("process_virtual_memory_bytes", "Address space in use.", {}, static_cast<double>(stat.virtual_bytes));
  collector.gauge("process_resident_memory_bytes", "Memory in RAM.", {},
                  static_cast<double>(stat.resident_pages) * static_cast<double>(sysconf(_SC_PAGESIZE)));
  if (const auto boot = boot_time())
    collector.gauge("process_start_time_seconds", "When the process started, since 1970.", {},
                    static_cast<double>(*boot) + static_cast<double>(stat.start_ticks) / ticks);
}

void collect_descriptors(Collector& collector) {
  if (const auto open = open_descriptors())
    collector.gauge("process_open_fds", "Open file descriptors.", {}, static_cast<double>(*open));
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
    collector.gauge("process_max_fds", "The limit of open file descriptors.", {},
                    limit.rlim_cur == RLIM_INFINITY ? std::numeric_limits<double>::infinity()
                                                    : static_cast<double>(limit.rlim_cur));
}

}  // namespace

std::optional<ProcessStat> parse_process_stat(std::string_view text) {
  // The second field is the program's name in parentheses and may itself hold spaces and parentheses.
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string_view::npos) return std::nullopt;
  text.remove_prefix(name_end + 1);

  constexpr int kUser = 14, kSystem = 15, kStart = 22, kVirtual = 23, kResident = 24;
  ProcessStat stat{};
  for (int field = 3; field <= kResident; ++field) {
    if (!text.starts_with(' ')) return std::nullopt;
    text.remove_prefix(1);
    const auto word = text.substr(0, text.find_first_of(" \n"));
    text.remove_prefix(word.size());
    std::uint64_t* target = field == kUser       ? &stat.user_ticks
                            : field == kSystem   ? &stat.system_ticks
                            : field == kStart    ? &stat.start_ticks
                            : field == kVirtual  ? &stat.virtual_bytes
                            : field == kResident ? &stat.resident_pages
                                                 : nullptr;
    if (target == nullptr) continue;
    const auto value = parse_unsigned(word);
    if (!value) return std::nullopt;
    *target = *value;
  }
  return stat;
}

void collect_process(Registry& registry, std::string_view version) {
  registry.collect_with([version = std::string(version)](Collector& collector) {
    if (const auto stat = parse_process_stat(read_file("/proc/self/stat"))) collect_stat(collector, *stat);
    collect_descriptors(collector);
    collector.gauge("shellac_build_info", "The running version.", {{"version", version}}, 1);
  });
}

}  // namespace shellac::metrics
