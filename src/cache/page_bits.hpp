// Which of a chunk's 256 pages have a property.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace shellac::cache {

// Value.
class PageBits {
 public:
  static constexpr std::size_t kPages = 256;

  bool test(std::size_t page) const { return ((words_[page / 64] >> (page % 64)) & 1) != 0; }
  bool any() const { return (words_[0] | words_[1] | words_[2] | words_[3]) != 0; }
  std::size_t count() const {
    std::size_t sum = 0;
    for (const std::uint64_t word : words_) sum += static_cast<std::size_t>(std::popcount(word));
    return sum;
  }

  void set(std::size_t first, std::size_t count) {
    each_word(first, count, [&](std::size_t word, std::uint64_t mask) { words_[word] |= mask; });
  }
  void reset(std::size_t first, std::size_t count) {
    each_word(first, count, [&](std::size_t word, std::uint64_t mask) { words_[word] &= ~mask; });
  }
  std::size_t count_in(std::size_t first, std::size_t count) const {
    std::size_t sum = 0;
    each_word(first, count, [&](std::size_t word, std::uint64_t mask) {
      sum += static_cast<std::size_t>(std::popcount(words_[word] & mask));
    });
    return sum;
  }

  // The first of at least `count` (1 to 64) neighbours; kPages when there are none.
  std::size_t find_run(std::size_t count) const {
    PageBits left = *this;  // a bit stays when `covered` neighbours from it on are set
    for (std::size_t covered = 1; covered < count;) {
      const std::size_t step = std::min(covered, count - covered);
      left.keep_if_neighbour(step);
      covered += step;
    }
    return left.lowest();
  }
  // The most neighbours that are set, at most `limit`.
  std::size_t longest_run(std::size_t limit) const {
    PageBits left = *this;
    std::size_t length = 0;
    for (; length < limit && left.any(); ++length) left.keep_if_neighbour(1);
    return length;
  }

  PageBits without(const PageBits& other) const {
    PageBits left = *this;
    for (std::size_t word = 0; word < words_.size(); ++word) left.words_[word] &= ~other.words_[word];
    return left;
  }

  // Calls visit(first, count) for each run.
  template <class Visit>
  void each_run(Visit visit) const {
    PageBits left = *this;
    for (std::size_t first = left.lowest(); first < kPages; first = left.lowest()) {
      std::size_t end = first;
      while (end < kPages && left.test(end)) ++end;
      left.reset(first, end - first);
      visit(first, end - first);
    }
  }

 private:
  std::size_t lowest() const {
    for (std::size_t word = 0; word < words_.size(); ++word)
      if (words_[word] != 0) return word * 64 + static_cast<std::size_t>(std::countr_zero(words_[word]));
    return kPages;
  }
  // Keeps a bit when the one `step` (1 to 63) above it is set as well.
  void keep_if_neighbour(std::size_t step) {
    for (std::size_t word = 0; word < words_.size(); ++word) {
      const std::uint64_t above = word + 1 < words_.size() ? words_[word + 1] : 0;
      words_[word] &= (words_[word] >> step) | (above << (64 - step));
    }
  }
  template <class Visit>
  static void each_word(std::size_t first, std::size_t count, Visit visit) {
    while (count != 0) {
      const std::size_t bit = first % 64;
      const std::size_t here = std::min(count, 64 - bit);
      const std::uint64_t ones = here == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << here) - 1;
      visit(first / 64, ones << bit);
      first += here;
      count -= here;
    }
  }

  std::array<std::uint64_t, 4> words_{};
};

}  // namespace shellac::cache
