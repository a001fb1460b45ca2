// Coroutine frames from per-thread free lists.
#include <array>
#include <cstdlib>
#include <new>
#include <vector>

#include "shellac/net/task.hpp"

namespace shellac::net {
namespace {

constexpr std::size_t kStep = 128;
constexpr std::size_t kClasses = 64;        // frames up to 8 KiB
constexpr std::size_t kWarmPerClass = 128;  // kept for the next request; the rest goes back to the system

// The one piece of thread-local state: an allocator's cache. A frame never leaves its thread.
struct FrameCache {
  std::array<std::vector<void*>, kClasses> free;
  ~FrameCache() { trim(); }
  void trim() noexcept {
    for (auto& list : free) {
      for (void* frame : list) ::operator delete(frame);
      list.clear();
    }
  }
};
thread_local FrameCache cache;

constexpr std::size_t class_of(std::size_t bytes) { return (bytes + kStep - 1) / kStep - 1; }

}  // namespace

void* allocate_frame(std::size_t bytes) {
  const std::size_t index = class_of(bytes);
  if (index >= kClasses) return ::operator new(bytes);
  auto& list = cache.free[index];
  if (list.empty()) return ::operator new((index + 1) * kStep);
  void* frame = list.back();
  list.pop_back();
  return frame;
}

void free_frame(void* frame, std::size_t bytes) noexcept {
  const std::size_t index = class_of(bytes);
  if (index >= kClasses || cache.free[index].size() >= kWarmPerClass) {
    ::operator delete(frame);
    return;
  }
  auto& list = cache.free[index];
  if (list.capacity() == 0) list.reserve(kWarmPerClass);
  list.push_back(frame);
}

void trim_frames() noexcept { cache.trim(); }

}  // namespace shellac::net
