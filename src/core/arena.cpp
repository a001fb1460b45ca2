#include "shellac/core/arena.hpp"

namespace shellac {

char* Arena::allocate(std::size_t bytes) {
  if (bytes <= static_cast<std::size_t>(end_ - next_)) {
    char* memory = next_;
    next_ += bytes;
    return memory;
  }
  // A large piece gets a block of its own, so that the rest of the present one stays in use.
  if (bytes > kBlock / 4) {
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(bytes));
    return blocks_.back().get();
  }
  blocks_.push_back(std::make_unique_for_overwrite<char[]>(kBlock));
  char* memory = blocks_.back().get();
  next_ = memory + bytes;
  end_ = memory + kBlock;
  return memory;
}

std::string_view Arena::copy(std::string_view text) { return concat({text}); }

std::string_view Arena::concat(std::initializer_list<std::string_view> parts) {
  std::size_t size = 0;
  for (const auto part : parts) size += part.size();
  char* const memory = allocate(size);
  char* out = memory;
  for (const auto part : parts) {
    if (part.empty()) continue;  // memcpy from a null view is undefined even for no bytes
    std::memcpy(out, part.data(), part.size());
    out += part.size();
  }
  return {memory, size};
}

void Arena::clear() {
  blocks_.clear();
  next_ = inline_;
  end_ = inline_ + kInline;
}

}  // namespace shellac
