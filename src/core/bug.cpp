#include "shellac/core/bug.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstring>

namespace shellac {
namespace {

struct Place {
  std::atomic<const char*> name{nullptr};
  std::atomic<std::uint64_t> count{0};
  std::atomic<std::int64_t> logged{0};  // second of the last line, on the steady clock, plus one; 0 = never
};

// The one mutable table of the process: a promise may break where no logger or registry is at hand. A place is never
// removed. Each names a file, of which we have fewer; those beyond the table share its last slot.
constexpr std::size_t kPlaces = 128;
constexpr const char* kOther = "other";
constinit Place places[kPlaces];

Place& find_or_add(const char* name) noexcept {
  for (std::size_t i = 0; i + 1 < kPlaces; ++i) {
    const char* present = places[i].name.load(std::memory_order_acquire);
    if (present == nullptr && places[i].name.compare_exchange_strong(present, name, std::memory_order_acq_rel))
      return places[i];
    // Equal literals of two files have two addresses, hence the comparison of text.
    if (present == name || std::strcmp(present, name) == 0) return places[i];
  }
  places[kPlaces - 1].name.store(kOther, std::memory_order_release);
  return places[kPlaces - 1];
}

void log_line(const char* place, const char* what) noexcept {
  try {
    const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    const auto second = std::chrono::floor<std::chrono::seconds>(now);
    const auto line =
        fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z error bug in {}: {}\n", second, (now - second).count(), place, what);
    // One write, so that lines of two threads do not mix. Standard error that is gone cannot be told to anybody.
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
  } catch (...) {  // no memory for the line: it was counted
  }
}

}  // namespace

bool note_bug(const char* place, const char* what) noexcept {
  Place& entry = find_or_add(place);
  entry.count.fetch_add(1, std::memory_order_relaxed);
  const auto since_start = std::chrono::steady_clock::now().time_since_epoch();
  const std::int64_t second = std::chrono::duration_cast<std::chrono::seconds>(since_start).count() + 1;
  std::int64_t logged = entry.logged.load(std::memory_order_relaxed);
  if (second > logged && entry.logged.compare_exchange_strong(logged, second, std::memory_order_relaxed))
    log_line(place, what);
  return true;
}

void visit_bugs(void (*visit)(void* context, std::string_view place, std::uint64_t count), void* context) {
  for (const Place& entry : places) {
    const char* name = entry.name.load(std::memory_order_acquire);
    if (name == nullptr) continue;
    // A place is entered a moment before it is first counted.
    if (const auto count = entry.count.load(std::memory_order_relaxed); count != 0) visit(context, name, count);
  }
}

}  // namespace shellac
