// Connections before their first request: the PROXY header, limits, what a reload changes.
#include <chrono>

#include "front/fixture.hpp"
#include "shellac/net/proxy_protocol.hpp"

namespace shellac::front {
namespace {

using std::chrono::milliseconds;

constexpr const char* kV1 = "PROXY TCP4 192.0.2.7 192.0.2.1 4711 443\r\n";

class ConnectionTest : public FrontTest {
 protected:
  static std::string v2() {
    return net::make_proxy_header(net::SendProxy::v2, *parse_endpoint("[2001:db8::7]:4711"),
                                  *parse_endpoint("[2001:db8::1]:443"));
  }
  // A connection that is closed without an answer.
  void expect_closed(std::string_view text) {
    test::Peer client = request(text);
    EXPECT_TRUE(client.ends()) << text;
  }
};

TEST_F(ConnectionTest, AProxyHeaderTellsWhoTheClientIs) {
  options_.proxy_protocol = net::ProxyProtocol::require;
  listen();
  request(kV1 + get("/")).read_to("hello");
  EXPECT_EQ(to_string(last().peer), "192.0.2.7:4711");
  EXPECT_EQ(to_string(last().local), "192.0.2.1:443");
  request(v2() + get("/")).read_to("hello");
  EXPECT_EQ(to_string(last().peer), "[2001:db8::7]:4711");
  request("PROXY UNKNOWN\r\n" + get("/")).read_to("hello");
  EXPECT_EQ(last().peer.kind, Endpoint::Kind::none) << "the Unix peer's own";
}

TEST_F(ConnectionTest, AProxyHeaderSplitAtEveryByte) {
  options_.proxy_protocol = net::ProxyProtocol::require;
  listen();
  for (const std::string& header : {std::string(kV1), v2()}) {
    const std::string text = header + get("/");
    for (std::size_t at = 1; at <= header.size(); ++at) {
      test::Peer client = request(text.substr(0, at));
      driver_.turn();
      client.send(text.substr(at));
      ASSERT_EQ(client.read(std::string_view(kHello).size()), kHello) << at;
      ASSERT_EQ(last().peer.port, 4711) << at;
    }
  }
}

TEST_F(ConnectionTest, WhatIsNoProxyHeader) {
  options_.proxy_protocol = net::ProxyProtocol::require;
  listen();
  expect_closed(get("/"));
  expect_closed("PROXY TCP4 192.0.2.7 192.0.2.1 4711\r\n" + get("/"));
  expect_closed("PROXY TCP4 2001:db8::1 192.0.2.1 1 2\r\n" + get("/"));
  EXPECT_TRUE(driver_.until([&] { return connections_with("proxy_protocol") == 3; }));
  options_.timeouts.handshake = milliseconds(100);
  adopt();
  expect_closed("PROXY TCP4 192.0");
  expect_closed("");
  EXPECT_EQ(handler_.seen.size(), 0u);
  EXPECT_TRUE(driver_.until([&] { return connections_with("proxy_protocol") == 5; }));
}

TEST_F(ConnectionTest, AcceptTakesBoth) {
  options_.proxy_protocol = net::ProxyProtocol::accept;
  listen();
  request(get("/")).read_to("hello");
  EXPECT_EQ(last().peer.kind, Endpoint::Kind::none);
  request(kV1 + get("/")).read_to("hello");
  EXPECT_EQ(to_string(last().peer), "192.0.2.7:4711");
}

TEST_F(ConnectionTest, OnlyWhoIsTrustedMaySendOne) {
  options_.proxy_protocol = net::ProxyProtocol::accept;
  listen(true);
  test::Peer stranger = request(kV1 + get("/"));
  EXPECT_TRUE(stranger.read_all().starts_with("HTTP/1.1 400 ")) << "it is no request";
  request(get("/")).read_to("hello");
  EXPECT_EQ(to_string(last().peer.ip), "127.0.0.1");
  trusted_ = NetworkSet({*parse_network("127.0.0.0/8")});
  adopt();
  request(kV1 + get("/")).read_to("hello");
  EXPECT_EQ(to_string(last().peer), "192.0.2.7:4711");
  trusted_ = {};
  options_.proxy_protocol = net::ProxyProtocol::require;
  adopt();
  expect_closed(kV1 + get("/"));
}

TEST_F(ConnectionTest, OffMeansThatItIsNoRequest) {
  listen();
  test::Peer client = request(kV1 + get("/"));
  EXPECT_TRUE(client.read_all().starts_with("HTTP/1.1 400 "));
}

// The limit counts clients as the PROXY header tells them, not the balancer in front.
TEST_F(ConnectionTest, ConnectionsOfOneClientAreLimited) {
  admission_.set_limits({100, 2});
  options_.proxy_protocol = net::ProxyProtocol::require;
  listen();
  test::Peer first = request(kV1 + get("/")), second = request(kV1 + get("/"));
  first.read_to("hello");
  second.read_to("hello");
  expect_closed(kV1 + get("/"));
  EXPECT_EQ(connections_with("client_limit"), 1);
  test::Peer other = request(v2() + get("/"));
  other.read_to("hello");
  first.close();
  ASSERT_TRUE(driver_.until([&] { return frontend_.connections() == 2; }));
  test::Peer third = request(kV1 + get("/"));
  third.read_to("hello");
  for (test::Peer* client : {&second, &other, &third}) client->close();
  ASSERT_TRUE(all_gone());
  EXPECT_EQ(admission_.clients(), 0u);
}

TEST_F(ConnectionTest, AllConnectionsAreLimited) {
  admission_.set_limits({2, 100});
  listen();
  test::Peer first = request(get("/")), second = request(get("/")), third = request(get("/"));
  first.read_to("hello");
  second.read_to("hello");
  ASSERT_TRUE(driver_.pass(milliseconds(20)));
  EXPECT_TRUE(third.is_silent()) << "it waits in the queue";
  EXPECT_EQ(counted("shellac_connections{listener=\"l\"}"), 2);
  first.close();
  third.read_to("hello");
}

TEST_F(ConnectionTest, AReloadChangesNewConnectionsOnly) {
  listen();
  test::Peer old = request(get("/"));
  old.read_to("hello");
  options_.head_max = 1_KiB;
  adopt();
  const std::string large = "GET / HTTP/1.1\r\nHost: a\r\nA: " + std::string(2000, 'x') + "\r\n\r\n";
  old.send(large);
  EXPECT_EQ(old.read(std::string_view(kHello).size()), kHello);
  EXPECT_TRUE(request(large).read_all().starts_with("HTTP/1.1 431 "));
}

TEST_F(ConnectionTest, ABindThatIsRemovedIsAcceptedEmpty) {
  listen();
  test::Peer old = request(get("/"));
  old.read_to("hello");
  test::Peer waiting = connect();  // in the queue
  driver_.on_loop([&] { frontend_.adopt({}); });
  waiting.send(get("/"));
  EXPECT_EQ(waiting.read(std::string_view(kHello).size()), kHello);
  old.send(get("/"));
  EXPECT_EQ(old.read(std::string_view(kHello).size()), kHello) << "connections outlive their bind";
}

TEST_F(ConnectionTest, TheGaugeReturns) {
  listen();
  {
    test::Peer a = request(get("/")), b = request(get("/"));
    a.read_to("hello");
    b.read_to("hello");
    EXPECT_EQ(counted("shellac_connections{listener=\"l\"}"), 2);
  }
  ASSERT_TRUE(all_gone());
  EXPECT_EQ(counted("shellac_connections{listener=\"l\"}"), 0);
  EXPECT_EQ(connections_with("ok"), 2);
}

}  // namespace
}  // namespace shellac::front
