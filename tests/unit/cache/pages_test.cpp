#include "shellac/cache/pages.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "cache/page_bits.hpp"
#include "cache/poison.hpp"

namespace shellac::cache::test {
namespace {

struct Block {
  void* memory;
  std::size_t size;
  unsigned char mark;
};

// Blocks that are out, each filled with a mark of its own; the model that Pages is held against.
class Blocks {
 public:
  explicit Blocks(Pages& pages) : pages_(pages) {}
  ~Blocks() {
    while (!all_.empty()) release(all_.size() - 1);
  }

  bool try_allocate(std::size_t size) {
    void* const memory = pages_.try_allocate(size);
    if (memory == nullptr) return false;
    const auto mark = static_cast<unsigned char>(next_mark_++);
    std::memset(memory, mark, size);
    all_.push_back({memory, size, mark});
    taken_ += Pages::rounded(size);
    return true;
  }
  // A block that another overlapped has lost its mark.
  void release(std::size_t index) {
    const Block block = all_[index];
    all_[index] = all_.back();
    all_.pop_back();
    const auto* const octets = static_cast<const unsigned char*>(block.memory);
    for (std::size_t at = 0; at < block.size; at += 61) ASSERT_EQ(octets[at], block.mark) << "of " << block.size;
    ASSERT_EQ(octets[block.size - 1], block.mark) << "of " << block.size;
    pages_.release(block.memory, block.size);
    taken_ -= Pages::rounded(block.size);
  }
  bool try_shrink(std::size_t index, std::size_t to) {
    Block& block = all_[index];
    if (to > block.size || !pages_.try_shrink(block.memory, block.size, to)) return false;
    taken_ -= Pages::rounded(block.size) - Pages::rounded(to);
    block.size = to;
    return true;
  }
  // Allocates until the cap refuses.
  std::size_t fill(std::size_t size) {
    std::size_t count = 0;
    while (try_allocate(size)) ++count;
    return count;
  }
  std::size_t size() const { return all_.size(); }
  std::size_t taken() const { return taken_; }
  const Block& operator[](std::size_t index) const { return all_[index]; }

 private:
  Pages& pages_;
  std::vector<Block> all_;
  std::size_t taken_ = 0;
  unsigned next_mark_ = 1;
};

struct Seeded : testing::TestWithParam<unsigned> {
  std::mt19937_64 random{GetParam()};
  std::size_t below(std::size_t bound) { return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random); }
  // Log-uniform from 1 to kBlockMax: as many small ones as large ones.
  std::size_t any_size() { return std::min(Pages::kBlockMax, (std::size_t{1} << below(17)) + below(4096) % 997); }
};
INSTANTIATE_TEST_SUITE_P(Seeds, Seeded, testing::Range(1u, 7u));

TEST(Pages, RoundingLosesAtMostAnEighth) {
  std::size_t before = 0;
  for (std::size_t size = 1; size <= Pages::kBlockMax; ++size) {
    const std::size_t rounded = Pages::rounded(size);
    ASSERT_GE(rounded, size);
    ASSERT_GE(rounded, before) << size;
    ASSERT_EQ(Pages::rounded(rounded), rounded) << size;
    before = rounded;
    if (size <= 128)
      ASSERT_LT(rounded - size, 16u) << size;
    else if (size <= 16384)
      ASSERT_LE((rounded - size) * 8, rounded) << size;
    else
      ASSERT_LT(rounded - size, Pages::kPage) << size;
  }
}

TEST(Pages, RefusesWhatItCannotServe) {
  Pages pages(1_MiB);
  EXPECT_EQ(pages.try_allocate(0), nullptr);
  EXPECT_EQ(pages.try_allocate(Pages::kBlockMax + 1), nullptr);
  Pages none(Bytes{0});
  EXPECT_EQ(none.try_allocate(1), nullptr);
  Pages one_page(Bytes{4096});
  EXPECT_EQ(one_page.try_allocate(1), nullptr);
  EXPECT_EQ(one_page.available().count, 0u);
}

TEST(Pages, BlocksAreAligned) {
  Pages pages(4_MiB);
  for (const std::size_t size : {1, 17, 200, 1000, 3000, 5000, 14000, 14337, 65536}) {
    void* const block = pages.try_allocate(size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % 16, 0u) << size;
    pages.release(block, size);
  }
}

// Every size of every cap: nothing beyond the cap, nearly all of it usable, all of it back afterwards.
TEST(Pages, TheCapIsReachedAndNeverPassed) {
  for (const std::size_t mebibytes : {1, 2, 5}) {
    for (const std::size_t size : {16, 48, 300, 1024, 1400, 3000, 4096, 9000, 14336, 20000, 65536}) {
      Pages pages(Bytes{mebibytes << 20});
      Blocks blocks(pages);
      const std::size_t count = blocks.fill(size);
      EXPECT_LE(pages.used(), pages.cap()) << size;
      EXPECT_LE(pages.resident(), pages.cap()) << size;
      EXPECT_GE(count * Pages::rounded(size), pages.cap().count * 93 / 100) << size;
      while (blocks.size() != 0) blocks.release(0);
      EXPECT_EQ(pages.used().count, 0u) << size;
      EXPECT_EQ(blocks.fill(size), count) << size;
    }
  }
}

TEST(Pages, WhatIsAvailableCanBeTaken) {
  Pages pages(3_MiB);
  Blocks blocks(pages);
  EXPECT_EQ(pages.available().count, (3 * 256 - 3) * 4096u);
  for (int left = 3 * 256 - 3; left > 0; --left) {
    ASSERT_EQ(pages.available().count, static_cast<unsigned>(left) * 4096u);
    ASSERT_TRUE(blocks.try_allocate(4096));
  }
  EXPECT_EQ(pages.available().count, 0u);
  EXPECT_EQ(pages.used(), pages.cap());
}

// Any history leaves no trace: while it runs nothing overlaps and the figures hold; at its end everything is free.
TEST_P(Seeded, AnyHistoryKeepsThePromises) {
  Pages pages(6_MiB);
  Blocks blocks(pages);
  for (int step = 0; step < 30'000; ++step) {
    const std::size_t what = below(16);
    if (what < 8 || blocks.size() == 0) {
      if (!blocks.try_allocate(any_size()) && blocks.size() != 0) blocks.release(below(blocks.size()));
    } else if (what < 15) {
      blocks.release(below(blocks.size()));
    } else {
      const std::size_t index = below(blocks.size());
      blocks.try_shrink(index, 1 + below(blocks[index].size));
    }
    ASSERT_GE(pages.used().count, blocks.taken()) << "step " << step;
    ASSERT_LE(pages.used(), pages.resident()) << "step " << step;
    ASSERT_LE(pages.resident(), pages.cap()) << "step " << step;
    ASSERT_LE(pages.used().count + pages.available().count, pages.cap().count) << "step " << step;
  }
  while (blocks.size() != 0) blocks.release(below(blocks.size()));
  EXPECT_EQ(pages.used().count, 0u);
  EXPECT_GE(blocks.fill(Pages::kBlockMax), 6u * 15);
}

// No calcification: at the full cap, half of one size is freed at random and the other size gets what that was worth.
TEST_P(Seeded, AnotherSizeGetsWhatOneGaveUp) {
  Pages pages(8_MiB);
  Blocks blocks(pages);
  blocks.fill(1024);
  for (const std::size_t size :
       {std::size_t{64 * 1024}, std::size_t{3 * 1024}, std::size_t{1024}, std::size_t{64 * 1024}}) {
    const std::size_t before = blocks.size();
    const std::size_t freed_goal = pages.cap().count * 3 / 4;
    std::size_t freed = 0;
    while (freed < freed_goal && blocks.size() != 0) {
      const std::size_t index = below(blocks.size());
      freed += blocks[index].size;
      blocks.release(index);
    }
    const std::size_t count = blocks.fill(size);
    EXPECT_GE(count * size, freed / 4) << "of " << before << " blocks, now " << size;
    EXPECT_LE(pages.resident(), pages.cap());
  }
}

// Page-sized holes all over: large blocks are had for them all the same, and resident memory stays inside the cap.
TEST(Pages, ScatteredPagesMakeLargeBlocks) {
  Pages pages(4_MiB);
  std::vector<void*> singles;
  while (void* const block = pages.try_allocate(4096)) singles.push_back(block);
  for (std::size_t index = 0; index < singles.size(); index += 2)
    pages.release(std::exchange(singles[index], nullptr), 4096);
  Blocks blocks(pages);
  EXPECT_GE(blocks.fill(Pages::kBlockMax), 30u);
  EXPECT_LE(pages.used(), pages.cap());
  EXPECT_LE(pages.resident(), pages.cap());
  for (void* const block : singles)
    if (block != nullptr) pages.release(block, 4096);
}

#if !defined(SHELLAC_POISONS) && !defined(__SANITIZE_THREAD__)  // their shadows are resident as well
std::uint64_t resident_of_process() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t total = 0, resident = 0;
  statm >> total >> resident;
  return resident * 4096;
}

// Large after small and small after large, at the full cap: the system's count, not ours.
TEST(Pages, TheSystemSeesNoMoreThanTheCap) {
  constexpr std::uint64_t kSlack = 4 << 20;  // the vectors of this test
  const std::uint64_t before = resident_of_process();
  Pages pages(48_MiB);
  Blocks blocks(pages);
  std::mt19937 random(1);
  for (const std::size_t size : {3000, 65'536, 4096, 20'000, 65'536, 1024, 65'536}) {
    const std::size_t half = blocks.size() / 2;
    while (blocks.size() > half) blocks.release(random() % blocks.size());
    blocks.fill(size);
    EXPECT_LE(resident_of_process(), before + pages.cap().count + kSlack) << size;
  }
  pages.set_cap(8_MiB);
  while (pages.used() > 8_MiB) blocks.release(random() % blocks.size());
  EXPECT_LE(resident_of_process(), before + pages.cap().count + kSlack);
}
#endif

TEST(Pages, ALowerCapIsReachedAsBlocksGo) {
  Pages pages(8_MiB);
  Blocks blocks(pages);
  blocks.fill(3000);
  pages.set_cap(3_MiB);
  EXPECT_EQ(pages.cap(), 3_MiB);
  EXPECT_EQ(pages.available().count, 0u);
  std::mt19937 random(1);
  while (pages.used() > 3_MiB) {
    ASSERT_FALSE(blocks.try_allocate(3000));
    blocks.release(random() % blocks.size());
    ASSERT_LE(pages.resident().count, std::max(pages.used().count, pages.cap().count));
  }
  while (blocks.size() != 0) blocks.release(0);
  blocks.fill(Pages::kBlockMax);
  EXPECT_LE(pages.resident(), 3_MiB);
}

TEST(Pages, AHigherCapIsThereAtOnce) {
  Pages pages(1_MiB);
  Blocks blocks(pages);
  EXPECT_EQ(blocks.fill(Pages::kBlockMax), 15u);
  for (const std::size_t mebibytes : {4, 40, 130}) {
    pages.set_cap(Bytes{mebibytes << 20});
    blocks.fill(Pages::kBlockMax);
    EXPECT_GE(blocks.size(), mebibytes * 15);
  }
  pages.set_cap(1_MiB);
  while (blocks.size() != 0) blocks.release(0);
  EXPECT_LE(pages.resident(), 1_MiB);
}

#ifdef SHELLAC_POISONS
TEST(Pages, WhatIsFreeIsPoisoned) {
  Pages pages(1_MiB);
  for (const std::size_t size : {20, 1000, 5000, 40'000}) {
    auto* const block = static_cast<char*>(pages.try_allocate(size));
    EXPECT_EQ(__asan_region_is_poisoned(block, size), nullptr) << size;
    pages.release(block, size);
    for (const std::size_t at : {std::size_t{0}, size - 1}) EXPECT_TRUE(__asan_address_is_poisoned(block + at)) << size;
  }
}
#endif

TEST(Pages, ManyThreadsShareThem) {
  Pages pages(16_MiB);
  std::vector<std::thread> threads;
  for (unsigned seed = 1; seed <= 4; ++seed)
    threads.emplace_back([&pages, seed] {
      std::mt19937 random(seed);
      Blocks blocks(pages);
      for (int step = 0; step < 20'000; ++step)
        if (random() % 2 == 0 || blocks.size() == 0) {
          const std::size_t size = 1 + random() % (random() % 4 == 0 ? Pages::kBlockMax : 3000);
          if (!blocks.try_allocate(size) && blocks.size() != 0) blocks.release(random() % blocks.size());
        } else {
          blocks.release(random() % blocks.size());
        }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(pages.used().count, 0u);
}

TEST_P(Seeded, PageBitsAgreeWithAnArray) {
  PageBits bits;
  std::array<bool, PageBits::kPages> model{};
  for (int step = 0; step < 3000; ++step) {
    const std::size_t first = below(PageBits::kPages);
    const std::size_t count = 1 + below(std::min<std::size_t>(PageBits::kPages - first, step % 2 == 0 ? 256 : 20));
    const bool on = below(2) == 0;
    on ? bits.set(first, count) : bits.reset(first, count);
    std::fill_n(model.begin() + static_cast<std::ptrdiff_t>(first), count, on);
    const std::size_t wanted = 1 + below(20);
    std::size_t run = 0, longest = 0, found = PageBits::kPages;
    for (std::size_t page = 0; page < model.size(); ++page) {
      run = model[page] ? run + 1 : 0;
      longest = std::max(longest, run);
      if (run == wanted && found == PageBits::kPages) found = page + 1 - wanted;
    }
    ASSERT_EQ(bits.find_run(wanted), found);
    ASSERT_EQ(bits.longest_run(16), std::min<std::size_t>(16, longest));
    ASSERT_EQ(bits.count(), static_cast<std::size_t>(std::count(model.begin(), model.end(), true)));
    PageBits all;
    bits.each_run([&](std::size_t at, std::size_t pages) { all.set(at, pages); });
    ASSERT_EQ(all.without(bits).count() + bits.without(all).count(), 0u);
    ASSERT_EQ(bits.count_in(first, count), on ? count : 0);
  }
}

}  // namespace
}  // namespace shellac::cache::test
