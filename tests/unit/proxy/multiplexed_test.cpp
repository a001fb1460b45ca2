// Many exchanges at the same time on one client connection: none may disturb another.
#include "proxy/fixture.hpp"

namespace shellac::proxy {
namespace {

constexpr const char* kChunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

std::string chunk(const std::string& text) {
  char size[20];
  std::snprintf(size, sizeof size, "%zx\r\n", text.size());
  return size + text + "\r\n";
}

class Multiplexed : public ProxyTest {
 protected:
  void SetUp() override {
    pool("web").options().buffer_request = {0};
    configure({{"slow", "web", std::chrono::milliseconds(300)}, {"rest"}});
  }
  // Opens a stream and takes the connection on which its request arrives.
  struct Pair {
    MuxStream& stream;
    test::Peer server;
  };
  Pair start(const std::string& path) {
    MuxStream& stream = client_.get(path);
    test::Peer server = pool("web").accept();
    EXPECT_TRUE(server.read_head().starts_with("GET " + path + " HTTP/1.1\r\n"));
    return {stream, std::move(server)};
  }
};

TEST_F(Multiplexed, TwoAnswersInterleavePieceByPiece) {
  auto [a, server_a] = start("/a");
  auto [b, server_b] = start("/b");
  server_a.send(kChunked);
  server_b.send(kChunked);
  std::string text_a, text_b;
  for (int i = 0; i < 20; ++i) {
    const std::string piece_a = "a" + std::to_string(i) + ";", piece_b = "b" + std::to_string(i) + ";";
    server_a.send(chunk(piece_a));
    ASSERT_TRUE(got(a, text_a += piece_a));
    server_b.send(chunk(piece_b));
    ASSERT_TRUE(got(b, text_b += piece_b));
  }
  server_b.send("0\r\n\r\n");
  server_a.send("0\r\n\r\n");
  ASSERT_TRUE(over(a) && over(b));
  EXPECT_TRUE(a.is_complete() && b.is_complete());
  EXPECT_EQ(a.text(), text_a);
  EXPECT_EQ(b.text(), text_b);
  // Heads first, then one frame each in turn, then the two ends.
  std::vector<unsigned> order;
  for (const auto& frame : client_.frames()) order.push_back(frame.stream);
  ASSERT_EQ(order.size(), 44u);
  for (std::size_t i = 2; i < 42; ++i) EXPECT_EQ(order[i], i % 2 == 0 ? 1u : 2u) << i;
}

TEST_F(Multiplexed, TwoLargeAnswersShareTheConnectionFairly) {
  auto [a, server_a] = start("/a");
  auto [b, server_b] = start("/b");
  const std::string large_a(150'000, 'a'), large_b(150'000, 'b');
  for (test::Peer* server : {&server_a, &server_b}) server->send("HTTP/1.1 200 OK\r\nContent-Length: 150000\r\n\r\n");
  ASSERT_TRUE(driver_.until([&] { return a.status() == 200 && b.status() == 200; }));
  std::size_t sent_a = 0, sent_b = 0;
  ASSERT_TRUE(driver_.until([&] {
    sent_a += server_a.send_some(std::string_view(large_a).substr(sent_a));
    sent_b += server_b.send_some(std::string_view(large_b).substr(sent_b));
    return a.is_over() && b.is_over();
  }));
  EXPECT_EQ(a.text(), large_a);
  EXPECT_EQ(b.text(), large_b);
  std::size_t switches = 0;
  for (std::size_t i = 1; i < client_.frames().size(); ++i)
    switches += client_.frames()[i].stream != client_.frames()[i - 1].stream;
  EXPECT_GE(switches, 8u);
}

TEST_F(Multiplexed, OneResetInMidBodyLeavesTheOtherAlone) {
  auto [a, server_a] = start("/a");
  auto [b, server_b] = start("/b");
  for (test::Peer* server : {&server_a, &server_b}) server->send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234");
  ASSERT_TRUE(got(a, "01234") && got(b, "01234"));
  on_loop([&] { a.cancel(); });
  ASSERT_TRUE(over(a));
  EXPECT_FALSE(a.is_complete());
  EXPECT_EQ(last().ended, Ended::client_reset);
  EXPECT_EQ(last().path, "/a");
  EXPECT_EQ(last().bytes_out, 5u);
  // Half an answer is still due on that connection: it is closed, not kept.
  EXPECT_TRUE(server_a.ends());
  EXPECT_EQ(pool("web").backend().server->idle.load(), 0u);
  server_b.send("56789");
  ASSERT_TRUE(over(b));
  EXPECT_TRUE(b.is_complete());
  EXPECT_EQ(b.text(), "0123456789");
  EXPECT_EQ(last().ended, Ended::completed);
  // The next one takes the connection that ended well.
  EXPECT_EQ(pool("web").backend().server->idle.load(), 1u);
  MuxStream& c = client_.get("/c");
  EXPECT_TRUE(server_b.read_head().starts_with("GET /c "));
  server_b.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  ASSERT_TRUE(over(c));
  EXPECT_TRUE(pool("web").server(1).is_quiet());
}

TEST_F(Multiplexed, ABackendThatDiesInMidBodyBreaksItsStreamOnly) {
  auto [a, server_a] = start("/a");
  auto [b, server_b] = start("/b");
  for (test::Peer* server : {&server_a, &server_b}) server->send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234");
  ASSERT_TRUE(got(a, "01234") && got(b, "01234"));
  server_a.close();
  ASSERT_TRUE(over(a));
  EXPECT_TRUE(a.was_reset());
  EXPECT_FALSE(a.is_complete());
  EXPECT_EQ(last().ended, Ended::backend_error);
  EXPECT_EQ(last().reason, "closed");
  server_b.send("56789");
  ASSERT_TRUE(over(b));
  EXPECT_TRUE(b.is_complete());
}

TEST_F(Multiplexed, ASlowReaderDoesNotHoldUpTheOther) {
  MuxStream& slow = client_.open({.head = "GET /big HTTP/1.1\r\nHost: a\r\n\r\n", .window = 100});
  test::Peer server_slow = pool("web").accept();
  server_slow.read_head();
  const std::string large(3'000'000, 'x');
  server_slow.send("HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n");
  std::size_t sent = server_slow.send_some(large);
  ASSERT_TRUE(got(slow, std::string(100, 'x')));
  auto [quick, server_quick] = start("/quick");
  server_quick.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  ASSERT_TRUE(over(quick));
  EXPECT_EQ(quick.text(), "ok");
  EXPECT_EQ(slow.text().size(), 100u);
  // Backpressure: the rest stands in the sockets, and not more than that is in memory.
  EXPECT_LT(driver_.budget().used().count, 512u * 1024);
  on_loop([&] { slow.grant(large.size()); });
  ASSERT_TRUE(driver_.until([&] {
    sent += server_slow.send_some(std::string_view(large).substr(sent));
    return slow.is_over();
  }));
  EXPECT_EQ(slow.text(), large);
}

TEST_F(Multiplexed, AReaderThatTakesNothingIsGivenUp) {
  MuxStream& stuck = client_.open(
      {.head = "GET /big HTTP/1.1\r\nHost: a\r\n\r\n", .window = 3, .send_timeout = std::chrono::milliseconds(50)});
  test::Peer server = pool("web").accept();
  server.read_head();
  server.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n01234");
  ASSERT_TRUE(over(stuck));
  EXPECT_TRUE(stuck.was_reset());
  EXPECT_EQ(last().ended, Ended::client_timeout);
  EXPECT_EQ(last().bytes_out, 3u);
  EXPECT_TRUE(server.ends());
}

TEST_F(Multiplexed, TwoRequestBodiesInterleave) {
  MuxStream& a = client_.post("/a");
  test::Peer server_a = pool("web").accept();
  MuxStream& b = client_.post("/b");
  test::Peer server_b = pool("web").accept();
  EXPECT_NE(server_a.read_head().find("Transfer-Encoding: chunked"), std::string::npos);
  server_b.read_head();
  for (int i = 0; i < 20; ++i) {
    const std::string piece = std::to_string(i) + ";";
    on_loop([&] { a.body().put("a" + piece); });
    EXPECT_EQ(server_a.read(chunk("a" + piece).size()), chunk("a" + piece));
    on_loop([&] { b.body().put("b" + piece); });
    EXPECT_EQ(server_b.read(chunk("b" + piece).size()), chunk("b" + piece));
  }
  on_loop([&] {
    a.body().finish();
    b.body().finish();
  });
  for (test::Peer* server : {&server_b, &server_a}) {
    EXPECT_EQ(server->read(5), "0\r\n\r\n");
    server->send("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
  }
  ASSERT_TRUE(over(a) && over(b));
  EXPECT_EQ(a.status(), 201);
  EXPECT_EQ(b.status(), 201);
}

TEST_F(Multiplexed, ARequestBodyThatIsResetClosesItsBackendOnly) {
  MuxStream& a = client_.post("/a");
  test::Peer server_a = pool("web").accept();
  MuxStream& b = client_.post("/b");
  test::Peer server_b = pool("web").accept();
  server_a.read_head();
  server_b.read_head();
  on_loop([&] {
    a.body().put("half");
    b.body().put("whole");
  });
  EXPECT_EQ(server_a.read(chunk("half").size()), chunk("half"));
  on_loop([&] { a.cancel(); });
  ASSERT_TRUE(over(a));
  EXPECT_TRUE(server_a.ends()) << "not ended as if the body were whole";
  EXPECT_EQ(last().ended, Ended::client_reset);
  EXPECT_EQ(last().status, 499);
  EXPECT_EQ(last().bytes_in, 4u);
  on_loop([&] { b.body().finish(); });
  EXPECT_EQ(server_b.read_to("0\r\n\r\n"), chunk("whole") + "0\r\n\r\n");
  server_b.send("HTTP/1.1 204 No Content\r\n\r\n");
  ASSERT_TRUE(over(b));
  EXPECT_EQ(b.status(), 204);
}

TEST_F(Multiplexed, BothBodiesOfOneExchangeFlowAtTheSameTime) {
  MuxStream& echo = client_.post("/echo");
  test::Peer server = pool("web").accept();
  server.read_head();
  server.send(kChunked);
  std::string all;
  for (int i = 0; i < 10; ++i) {
    const std::string piece = "piece " + std::to_string(i) + "\n";
    on_loop([&] { echo.body().put(piece); });
    EXPECT_EQ(server.read(chunk(piece).size()), chunk(piece));
    server.send(chunk(piece));
    ASSERT_TRUE(got(echo, all += piece));
  }
  on_loop([&] { echo.body().finish(); });
  EXPECT_EQ(server.read(5), "0\r\n\r\n");
  server.send("0\r\n\r\n");
  ASSERT_TRUE(over(echo));
  EXPECT_EQ(echo.text(), all);
  EXPECT_EQ(pool("web").backend().server->idle.load(), 1u) << "both sides are done: the connection is kept";
}

TEST_F(Multiplexed, AnAnswerBeforeTheBodyIsSentClosesTheBackend) {
  MuxStream& early = client_.post("/upload");
  test::Peer server = pool("web").accept();
  server.read_head();
  on_loop([&] { early.body().put("some"); });
  server.read(chunk("some").size());
  server.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
  ASSERT_TRUE(over(early));
  EXPECT_EQ(early.status(), 403);
  EXPECT_EQ(early.text(), "no");
  EXPECT_TRUE(server.ends());
  EXPECT_EQ(pool("web").backend().server->idle.load(), 0u);
}

TEST_F(Multiplexed, CancelledWhileTheAnswerIsAwaited) {
  auto [a, server_a] = start("/a");
  auto [b, server_b] = start("/b");
  on_loop([&] { a.cancel(); });
  ASSERT_TRUE(over(a));
  EXPECT_EQ(last().status, 499);
  EXPECT_EQ(last().ended, Ended::client_reset);
  EXPECT_TRUE(server_a.ends());
  server_b.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  ASSERT_TRUE(over(b));
  EXPECT_EQ(b.status(), 200);
}

// TLS to a backend that says nothing is a connection that is being made.
TEST_F(Multiplexed, CancelledWhileConnecting) {
  auto& mute = pool("mute");
  mute.options().tls.emplace();
  mute.options().tls->verify = false;
  mute.pool().tls = tls::ClientContext::make(*mute.options().tls);
  configure({{"mute", "mute"}, {"rest"}});
  MuxStream& a = client_.get("/mute");
  test::Peer server = mute.accept();
  server.read(1);
  EXPECT_FALSE(a.is_over());
  on_loop([&] { a.cancel(); });
  ASSERT_TRUE(over(a));
  EXPECT_EQ(last().status, 499);
  EXPECT_EQ(last().ended, Ended::client_reset);
  EXPECT_LT(last().t_connect.count(), 0);
  server.read_all();
}

TEST_F(Multiplexed, TheRoutesTimeoutEndsOneStreamOnly) {
  auto [slow, server_slow] = start("/slow");
  auto [b, server_b] = start("/b");
  ASSERT_TRUE(over(slow));
  EXPECT_EQ(slow.status(), 504);
  EXPECT_EQ(slow.field("Proxy-Status"), "shellac; error=http_response_timeout");
  EXPECT_EQ(last().ended, Ended::backend_timeout);
  EXPECT_TRUE(server_slow.ends());
  server_b.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  ASSERT_TRUE(over(b));
  EXPECT_EQ(b.status(), 200);
}

TEST_F(Multiplexed, TheRoutesTimeoutCountsWhileTheAnswersBodyFlows) {
  auto [slow, server] = start("/slow");
  server.send(kChunked);
  ASSERT_TRUE(driver_.until([&] {
    server.send_some(chunk("x"));
    return slow.is_over();
  })) << "as long as something comes it goes on";
  EXPECT_TRUE(slow.was_reset());
  EXPECT_FALSE(slow.is_complete());
  EXPECT_EQ(last().ended, Ended::backend_timeout);
  EXPECT_EQ(last().status, 200);
}

TEST_F(Multiplexed, TheRoutesTimeoutCountsWhileTheRequestIsReadAhead) {
  auto& careful = pool("careful");
  configure({{"slow", "careful", std::chrono::milliseconds(300)}});
  MuxStream& slow = client_.post("/slow");
  on_loop([&] { slow.body().put("a part"); });
  ASSERT_TRUE(over(slow));
  EXPECT_EQ(slow.status(), 408) << "it was the client that was slow";
  EXPECT_EQ(last().ended, Ended::client_timeout);
  EXPECT_TRUE(careful.server(1).is_quiet()) << "no backend was asked";
}

TEST_F(Multiplexed, AConfigurationThatIsSwappedInMidExchange) {
  auto [a, server_a] = start("/a");
  server_a.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234");
  ASSERT_TRUE(got(a, "01234"));
  MuxStream& waiting = client_.get("/waits");
  test::Peer server_waiting = pool("web").accept();
  server_waiting.read_head();

  // The new configuration has another pool behind the same path, and the old one goes.
  auto old_pool = std::move(pools_.at("web"));
  pools_.erase("web");
  pool("next");
  configure({{"new", "next"}, {"rest", "next"}});
  MuxStream& b = client_.get("/b");
  test::Peer server_b = pool("next").accept();
  server_b.read_head();
  server_b.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnew");
  ASSERT_TRUE(over(b));
  EXPECT_EQ(last().pool, "next");

  server_a.send("56789");
  ASSERT_TRUE(over(a));
  EXPECT_EQ(a.text(), "0123456789");
  EXPECT_EQ(last().pool, "web");
  EXPECT_EQ(last().route, "rest");
  server_waiting.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nold");
  ASSERT_TRUE(over(waiting));
  EXPECT_EQ(waiting.text(), "old");
  EXPECT_EQ(last().pool, "web");
}

TEST_F(Multiplexed, FiftyExchangesAtOnce) {
  std::vector<MuxStream*> streams;
  std::vector<test::Peer> servers;
  for (int i = 0; i < 50; ++i) {
    streams.push_back(&client_.get("/" + std::to_string(i)));
    servers.push_back(pool("web").accept());
    servers.back().read_head();
  }
  EXPECT_EQ(proxy_.in_flight(), 50u);
  EXPECT_EQ(pool("web").backend().server->requests.load(), 50u);
  for (int i = 49; i >= 0; --i) {
    const std::string text(static_cast<std::size_t>(i) + 1, 'x');
    servers[static_cast<std::size_t>(i)].send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(text.size()) +
                                              "\r\n\r\n" + text);
  }
  ASSERT_TRUE(driver_.until([&] { return proxy_.in_flight() == 0; }));
  for (std::size_t i = 0; i < 50; ++i) EXPECT_EQ(streams[i]->text().size(), i + 1);
  EXPECT_EQ(records_.all.size(), 50u);
  EXPECT_EQ(pool("web").backend().server->requests.load(), 0u);
  EXPECT_EQ(pool("web").backend().server->busy.load(), 0u);
  EXPECT_EQ(driver_.budget().used().count, 0u) << "every buffer came back";
}

TEST_F(Multiplexed, TheConnectionThatGoesTakesAllItsExchangesAlong) {
  auto [a, server_a] = start("/a");
  auto [b, server_b] = start("/b");
  server_b.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234");
  ASSERT_TRUE(got(b, "01234"));
  client_.close();
  EXPECT_TRUE(server_a.ends());
  EXPECT_TRUE(server_b.ends());
  ASSERT_EQ(records_.all.size(), 2u);
  for (const Recorded& record : records_.all) EXPECT_EQ(record.ended, Ended::client_reset);
}

TEST_F(Multiplexed, WhatAShutdownCutsIsToldAsThat) {
  auto [a, server] = start("/a");
  client_.cut();
  ASSERT_EQ(records_.all.size(), 1u);
  EXPECT_EQ(last().ended, Ended::shutdown);
  EXPECT_TRUE(server.ends());
}

}  // namespace
}  // namespace shellac::proxy
