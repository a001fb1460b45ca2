#include "shellac/balance/waiting_room.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <random>
#include <thread>

#include "group.hpp"

namespace shellac::balance::test {
namespace {

using Entry = WaitingRoom::Entry;

struct Bell final : Waiter {
  std::atomic<int> rings{0};
  void wake() noexcept override {
    ++rings;
    rings.notify_one();
  }
};

// A request that waits.
struct Request {
  Bell bell;
  Ticket ticket;
  explicit Request(Server* wanted = nullptr, const void* place = nullptr) : ticket(bell, wanted, place) {}
};

struct Room : testing::Test {
  Server a{{"web", "a", "192.0.2.1:80"}, kWall}, b{{"web", "b", "192.0.2.2:80"}, kWall};
  std::vector<Server*> servers{&a, &b};
  WaitingRoom room;
  Room() { room.set_max(2); }

  Entry enter(Request& request, std::uint32_t limit = 10) { return room.enter(request.ticket, servers, limit); }
  void fill() {
    for (Server* server : servers)
      while (room.try_open(*server)) {
      }
  }
};

TEST_F(Room, CountsSocketsUpToTheLimit) {
  EXPECT_TRUE(room.try_open(a));
  EXPECT_TRUE(room.try_open(a));
  EXPECT_FALSE(room.try_open(a));
  EXPECT_TRUE(room.try_open(b));
  room.close(a);
  EXPECT_EQ(a.sockets, 1u);
  EXPECT_TRUE(room.try_open(a));
}

TEST_F(Room, WithoutALimitEverythingOpens) {
  room.set_max(0);
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(room.try_open(a));
  for (int i = 0; i < 1000; ++i) room.close(a);
  EXPECT_EQ(a.sockets, 0u);
}

TEST_F(Room, ThePermitGoesToWhoWaitedLongest) {
  fill();
  Request first, second;
  EXPECT_EQ(enter(first), Entry::waiting);
  EXPECT_EQ(enter(second), Entry::waiting);
  EXPECT_EQ(room.waiting_for_any(), 2u);
  room.close(b);
  EXPECT_EQ(first.bell.rings, 1);
  EXPECT_EQ(second.bell.rings, 0);
  EXPECT_EQ(room.granted(first.ticket), &b);
  EXPECT_EQ(b.sockets, 2u);  // the permit went from hand to hand
  room.leave(first.ticket, true);
  room.leave(second.ticket, false);
  EXPECT_EQ(b.sockets, 2u);
}

TEST_F(Room, VisitorsWaitForTheirServer) {
  fill();
  Request visitor(&a), anybody;
  EXPECT_EQ(enter(visitor), Entry::waiting);
  EXPECT_EQ(enter(anybody), Entry::waiting);
  EXPECT_EQ(room.waiting_for(a), 1u);
  room.close(b);  // not the visitor's
  EXPECT_EQ(room.granted(visitor.ticket), nullptr);
  EXPECT_EQ(room.granted(anybody.ticket), &b);
  room.leave(anybody.ticket, true);
  room.close(a);
  EXPECT_EQ(room.granted(visitor.ticket), &a);
  room.leave(visitor.ticket, true);
}

TEST_F(Room, NobodyOvertakesTheQueue) {
  fill();
  Request waiting;
  EXPECT_EQ(enter(waiting), Entry::waiting);
  room.set_max(3);
  EXPECT_FALSE(room.try_open(a));
  EXPECT_GE(waiting.bell.rings, 1);
  EXPECT_EQ(room.granted(waiting.ticket), &a);
  room.leave(waiting.ticket, false);
  EXPECT_TRUE(room.try_open(a));
}

TEST_F(Room, WhoLeavesIsForgotten) {
  fill();
  Request gone, next;
  EXPECT_EQ(enter(gone), Entry::waiting);
  EXPECT_EQ(enter(next), Entry::waiting);
  room.leave(gone.ticket, false);
  room.close(a);
  EXPECT_EQ(gone.bell.rings, 0);
  EXPECT_EQ(room.granted(next.ticket), &a);
  // Granted, but its client has left: the permit is free again.
  room.leave(next.ticket, false);
  EXPECT_EQ(a.sockets, 1u);
}

TEST_F(Room, AnUnusedPermitGoesOn) {
  fill();
  Request first, second;
  enter(first);
  enter(second);
  room.close(a);
  room.leave(first.ticket, false);
  EXPECT_EQ(room.granted(second.ticket), &a);
  EXPECT_EQ(a.sockets, 2u);
  room.leave(second.ticket, true);
}

TEST_F(Room, IsFullAtItsLimit) {
  fill();
  std::deque<Request> waiting;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(enter(waiting.emplace_back(), 3), Entry::waiting);
  Request late, visitor(&a);
  EXPECT_EQ(enter(late, 3), Entry::full);
  EXPECT_EQ(enter(visitor, 3), Entry::waiting);  // each server has a queue of its own
  EXPECT_EQ(enter(late, 0), Entry::full);
  for (Request& one : waiting) room.leave(one.ticket, false);
  room.leave(visitor.ticket, false);
}

TEST_F(Room, EnteringFindsWhatHasBecomeFree) {
  fill();
  room.close(b);
  Request request;
  EXPECT_EQ(enter(request), Entry::granted);
  EXPECT_EQ(room.granted(request.ticket), &b);
  room.leave(request.ticket, true);
  EXPECT_EQ(b.sockets, 2u);
}

TEST_F(Room, ServersThatAreOutTakeOnlyTheirVisitors) {
  fill();
  Request anybody, visitor(&a);
  enter(anybody);
  enter(visitor);
  a.set_state(ServerState::drain, kWall);
  room.close(a);
  EXPECT_EQ(room.granted(anybody.ticket), nullptr);
  EXPECT_EQ(room.granted(visitor.ticket), &a);
  room.leave(anybody.ticket, false);
  room.leave(visitor.ticket, true);
}

// One that may get only `a`: a backup, a weightless or an ejected server is not for everybody.
TEST_F(Room, APermitGoesOnlyToWhoMayHaveIt) {
  fill();
  Request picky, visitor(&b);
  Server* const only_a[] = {&a};
  EXPECT_EQ(room.enter(picky.ticket, only_a, 10), Entry::waiting);
  enter(visitor);
  EXPECT_FALSE(room.look_again(picky.ticket, only_a));
  room.close(b);
  EXPECT_EQ(room.granted(picky.ticket), nullptr);
  EXPECT_EQ(room.granted(visitor.ticket), &b);
  room.leave(visitor.ticket, false);
  EXPECT_EQ(b.sockets, 1u);
  EXPECT_FALSE(room.look_again(picky.ticket, only_a));
  EXPECT_TRUE(room.look_again(picky.ticket, servers));  // now it may
  EXPECT_EQ(room.granted(picky.ticket), &b);
  room.leave(picky.ticket, true);
}

TEST_F(Room, ALoweredLimitSwallowsPermits) {
  fill();
  Request waiting;
  enter(waiting);
  room.set_max(1);
  room.close(a);
  EXPECT_EQ(room.granted(waiting.ticket), nullptr);  // swallowed
  EXPECT_EQ(a.sockets, 1u);
  room.close(a);
  EXPECT_EQ(room.granted(waiting.ticket), &a);  // the one that there may be
  room.leave(waiting.ticket, true);
  EXPECT_EQ(a.sockets, 1u);
}

TEST_F(Room, AsksKeepersToCloseIdleConnections) {
  fill();
  Bell keeper;
  room.add_keeper(keeper);
  Request waiting(&a);
  enter(waiting);
  EXPECT_EQ(keeper.rings, 1);
  EXPECT_TRUE(room.is_wanted(a));
  EXPECT_FALSE(room.is_wanted(b));
  room.remove_keeper(keeper);
  room.leave(waiting.ticket, false);
  EXPECT_FALSE(room.is_wanted(a));
}

TEST_F(Room, HandsConnectionsOverWhereTheNextOneWaits) {
  fill();
  const int here = 0, there = 0;
  Request first(nullptr, &there), second(nullptr, &here);
  enter(first);
  enter(second);
  EXPECT_EQ(room.hand_over(a, &here), nullptr);  // the next one waits elsewhere
  EXPECT_EQ(room.hand_over(a, &there), &first.ticket);
  EXPECT_EQ(a.sockets, 2u);
  EXPECT_EQ(room.hand_over(b, &here), &second.ticket);
  room.leave(first.ticket, true);
  room.leave(second.ticket, true);
  EXPECT_EQ(room.hand_over(a, &here), nullptr);
}

// Any mix of visitors and others, over and over: each permit goes to the oldest of those who may have it, and to nobody
// else. The queue is said once more as a plain list.
TEST_F(Room, EveryPermitGoesToTheOldestWhoMayHaveIt) {
  struct Waiting {
    std::unique_ptr<Request> request;
    Server* wanted;
    std::vector<Server*> takers;
    bool may_have(const Server* server) const {
      return wanted != nullptr ? wanted == server : std::ranges::find(takers, server) != takers.end();
    }
  };
  for (unsigned seed = 1; seed <= 20; ++seed) {
    std::mt19937 dice(seed);
    const auto roll = [&](int sides) { return std::uniform_int_distribution<int>(0, sides - 1)(dice); };
    fill();
    std::deque<Waiting> queue;
    int grants = 0;
    for (int step = 0; step < 1000; ++step) {
      Server* const server = servers[static_cast<std::size_t>(roll(2))];
      if (roll(2) == 0 && queue.size() < 50) {
        Waiting one{nullptr, roll(2) == 0 ? server : nullptr, {}};
        if (one.wanted == nullptr) one.takers = roll(3) == 0 ? std::vector<Server*>{server} : servers;
        one.request = std::make_unique<Request>(one.wanted);
        ASSERT_EQ(room.enter(one.request->ticket, one.takers, 100), Entry::waiting) << "seed " << seed;
        queue.push_back(std::move(one));
      } else if (roll(8) == 0 && !queue.empty()) {
        const auto gone = queue.begin() + roll(static_cast<int>(queue.size()));
        room.leave(gone->request->ticket, false);
        queue.erase(gone);
      } else {
        const auto oldest = std::ranges::find_if(queue, [&](const Waiting& one) { return one.may_have(server); });
        room.close(*server);
        for (auto at = queue.begin(); at != queue.end(); ++at)
          ASSERT_EQ(room.granted(at->request->ticket), at == oldest ? server : nullptr) << "seed " << seed;
        if (oldest == queue.end()) {
          ASSERT_TRUE(room.try_open(*server)) << "seed " << seed;
        } else {
          ASSERT_EQ(oldest->request->bell.rings, 1) << "seed " << seed;
          room.leave(oldest->request->ticket, true);
          queue.erase(oldest);
          ++grants;
        }
      }
      ASSERT_EQ(a.sockets, 2u) << "seed " << seed;
      ASSERT_EQ(b.sockets, 2u) << "seed " << seed;
      ASSERT_EQ(room.waiting_for(a) + room.waiting_for(b) + room.waiting_for_any(), queue.size()) << "seed " << seed;
    }
    EXPECT_GT(grants, 200);
    for (const Waiting& one : queue) room.leave(one.request->ticket, false);
    for (Server* const server : servers)
      while (server->sockets > 0) room.close(*server);
  }
}

// "No place" is nobody's: such a ticket wants a fresh connection, and may be another worker's.
TEST_F(Room, HandsNothingOverToNoPlace) {
  fill();
  Request fresh;
  enter(fresh);
  EXPECT_EQ(room.hand_over(a, nullptr), nullptr);
  EXPECT_EQ(room.granted(fresh.ticket), nullptr);
  room.leave(fresh.ticket, false);
}

TEST_F(Room, HandsNothingOverAboveALimitThatWasLowered) {
  fill();
  const int here = 0;
  Request waiting(nullptr, &here);
  enter(waiting);
  room.set_max(1);
  EXPECT_EQ(room.hand_over(a, &here), nullptr);
  EXPECT_TRUE(room.is_wanted(a));
  room.leave(waiting.ticket, false);
  EXPECT_TRUE(room.is_wanted(a)) << "idle ones go, too, though nobody waits";
  room.close(a);
  EXPECT_FALSE(room.is_wanted(a));
}

TEST_F(Room, ALoweredLimitIsToldToKeepers) {
  fill();
  Bell keeper;
  room.add_keeper(keeper);
  room.set_max(1);
  EXPECT_EQ(keeper.rings, 1);
  room.remove_keeper(keeper);
}

// In whatever order they look again, or if they never do: what is free is given at once.
TEST_F(Room, ALimitThatIsRaisedServesAllForWhomThereIsRoom) {
  fill();
  std::deque<Request> waiting;
  for (int i = 0; i < 4; ++i) enter(waiting.emplace_back());
  room.set_max(3);
  EXPECT_EQ(room.granted(waiting[0].ticket), &a);
  EXPECT_EQ(room.granted(waiting[1].ticket), &b);
  EXPECT_EQ(room.granted(waiting[2].ticket), nullptr);
  EXPECT_FALSE(room.look_again(waiting[3].ticket, servers));
  room.set_max(0);
  EXPECT_NE(room.granted(waiting[2].ticket), nullptr);
  EXPECT_NE(room.granted(waiting[3].ticket), nullptr);
  for (Request& one : waiting) room.leave(one.ticket, true);
  EXPECT_EQ(a.sockets + b.sockets, 8u);
}

TEST_F(Room, NobodyGetsAServerThatHeDoesNotTake) {
  fill();
  Request picky;
  Server* const only[] = {&a};
  EXPECT_EQ(room.enter(picky.ticket, only, 10), Entry::waiting);
  room.close(b);  // a backup, say, or one without weight
  EXPECT_EQ(room.granted(picky.ticket), nullptr);
  EXPECT_EQ(b.sockets, 1u);
  EXPECT_TRUE(room.try_open(b)) << "and stands in nobody's way there";
  room.close(b);
  EXPECT_TRUE(room.look_again(picky.ticket, servers)) << "until it takes that one, too";
  EXPECT_EQ(room.granted(picky.ticket), &b);
  room.leave(picky.ticket, true);
}

TEST_F(Room, AServerThatIsReadyAgainServesWhoWaits) {
  a.set_state(ServerState::drain, kWall);
  fill();
  Request waiting;
  enter(waiting);
  room.close(a);
  EXPECT_EQ(room.granted(waiting.ticket), nullptr);
  a.set_state(ServerState::ready, kWall);
  room.wake_all();
  EXPECT_EQ(room.granted(waiting.ticket), &a);
  room.leave(waiting.ticket, true);
}

// Four threads open and close as fast as they can: never more than the limit, and nothing is lost at the end.
TEST_F(Room, HoldsAmongThreads) {
  std::atomic<int> over{0}, served{0};
  const auto work = [&] {
    for (int i = 0; i < 1000; ++i) {
      Request request;
      Server* server = room.try_open(a) ? &a : nullptr;
      if (server == nullptr) {
        if (room.enter(request.ticket, servers, 100) == Entry::full) continue;
        for (int heard = 0; room.granted(request.ticket) == nullptr; heard = request.bell.rings)
          request.bell.rings.wait(heard);
        server = room.granted(request.ticket);
        room.leave(request.ticket, true);
      }
      if (server->sockets > 2) ++over;
      ++served;
      room.close(*server);
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(over, 0);
  EXPECT_EQ(served, 4000);
  EXPECT_EQ(a.sockets, 0u);
  EXPECT_EQ(b.sockets, 0u);
}

}  // namespace
}  // namespace shellac::balance::test
