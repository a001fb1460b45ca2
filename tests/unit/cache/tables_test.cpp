// The store's small tables.
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "cache/chain_table.hpp"
#include "cache/ghost_table.hpp"
#include "cache/mark_table.hpp"

namespace shellac::cache {
namespace {

using std::chrono::seconds;

struct Node {
  Node* next = nullptr;
  std::uint64_t hash = 0;
};

// Spread as a hash is.
std::uint64_t hash_of(std::uint64_t i) { return (i + 1) * 0x9e3779b97f4a7c15; }

const auto kAny = [](const Node&) { return true; };

TEST(ChainTable, FindsWhatItHasThroughAllSizes) {
  Memory memory(16_MiB);
  ChainTable<Node> table(memory);
  EXPECT_EQ(table.find(hash_of(0), kAny), nullptr);
  std::vector<Node> nodes(40'000);  // past the small segments
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    nodes[i].hash = hash_of(i);
    ASSERT_TRUE(table.try_add(nodes[i]));
    ASSERT_EQ(table.find(hash_of(i / 2), kAny), &nodes[i / 2]);
  }
  EXPECT_GE(table.bucket_count(), nodes.size() - 1);
  std::size_t seen = 0;
  for (std::size_t bucket = 0; bucket < table.bucket_count(); ++bucket)
    for (const Node* node = table.first(bucket); node != nullptr; node = node->next) ++seen;
  EXPECT_EQ(seen, nodes.size());
  for (std::size_t i = 0; i < nodes.size(); i += 2) table.remove(nodes[i]);
  for (std::size_t i = 0; i < nodes.size(); ++i)
    ASSERT_EQ(table.find(hash_of(i), kAny), i % 2 == 0 ? nullptr : &nodes[i]) << i;
}

TEST(ChainTable, WithoutMemoryForBucketsTheChainsGrow) {
  Memory memory(1_MiB);
  std::vector<void*> taken;
  ChainTable<Node> table(memory);
  std::vector<Node> nodes(1000);
  nodes[0].hash = hash_of(0);
  ASSERT_TRUE(table.try_add(nodes[0]));
  for (const std::size_t size : {Pages::kBlockMax, Pages::kPage, std::size_t{512}})
    while (void* const block = memory.pages.try_allocate(size)) taken.push_back(block);
  for (std::size_t i = 1; i < nodes.size(); ++i) {
    nodes[i].hash = hash_of(i);
    ASSERT_TRUE(table.try_add(nodes[i]));
  }
  EXPECT_EQ(table.bucket_count(), 64u);
  for (std::size_t i = 0; i < nodes.size(); ++i) ASSERT_EQ(table.find(hash_of(i), kAny), &nodes[i]);
  ChainTable<Node> another(memory);
  Node node;
  EXPECT_FALSE(another.try_add(node));
}

TEST(ChainTable, GivesItsMemoryBack) {
  Memory memory(16_MiB);
  {
    ChainTable<Node> table(memory);
    std::vector<Node> nodes(20'000);
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      nodes[i].hash = hash_of(i);
      table.try_add(nodes[i]);
    }
    EXPECT_GT(Ledger::get(memory.ledger.index), 100'000u);
  }
  EXPECT_EQ(Ledger::get(memory.ledger.index), 0u);
  EXPECT_EQ(memory.pages.used().count, 0u);
}

TEST(GhostTable, RemembersSoManyAndForgetsWhatItGave) {
  Memory memory(16_MiB);
  GhostTable ghosts(memory);
  ghosts.note(hash_of(1));
  EXPECT_FALSE(ghosts.take(hash_of(1)));  // no reach yet
  ghosts.set_reach(1000);
  for (std::uint64_t i = 0; i < 2000; ++i) ghosts.note(hash_of(i));
  EXPECT_FALSE(ghosts.take(hash_of(0)));
  EXPECT_FALSE(ghosts.take(hash_of(999)));
  EXPECT_TRUE(ghosts.take(hash_of(1999)));
  EXPECT_FALSE(ghosts.take(hash_of(1999)));
  int remembered = 0;
  for (std::uint64_t i = 1000; i < 1999; ++i) remembered += ghosts.take(hash_of(i)) ? 1 : 0;
  EXPECT_GT(remembered, 800);  // full sets give some up
}

TEST(GhostTable, GrowsWithItsReach) {
  Memory memory(16_MiB);
  {
    GhostTable ghosts(memory);
    for (const std::size_t reach : {10, 1000, 30'000, 100'000}) {
      ghosts.set_reach(reach);
      ghosts.note(hash_of(7));
      EXPECT_TRUE(ghosts.take(hash_of(7)));
      EXPECT_LE(Ledger::get(memory.ledger.ghost), std::max<std::size_t>(reach * 16, 4096));
    }
  }
  EXPECT_EQ(Ledger::get(memory.ledger.ghost), 0u);
  EXPECT_EQ(memory.pages.used().count, 0u);
}

TEST(MarkTable, HoldsUntilTheTimeAndNoLonger) {
  Memory memory(1_MiB);
  MarkTable marks(memory, 64);
  const Time now{seconds(1000)};
  EXPECT_FALSE(marks.has(hash_of(1), now));
  EXPECT_EQ(memory.pages.used().count, 0u);
  marks.set(hash_of(1), now + seconds(10));
  EXPECT_TRUE(marks.has(hash_of(1), now + seconds(9)));
  EXPECT_FALSE(marks.has(hash_of(1), now + seconds(10)));
  marks.set(hash_of(1), now + seconds(20));
  EXPECT_TRUE(marks.has(hash_of(1), now + seconds(19)));
  marks.drop(hash_of(1));
  EXPECT_FALSE(marks.has(hash_of(1), now));
}

TEST(MarkTable, AFullSetGivesUpWhatEndsFirst) {
  Memory memory(1_MiB);
  MarkTable marks(memory, 4);
  const Time now{seconds(1000)};
  for (std::uint64_t i = 0; i < 5; ++i) marks.set(hash_of(i), now + seconds(100 - static_cast<int>(i)));
  EXPECT_FALSE(marks.has(hash_of(3), now));
  for (const std::uint64_t i : {0U, 1U, 2U, 4U}) EXPECT_TRUE(marks.has(hash_of(i), now)) << i;
}

TEST(UseCounts, CountsAndFades) {
  Memory memory(1_MiB);
  UseCounts uses(memory, 4);
  for (int i = 0; i < 300; ++i) uses.count(hash_of(1));
  EXPECT_EQ(uses.get(hash_of(1)), 255u);
  EXPECT_EQ(uses.get(hash_of(2)), 0u);
  for (std::uint64_t i = 2; i < 5; ++i) uses.count(hash_of(i));
  uses.count(hash_of(9));  // takes the place of one that was asked for once
  EXPECT_EQ(uses.get(hash_of(9)), 1u);
  EXPECT_EQ(uses.get(hash_of(1)), 254u);
}

}  // namespace
}  // namespace shellac::cache
