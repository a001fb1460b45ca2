// `connections.max` reached: who waits, for whom, for how long, and what wakes him.
#include "proxy/fetching.hpp"

namespace shellac::proxy {
namespace {

using std::chrono::milliseconds;

class Queue : public Fetching {
 protected:
  // Servers of one connection each.
  void start(std::size_t servers, bool sticky = false) {
    pools_.clear();
    upstream::ScriptedPool& web = pool("web", servers);
    web.options().max_connections = 1;
    web.options().queue.timeout = std::chrono::seconds(30);
    if (!sticky) return configure();
    std::vector<std::string> labels;
    for (std::size_t i = 1; i <= servers; ++i) labels.push_back("b" + std::to_string(i));
    web.pool().sticky.emplace(balance::StickyOptions{}, "web", std::move(labels), "0123456789abcdef");
    configure();
  }
  balance::WaitingRoom& room() { return pool("web").pool().state->room; }
  balance::Server& server(std::size_t number) { return *pool("web").backend(number).server; }
  void set_health(std::size_t number, balance::Health health) {
    on_loop([&] { server(number).set_health(health, driver_.loop().now(), driver_.loop().wall_now()); });
  }
  // Sends a request with the cookie of a visitor of that server, or without.
  MuxStream& visit(std::size_t number = 0, const std::string& path = "/") {
    std::string cookie;
    if (number > 0)
      cookie = "Cookie: " + pool("web").pool().sticky->renew({}, number - 1, false, driver_.loop().wall_now()).value();
    if (!cookie.empty()) cookie = cookie.substr(0, cookie.find(';')) + "\r\n";
    return client_.open({.head = "GET " + path + " HTTP/1.1\r\nHost: a\r\n" + cookie + "\r\n"});
  }
  // One of a server's connections is busy from now on.
  test::Peer occupy(std::size_t number) {
    set_others(number, balance::ServerState::down);
    visit(0, "/busy");
    test::Peer peer = pool("web").accept(number);
    peer.read_head();
    set_others(number, balance::ServerState::ready);
    return peer;
  }
  void set_others(std::size_t number, balance::ServerState state) {
    for (std::size_t i = 1; i <= pool("web").pool().servers.size(); ++i)
      if (i != number) server(i).set_state(state, {});
  }
  [[nodiscard]] bool waits(std::uint32_t count = 1) {
    return driver_.until([&] {
      std::uint32_t waiting = room().waiting_for_any();
      for (const auto& one : pool("web").pool().servers) waiting += room().waiting_for(*one);
      return waiting == count;
    });
  }
  void expect_served_by(MuxStream& stream, std::size_t number) {
    test::Peer peer = pool("web").accept(number);
    peer.read_head();
    peer.send(kEmpty);
    ASSERT_TRUE(over(stream));
    EXPECT_EQ(stream.status(), 200);
    EXPECT_EQ(last().backend, "b" + std::to_string(number));
    peer.close();
  }
  void expect_refused(MuxStream& stream, const std::string& reason) {
    ASSERT_TRUE(over(stream));
    EXPECT_EQ(stream.status(), 503);
    EXPECT_EQ(stream.field("Retry-After"), "1");
    EXPECT_EQ(last().reason, reason);
    EXPECT_EQ(refused(reason), 1) << reason;
  }
  double refused(const std::string& reason) {
    return counted("shellac_backend_queue_rejected_total{pool=\"web\",reason=\"" + reason + "\"}");
  }
};

TEST_F(Queue, AFreeConnectionIsHandedOver) {
  start(1);
  test::Peer busy = occupy(1);
  MuxStream& waiting = visit();
  ASSERT_TRUE(waits());
  busy.send(kEmpty);
  EXPECT_TRUE(busy.read_head().starts_with("GET / "));
  busy.send(kEmpty);
  ASSERT_TRUE(over(waiting));
  EXPECT_EQ(waiting.status(), 200);
  EXPECT_GE(last().t_queue.count(), 0);
  EXPECT_EQ(server(1).sockets.load(), 1u);
}

TEST_F(Queue, IsFullOrTooLong) {
  start(1);
  pool("web").options().queue = {1, milliseconds(100)};
  test::Peer busy = occupy(1);
  MuxStream& waiting = visit();
  ASSERT_TRUE(waits());
  expect_refused(visit(), "queue_full");
  expect_refused(waiting, "queue_timeout");
  EXPECT_GE(last().t_queue, milliseconds(100));
  EXPECT_TRUE(waits(0));
}

TEST_F(Queue, WhoLeavesGivesOnWhatHeWasGiven) {
  start(1);
  test::Peer busy = occupy(1);
  MuxStream& gone = visit();
  ASSERT_TRUE(waits(1));
  MuxStream& next = visit();
  ASSERT_TRUE(waits(2));
  // The permit comes while the client goes.
  on_loop([&] {
    busy.close();
    gone.cancel();
  });
  expect_served_by(next, 1);
  EXPECT_TRUE(driver_.until([&] { return server(1).sockets.load() == 0; }));
}

TEST_F(Queue, AServerThatComesBackServesWhoWaits) {
  start(2);
  test::Peer busy = occupy(1);
  set_health(2, balance::Health::down);
  MuxStream& waiting = visit();
  ASSERT_TRUE(waits());
  set_health(2, balance::Health::up);
  on_loop([&] { room().wake_all(); });
  expect_served_by(waiting, 2);
}

TEST_F(Queue, NobodyWaitsForServersOfWhichNoneIsLeft) {
  start(1);
  test::Peer busy = occupy(1);
  MuxStream& waiting = visit();
  ASSERT_TRUE(waits());
  set_health(1, balance::Health::down);
  on_loop([&] { room().wake_all(); });
  expect_refused(waiting, "all_down");
}

TEST_F(Queue, ABackupIsNotForBusyTimes) {
  start(2);
  pool("web").options().backends[1].backup = true;
  configure();
  test::Peer busy = occupy(1);
  visit();
  ASSERT_TRUE(waits());
  EXPECT_TRUE(pool("web").server(2).is_quiet());
}

// A visitor's connection that ends is no place for whoever waits: there are no new ones on that server.
TEST_F(Queue, AServerWithoutWeightGetsNobodyFromTheQueue) {
  start(2, true);
  test::Peer first = occupy(1), second = occupy(2);
  pool("web").options().backends[1].weight = 0;
  configure();
  MuxStream& waiting = visit();
  ASSERT_TRUE(waits());
  second.close();
  ASSERT_TRUE(driver_.until([&] { return server(2).sockets.load() == 0; }));
  EXPECT_TRUE(pool("web").server(2).is_quiet());
  EXPECT_FALSE(waiting.is_over());
  first.close();
  expect_served_by(waiting, 1);
}

TEST_F(Queue, AVisitorWaitsForHisServer) {
  start(2, true);
  test::Peer busy = occupy(1);
  MuxStream& visitor = visit(1);
  ASSERT_TRUE(waits());
  EXPECT_TRUE(pool("web").server(2).is_quiet());
  busy.close();
  expect_served_by(visitor, 1);
}

TEST_F(Queue, AVisitorWhoWaitedLongEnoughGoesElsewhere) {
  start(2, true);
  test::Peer busy = occupy(1);
  pool("web").options().queue.timeout = milliseconds(100);
  MuxStream& visitor = visit(1);
  expect_served_by(visitor, 2);
  EXPECT_TRUE(visitor.field("Set-Cookie").starts_with("SHELLAC="));
  EXPECT_GE(last().t_queue, milliseconds(100));
  EXPECT_EQ(refused("queue_timeout"), 0) << "he was served";
}

TEST_F(Queue, AVisitorWhoseServerDiesMeanwhileGoesElsewhereAtOnce) {
  start(2, true);
  test::Peer busy = occupy(1);
  MuxStream& visitor = visit(1);
  ASSERT_TRUE(waits());
  set_health(1, balance::Health::down);
  on_loop([&] { room().wake_all(); });
  expect_served_by(visitor, 2);
  EXPECT_TRUE(visitor.field("Set-Cookie").starts_with("SHELLAC="));
}

// The other one is busy, not broken.
TEST_F(Queue, ARetryWaitsForABusyServer) {
  start(2);
  test::Peer busy = occupy(2);
  MuxStream& a = visit();
  test::Peer dying = pool("web").accept(1);
  dying.read_head();
  dying.close();
  ASSERT_TRUE(waits());
  EXPECT_EQ(server(1).sockets.load(), 0u) << "the connection that failed is given back meanwhile";
  busy.close();
  expect_served_by(a, 2);
  EXPECT_EQ(last().attempts, 2);
}

}  // namespace
}  // namespace shellac::proxy
