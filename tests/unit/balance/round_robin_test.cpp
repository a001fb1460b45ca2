#include "shellac/balance/round_robin.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace shellac::balance {
namespace {

// Servers a, b, c, … of one pool, and picks told as their letters: "." when nobody was picked.
class RoundRobinTest : public ::testing::Test {
 protected:
  void make(std::size_t count) {
    servers_.clear();
    for (std::size_t i = 0; i < count; ++i)
      servers_.push_back(std::make_shared<Server>(Server::Identity{"web", std::string(1, letter(i)), ""}, WallTime{}));
  }
  void set(char server, ServerState state) { servers_[static_cast<std::size_t>(server - 'a')]->set_state(state, {}); }
  static Tried tried(std::string_view letters) {
    Tried bits = 0;
    for (const char each : letters) bits |= Tried{1} << (each - 'a');
    return bits;
  }
  static char letter(std::size_t index) { return static_cast<char>('a' + static_cast<int>(index)); }
  char pick(std::string_view tried_before = "") {
    last_ = picker_.pick(servers_, tried(tried_before));
    if (!last_.server) return '.';
    EXPECT_EQ(last_.server, servers_[last_.index]);
    return letter(last_.index);
  }
  std::string picks(int count) {
    std::string all;
    for (int i = 0; i < count; ++i) all += pick();
    return all;
  }

  std::vector<std::shared_ptr<Server>> servers_;
  RoundRobin picker_{0};
  Pick last_;
};

TEST_F(RoundRobinTest, InTurn) {
  make(3);
  EXPECT_EQ(picks(7), "abcabca");
}

TEST_F(RoundRobinTest, TheBeginIsGiven) {
  make(3);
  for (const auto& [start, expected] :
       std::map<std::uint32_t, std::string>{{1, "bca"}, {2, "cab"}, {3, "abc"}, {4'294'967'295u, "abc"}}) {
    picker_ = RoundRobin(start);
    EXPECT_EQ(picks(3), expected) << start;
  }
}

TEST_F(RoundRobinTest, EachGetsTheSameShare) {
  make(7);
  std::map<char, int> counts;
  for (int i = 0; i < 700; ++i) ++counts[pick()];
  ASSERT_EQ(counts.size(), 7u);
  for (const auto& [server, count] : counts) EXPECT_EQ(count, 100) << server;
}

TEST_F(RoundRobinTest, WhoDrainsOrIsDownIsLeftOut) {
  make(4);
  set('b', ServerState::drain);
  set('c', ServerState::down);
  EXPECT_EQ(picks(4), "adad");
  set('c', ServerState::ready);
  EXPECT_EQ(picks(4), "acda");
}

TEST_F(RoundRobinTest, WhoWasTriedIsLeftOut) {
  make(3);
  EXPECT_EQ(pick("a"), 'b');
  EXPECT_EQ(pick("ab"), 'c');
  EXPECT_EQ(pick("abc"), '.');
  EXPECT_EQ(last_.reason, NoPick::all_tried);
}

TEST_F(RoundRobinTest, NobodyIsReady) {
  make(2);
  set('a', ServerState::drain);
  set('b', ServerState::down);
  EXPECT_EQ(pick(), '.');
  EXPECT_EQ(last_.reason, NoPick::all_down);
  EXPECT_EQ(pick("ab"), '.');
  EXPECT_EQ(last_.reason, NoPick::all_down) << "tried before they went down";
  make(0);
  EXPECT_EQ(pick(), '.');
  EXPECT_EQ(last_.reason, NoPick::all_down);
}

TEST_F(RoundRobinTest, AllThatAreReadyWereTried) {
  make(3);
  set('b', ServerState::down);
  EXPECT_EQ(pick("ac"), '.');
  EXPECT_EQ(last_.reason, NoPick::all_tried);
}

// A failed pick must not move the turn, or servers behind it would get more than their share.
TEST_F(RoundRobinTest, AFailedPickTakesNoTurn) {
  make(2);
  EXPECT_EQ(pick(), 'a');
  EXPECT_EQ(pick("ab"), '.');
  EXPECT_EQ(pick(), 'b');
}

TEST_F(RoundRobinTest, BeyondTheSixtyFourthNobodyCountsAsTried) {
  make(66);
  picker_ = RoundRobin(64);
  EXPECT_EQ(picker_.pick(servers_, ~Tried{0}).index, 64u);
  EXPECT_EQ(picker_.pick(servers_, ~Tried{0}).index, 65u);
  EXPECT_EQ(picker_.pick(servers_, ~Tried{0}).index, 64u);
}

TEST_F(RoundRobinTest, APoolThatHasBecomeSmaller) {
  make(5);
  EXPECT_EQ(picks(4), "abcd");
  make(2);
  EXPECT_EQ(picks(3), "aba");
}

TEST(NoPick, Words) {
  EXPECT_EQ(to_string(NoPick::all_down), "all_down");
  EXPECT_EQ(to_string(NoPick::all_tried), "all_tried");
}

}  // namespace
}  // namespace shellac::balance
