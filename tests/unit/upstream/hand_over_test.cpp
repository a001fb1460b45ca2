// Connections that go from one request to one that waits, at `connections.max`.
#include "upstream/fixture.hpp"

namespace shellac::upstream {
namespace {

using Entry = balance::WaitingRoom::Entry;

struct Bell final : Waiter {
  int rings = 0;
  void wake() noexcept override { ++rings; }
};

class HandOver : public ConnectorTest {
 protected:
  HandOver() { set_max(1); }
  void set_max(std::uint32_t max) {
    pool_.options().max_connections = max;
    room().set_max(max);
  }
  // Connections to the servers of a pool with `tls` from now on; what was made before is plain.
  void set_tls(const std::string& sni) {
    const tls::ClientOptions options{.verify = false, .sni = sni};
    pool_.options().tls = options;
    pool_.pool().tls = tls::ClientContext::make(options);
  }
  balance::WaitingRoom& room() { return pool_.pool().state->room; }
  balance::Server* server() { return pool_.backend().server.get(); }
  std::uint32_t sockets() { return server()->sockets.load(); }
  Entry enter(balance::Ticket& ticket) {
    balance::Server* const servers[] = {server()};
    return room().enter(ticket, servers, 10);
  }
  Reservation take(balance::Ticket& ticket) {
    Reservation taken = connector_.take_granted(ticket, pool_.pool(), pool_.backend());
    room().leave(ticket, true);
    return taken;
  }
  Bell bell_;
};

TEST_F(HandOver, GivesTheConnectionItself) {
  auto connection = acquire();
  Connection* const same = connection.get();
  balance::Ticket ticket(bell_, nullptr, connector_.place_of(pool_.pool()));
  ASSERT_EQ(enter(ticket), Entry::waiting);
  give_back(std::move(connection));
  EXPECT_EQ(bell_.rings, 1);
  const Reservation taken = take(ticket);
  EXPECT_EQ(taken.idle.get(), same);
  EXPECT_EQ(sockets(), 1u);
}

TEST_F(HandOver, GivesItUpWhenNobodyWillTakeIt) {
  auto connection = acquire();
  test::Peer peer = pool_.accept();
  balance::Ticket gone(bell_, nullptr, connector_.place_of(pool_.pool()));
  ASSERT_EQ(enter(gone), Entry::waiting);
  give_back(std::move(connection));
  driver_.on_loop([&] { connector_.give_up(gone, pool_.pool()); });
  EXPECT_TRUE(peer.ends());
  EXPECT_EQ(sockets(), 0u);
}

// Where each host has connections of its own there is no place: a ticket that says so may be of another worker, and
// would take the permit while the connection keeps it.
TEST_F(HandOver, GivesOnlyThePermitWhereEachHostHasItsOwn) {
  auto connection = acquire();
  test::Peer peer = pool_.accept();
  set_tls("host");
  balance::Ticket ticket(bell_, nullptr, connector_.place_of(pool_.pool()));
  ASSERT_EQ(enter(ticket), Entry::waiting);
  give_back(std::move(connection));
  EXPECT_TRUE(peer.ends()) << "its permit went on";
  Reservation taken = take(ticket);
  EXPECT_EQ(taken.idle, nullptr);
  EXPECT_TRUE(taken.permit);
  EXPECT_EQ(sockets(), 1u);
  taken = {};
  EXPECT_EQ(sockets(), 0u);
}

// The request that waits may be of a configuration that asks for more than the one that gives back.
TEST_F(HandOver, GivesOnlyThePermitOfAConnectionMadeByOtherRules) {
  auto connection = acquire();
  test::Peer peer = pool_.accept();
  balance::Ticket ticket(bell_, nullptr, connector_.place_of(pool_.pool()));
  ASSERT_EQ(enter(ticket), Entry::waiting);
  give_back(std::move(connection));
  set_tls("www.example");
  Reservation taken = take(ticket);
  EXPECT_EQ(taken.idle, nullptr);
  EXPECT_TRUE(taken.permit);
  EXPECT_TRUE(peer.ends());
  EXPECT_EQ(sockets(), 1u);
}

// Idle since before there was a limit; who waits is somewhere else.
TEST_F(HandOver, AnIdleConnectionMakesRoomForALimitThatCameLater) {
  set_max(0);
  give_back(acquire());
  EXPECT_EQ(idle(), 1u);
  set_max(1);
  balance::Ticket ticket(bell_, nullptr);
  ASSERT_EQ(enter(ticket), Entry::waiting);
  EXPECT_TRUE(driver_.until([&] { return room().granted(ticket) != nullptr; }));
  EXPECT_EQ(idle(), 0u);
  EXPECT_TRUE(take(ticket).permit);
}

TEST_F(HandOver, IdleConnectionsAboveALoweredLimitAreClosed) {
  set_max(3);
  auto first = acquire(), second = acquire(), third = acquire();
  give_back(std::move(first));
  give_back(std::move(second));
  set_max(1);
  EXPECT_TRUE(driver_.until([&] { return sockets() == 1; }));
  give_back(std::move(third));
  EXPECT_EQ(idle(), 1u);
}

}  // namespace
}  // namespace shellac::upstream
