// When a request goes out a second time, and where to; what is never sent twice.
#include "proxy/fetching.hpp"

namespace shellac::proxy {
namespace {

TEST_F(Fetching, ARefusedConnectionGoesToAnotherServer) {
  configure_with(3);
  pool("web").server(1).close();
  pool("web").server(3).close();
  for (int i = 0; i < 3; ++i) {
    MuxStream& a = client_.get("/" + std::to_string(i));
    test::Peer server = pool("web").accept(2);
    server.read_head();
    server.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    ASSERT_TRUE(over(a));
    EXPECT_EQ(a.status(), 200);
    EXPECT_EQ(last().backend, "b2");
    EXPECT_EQ(last().zone, "zone-b2");
    EXPECT_EQ(last().ended, Ended::completed);
    EXPECT_EQ(last().reason, "");
  }
  // From whichever server the turn began: one request each came to every place in it.
  int attempts = 0;
  for (const Recorded& record : records_.all) attempts += record.attempts;
  EXPECT_GE(attempts, 5);
  EXPECT_GE(counted("shellac_retries_total{pool=\"web\",reason=\"connect\",result=\"ok\"}"), 1);
}

TEST_F(Fetching, APostThatWasNeverSeenGoesToAnotherServerToo) {
  configure_with(2);
  pool("web").server(1).close();
  for (int i = 0; i < 2; ++i) {
    MuxStream& a = client_.post("/");
    on_loop([&] {
      a.body().put("body");
      a.body().finish();
    });
    test::Peer server = pool("web").accept(2);
    EXPECT_NE(server.read_head().find("Content-Length: 4\r\n"), std::string::npos);
    EXPECT_EQ(server.read(4), "body");
    server.send(kEmpty);
    server.finish();
    ASSERT_TRUE(over(a));
    EXPECT_EQ(a.status(), 200);
  }
}

TEST_F(Fetching, NobodyListens) {
  configure_with(2);
  pool("web").server(1).close();
  pool("web").server(2).close();
  MuxStream& a = client_.get("/");
  ASSERT_TRUE(over(a));
  EXPECT_EQ(a.status(), 502);
  EXPECT_EQ(a.field("Proxy-Status"), "shellac; error=connection_refused");
  EXPECT_EQ(last().attempts, 2);
  EXPECT_EQ(last().ended, Ended::backend_error);
  EXPECT_EQ(last().reason, "connect_refused");
}

TEST_F(Fetching, NoServerIsReady) {
  pool("web").backend().server->set_state(balance::ServerState::drain, {});
  MuxStream& a = client_.get("/");
  ASSERT_TRUE(over(a));
  EXPECT_EQ(a.status(), 503);
  EXPECT_EQ(a.field("Proxy-Status"), "shellac; error=destination_unavailable");
  EXPECT_EQ(a.field("Retry-After"), "1");
  EXPECT_EQ(last().ended, Ended::backend_error);
  EXPECT_EQ(last().attempts, 0);
  EXPECT_EQ(last().backend, "");
}

TEST_F(Fetching, ANameThatIsNotResolved) {
  pools_.clear();
  pool("web", 0).add("named", Endpoint{});
  configure();
  MuxStream& a = client_.get("/");
  ASSERT_TRUE(over(a));
  EXPECT_EQ(a.status(), 502);
  EXPECT_EQ(a.field("Proxy-Status"), "shellac; error=dns_error");
}

TEST_F(Fetching, AReusedConnectionThatIsDeadIsReplacedSilently) {
  test::Peer idle = leave_idle();
  MuxStream& a = client_.get("/second");
  EXPECT_TRUE(idle.read_head().starts_with("GET /second "));
  idle.close();  // without an octet of an answer
  test::Peer fresh = pool("web").accept();
  EXPECT_TRUE(fresh.read_head().starts_with("GET /second "));
  fresh.send(kEmpty);
  ASSERT_TRUE(over(a));
  EXPECT_EQ(a.status(), 200);
  EXPECT_EQ(last().attempts, 1);
  EXPECT_EQ(last().ended, Ended::completed);
  EXPECT_EQ(counted("shellac_backend_errors_total{pool=\"web\",backend=\"b1\",reason=\"closed\"}"), 0);
}

TEST_F(Fetching, AReusedConnectionThatBrokeInItsAnswerIsNotReplaced) {
  test::Peer idle = leave_idle();
  MuxStream& a = client_.get("/second");
  idle.read_head();
  idle.send("HTTP/1.1 200 OK\r\n");
  idle.close();
  ASSERT_TRUE(over(a));
  EXPECT_EQ(a.status(), 502);
  EXPECT_TRUE(pool("web").server(1).is_quiet());
}

TEST_F(Fetching, AFreshConnectionThatDiesIsNotReplaced) {
  MuxStream& a = exchange(client_.get("/"), "");
  EXPECT_EQ(a.status(), 502);
  EXPECT_TRUE(pool("web").server(1).is_quiet());
}

TEST_F(Fetching, WhatADyingServerLosesAnotherOneAnswers) {
  configure_with(2);
  MuxStream& a = client_.get("/");
  bool at_first = false;
  ASSERT_TRUE(driver_.until([&] {
    at_first = pool("web").backend(1).server->busy.load() > 0;
    return at_first || pool("web").backend(2).server->busy.load() > 0;
  }));
  const std::size_t dying = at_first ? 1 : 2, other = 3 - dying;
  test::Peer server = pool("web").accept(dying);
  server.read_head();
  server.close();
  test::Peer second = pool("web").accept(other);
  second.read_head();
  second.send(kEmpty);
  ASSERT_TRUE(over(a));
  EXPECT_EQ(a.status(), 200);
  EXPECT_EQ(last().attempts, 2);
  EXPECT_EQ(last().backend, "b" + std::to_string(other));
  EXPECT_EQ(counted("shellac_retries_total{pool=\"web\",reason=\"reset\",result=\"ok\"}"), 1);
}

// Early hints are a part of an answer: the client would hear of two servers.
TEST_F(Fetching, NothingIsRepeatedAfterAnInterimAnswer) {
  configure_with(2);
  MuxStream& a = client_.get("/");
  ASSERT_TRUE(driver_.until(
      [&] { return pool("web").backend(1).server->busy.load() + pool("web").backend(2).server->busy.load() > 0; }));
  const std::size_t dying = pool("web").backend(1).server->busy.load() > 0 ? 1 : 2;
  test::Peer server = pool("web").accept(dying);
  server.read_head();
  server.send("HTTP/1.1 103 Early Hints\r\n\r\n");
  ASSERT_TRUE(driver_.until([&] { return !a.interim().empty(); }));
  server.close();
  ASSERT_TRUE(over(a));
  EXPECT_EQ(a.status(), 502);
  EXPECT_EQ(last().attempts, 1);
  EXPECT_TRUE(pool("web").server(3 - dying).is_quiet());
}

TEST_F(Fetching, ASpentBudgetCostsNoIdleConnection) {
  configure_with(2);
  test::Peer idle[2] = {keep_one(1), keep_one(2)};
  on_loop([&] {
    while (pool("web").pool().state->budget.try_take(20, driver_.loop().now())) {
    }
  });
  pool("web").options().retries.on_503 = true;
  MuxStream& a = client_.get("/");
  ASSERT_TRUE(driver_.until(
      [&] { return pool("web").backend(1).server->busy.load() + pool("web").backend(2).server->busy.load() > 0; }));
  const std::size_t asked = pool("web").backend(1).server->busy.load() > 0 ? 1 : 2;
  idle[asked - 1].read_head();
  idle[asked - 1].send("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
  ASSERT_TRUE(over(a));
  EXPECT_EQ(a.status(), 503);
  EXPECT_EQ(counted("shellac_retries_total{pool=\"web\",reason=\"503\",result=\"budget\"}"), 1);
  EXPECT_EQ(pool("web").backend(3 - asked).server->idle.load(), 1u);
}

TEST_F(Fetching, AClosedIdleConnectionIsNoticedBeforeItIsUsed) {
  test::Peer idle = leave_idle();
  idle.close();
  MuxStream& a = exchange(client_.get("/second"), kEmpty);
  EXPECT_EQ(a.status(), 200);
}

// RFC 9110 §9.2.2: who sends it twice may order twice. An idle connection that may be dead is none for it.
TEST_F(Fetching, APostIsNeverRepeated) {
  test::Peer idle = leave_idle();
  MuxStream& a = client_.post("/order");
  on_loop([&] {
    a.body().put("one");
    a.body().finish();
  });
  test::Peer fresh = pool("web").accept();
  fresh.read_to("one");
  fresh.close();
  ASSERT_TRUE(over(a));
  EXPECT_EQ(a.status(), 502);
  EXPECT_EQ(last().attempts, 1);
  EXPECT_TRUE(pool("web").server(1).is_quiet());
  EXPECT_TRUE(idle.is_silent());
}

TEST_F(Fetching, APostThatADyingServerMayHaveSeenGoesToNoOther) {
  configure_with(2);
  MuxStream& a = client_.post("/order");
  on_loop([&] { a.body().finish(); });
  ASSERT_TRUE(driver_.until(
      [&] { return pool("web").backend(1).server->busy.load() + pool("web").backend(2).server->busy.load() > 0; }));
  const std::size_t dying = pool("web").backend(1).server->busy.load() > 0 ? 1 : 2;
  test::Peer server = pool("web").accept(dying);
  server.read_head();
  server.close();
  ASSERT_TRUE(over(a));
  EXPECT_EQ(a.status(), 502);
  EXPECT_EQ(last().attempts, 1);
  EXPECT_TRUE(pool("web").server(3 - dying).is_quiet());
}

TEST_F(Fetching, APutWhoseBodyIsAtHandIsRepeated) {
  test::Peer idle = leave_idle();
  MuxStream& a = client_.open({.head = "PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n"});
  on_loop([&] {
    a.body().put("body");
    a.body().finish();
  });
  idle.read_to("body");
  idle.close();
  test::Peer fresh = pool("web").accept();
  EXPECT_TRUE(fresh.read_to("body").starts_with("PUT /x "));
  fresh.send(kEmpty);
  ASSERT_TRUE(over(a));
  EXPECT_EQ(a.status(), 200);
}

TEST_F(Fetching, APutWhoseBodyIsTooLargeToKeepIsSentOnAFreshConnection) {
  pool("web").options().buffer_request = 4_B;
  test::Peer idle = leave_idle();
  MuxStream& a = client_.open({.head = "PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n"});
  on_loop([&] { a.body().put("a longer"); });
  test::Peer fresh = pool("web").accept();
  fresh.read_to("a longer");
  EXPECT_TRUE(idle.is_silent());
  on_loop([&] { a.body().finish(); });
  fresh.send(kEmpty);
  ASSERT_TRUE(over(a));
  EXPECT_EQ(a.status(), 200);
}

}  // namespace
}  // namespace shellac::proxy
