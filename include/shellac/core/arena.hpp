// Storage for the few strings that one exchange makes up (edited fields, generated ids): freed all at once.
#pragma once

#include <cstddef>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <string_view>
#include <vector>

namespace shellac {

// Bump allocator with room inside itself, so that the common exchange allocates nothing. Resource: neither copies nor
// moves (views into it stay valid until it dies or is cleared). Thread: one.
class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  char* allocate(std::size_t bytes);
  // A copy of `text` that lives as long as the arena.
  std::string_view copy(std::string_view text);
  // The parts joined.
  std::string_view concat(std::initializer_list<std::string_view> parts);
  void clear();

 private:
  static constexpr std::size_t kInline = 1024;
  static constexpr std::size_t kBlock = 4096;
  char inline_[kInline];
  char* next_ = inline_;
  char* end_ = inline_ + kInline;
  std::vector<std::unique_ptr<char[]>> blocks_;
};

}  // namespace shellac
