#include "shellac/core/buffer.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>

namespace shellac {
namespace {

TEST(Buffer, IsTheSmallestClassThatHolds) {
  BufferBudget budget(1_MiB);
  BufferPool pool(budget);
  EXPECT_EQ(pool.try_take(0).size(), 4096u);
  EXPECT_EQ(pool.try_take(4096).size(), 4096u);
  EXPECT_EQ(pool.try_take(4097).size(), 16384u);
  EXPECT_EQ(pool.try_take(65536).size(), 65536u);
  EXPECT_EQ(pool.try_take(65537).size(), 262144u);
}

TEST(Buffer, LargerThanEveryClassIsRefused) {
  BufferBudget budget(1_MiB);
  BufferPool pool(budget);
  testing::internal::CaptureStderr();
  EXPECT_FALSE(pool.try_take(256 * 1024 + 1));
  testing::internal::GetCapturedStderr();
  EXPECT_EQ(budget.used(), 0_B);
}

TEST(Buffer, IsChargedWhileHeld) {
  BufferBudget budget(1_MiB);
  BufferPool pool(budget);
  Buffer held = pool.try_take(10'000);
  EXPECT_EQ(budget.used(), 16_KiB);
  held.reset();
  EXPECT_FALSE(held);
  EXPECT_EQ(budget.used(), 0_B);
  held.reset();
  EXPECT_EQ(budget.used(), 0_B);
}

TEST(Buffer, SpentBudgetRefusesUntilSomethingComesBack) {
  BufferBudget budget(64_KiB);
  BufferPool pool(budget);
  Buffer first = pool.try_take(65536);
  ASSERT_TRUE(first);
  const Buffer refused = pool.try_take(1);
  EXPECT_FALSE(refused);
  EXPECT_EQ(refused.size(), 0u);
  first.reset();
  EXPECT_TRUE(pool.try_take(1));
}

TEST(Buffer, BudgetMayShrinkBelowItsUse) {
  BufferBudget budget(64_KiB);
  BufferPool pool(budget);
  Buffer first = pool.try_take(65536);
  budget.set_max(16_KiB);
  EXPECT_FALSE(pool.try_take(1));
  first.reset();
  EXPECT_TRUE(pool.try_take(16384));
}

TEST(Buffer, MovesItsBytesAndItsCharge) {
  BufferBudget budget(1_MiB);
  BufferPool pool(budget);
  Buffer a = pool.try_take(4096), b = pool.try_take(16384);
  std::memcpy(a.data(), "bytes", 5);
  char* const bytes = a.data();
  b = std::move(a);
  EXPECT_EQ(b.data(), bytes);
  EXPECT_EQ(std::string_view(b.data(), 5), "bytes");
  EXPECT_EQ(budget.used(), 4_KiB);
  const Buffer c = std::move(b);
  EXPECT_EQ(c.data(), bytes);
  EXPECT_EQ(budget.used(), 4_KiB);
}

TEST(Buffer, GivenBackIsTakenAgain) {
  BufferBudget budget(1_MiB);
  BufferPool pool(budget);
  char* const bytes = pool.try_take(4096).data();
  EXPECT_EQ(pool.try_take(4096).data(), bytes);
}

TEST(Buffer, MoreThanIsKeptWarmMayComeBack) {
  BufferBudget budget(64_MiB);
  BufferPool pool(budget);
  std::vector<Buffer> many;
  for (int i = 0; i < 40; ++i) {
    many.push_back(pool.try_take(262144));
    ASSERT_TRUE(many.back());
    many.back().data()[262143] = 'x';
  }
  EXPECT_EQ(budget.used(), 10_MiB);
  many.clear();
  EXPECT_EQ(budget.used(), 0_B);
}

TEST(Buffer, ThreadsTogetherNeverExceedTheBudget) {
  BufferBudget budget(10_B);
  std::atomic<int> holders{0};
  std::atomic<bool> exceeded{false};
  const auto contend = [&] {
    for (int i = 0; i < 20'000; ++i) {
      if (!budget.try_charge(5)) continue;
      if (holders.fetch_add(1) >= 2) exceeded = true;
      holders.fetch_sub(1);
      budget.release(5);
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back(contend);
  }
  EXPECT_FALSE(exceeded);
  EXPECT_EQ(budget.used(), 0_B);
}

}  // namespace
}  // namespace shellac
