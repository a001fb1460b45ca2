// One request and its answer on an HTTP/1 connection: bodies, framing, ends.
#include <chrono>

#include "front/fixture.hpp"

namespace shellac::front {
namespace {

using std::chrono::milliseconds;

class ExchangeTest : public FrontTest {
 protected:
  static std::string post(const std::string& path, const std::string& fields, const std::string& body = {}) {
    return "POST " + path + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" + body;
  }
  static std::string answer(const std::string& text, bool close = false) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(text.size()) + "\r\n" +
           (close ? "Connection: close\r\n" : "") + "\r\n" + text;
  }
};

TEST_F(ExchangeTest, BodiesOfBothFramings) {
  listen();
  test::Peer client = connect();
  struct Row {
    std::string request, body;
  };
  for (const Row& row : {Row{post("/echo", "Content-Length: 5\r\n", "hello"), "hello"},
                         Row{post("/echo", "Content-Length: 0\r\n"), ""}, Row{post("/echo", ""), ""},
                         Row{post("/echo", "Transfer-Encoding: chunked\r\n",
                                  "5;x=\"y\"\r\nhello\r\n6\r\n, you!\r\n0\r\nDigest: t\r\n\r\n"),
                             "hello, you!"}}) {
    client.send(row.request);
    const std::string expected = answer(row.body);
    EXPECT_EQ(client.read(expected.size()), expected) << row.request;
  }
}

TEST_F(ExchangeTest, ContinueIsSaidWhenTheBodyIsWanted) {
  listen();
  const std::string expecting = "Expect: 100-continue\r\nContent-Length: 5\r\n";
  test::Peer waits = request(post("/echo", expecting));
  EXPECT_EQ(waits.read_head(), "HTTP/1.1 100 Continue\r\n\r\n");
  waits.send("hello");
  EXPECT_EQ(waits.read(answer("hello").size()), answer("hello"));

  // The same connection goes on; a client that did not wait needs no permission.
  waits.send(post("/echo", expecting, "again"));
  EXPECT_EQ(waits.read(answer("again").size()), answer("again"));

  // Refused without having asked for the body, which therefore never comes.
  test::Peer refused = request(post("/ignore", expecting));
  EXPECT_EQ(refused.read_all(), kHelloAndClose);

  // RFC 9110 §10.1.1: not for HTTP/1.0.
  test::Peer old = request("POST /echo HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  driver_.turn();
  EXPECT_TRUE(old.is_silent());
  old.send("hello");
  EXPECT_EQ(old.read_all(), answer("hello", true));
}

TEST_F(ExchangeTest, AMalformedBodyEndsTheConnection) {
  listen();
  for (const char* body : {"x\r\n", "5\nhello\r\n0\r\n\r\n", "5\r\nhelloX", "-1\r\n", "0\r\nA : b\r\n\r\n"}) {
    test::Peer client = request(post("/echo", "Transfer-Encoding: chunked\r\n", body) + get("/smuggled"));
    const std::string text = client.read_all();
    EXPECT_TRUE(text.starts_with("HTTP/1.1 400 ")) << body << text;
    EXPECT_TRUE(last().body_failed);
    EXPECT_EQ(last().body_cause, Cause::protocol) << body;
    EXPECT_EQ(last().path, "/echo");
  }
}

TEST_F(ExchangeTest, ABodyThatStopsFailsInTime) {
  options_.timeouts.body = milliseconds(100);
  listen();
  test::Peer client = request(post("/echo", "Content-Length: 5\r\n", "hel"));
  EXPECT_TRUE(client.read_all().starts_with("HTTP/1.1 408 "));
  EXPECT_EQ(last().body_cause, Cause::timeout);
}

TEST_F(ExchangeTest, ABodyThatEndsTooEarly) {
  listen();
  test::Peer client = request(post("/echo", "Content-Length: 5\r\n", "hel"));
  client.finish();
  client.read_all();
  EXPECT_TRUE(last().body_failed);
  EXPECT_EQ(last().body_cause, Cause::closed);
}

TEST_F(ExchangeTest, AnswersWithoutABody) {
  listen();
  test::Peer client = connect();
  struct Row {
    const char* request;
    const char* answer;
  };
  for (const Row& row :
       {Row{"HEAD /", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"},
        Row{"GET /empty204", "HTTP/1.1 204 No Content\r\n\r\n"},
        Row{"GET /same304", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"},
        Row{"GET /hint", "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"}}) {
    client.send(std::string(row.request) + " HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(client.read(std::string_view(row.answer).size()), row.answer) << row.request;
    EXPECT_TRUE(client.is_silent()) << row.request;
  }
}

TEST_F(ExchangeTest, AnAnswerOfUnknownLengthGoesInChunksAsItComes) {
  listen();
  test::Peer client = request(get("/stream"));
  EXPECT_EQ(client.read_to("\r\n\r\n"), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  push("hello");
  EXPECT_EQ(client.read(10), "5\r\nhello\r\n");
  push(std::string(26, 'x'));
  EXPECT_EQ(client.read(32), "1a\r\n" + std::string(26, 'x') + "\r\n");
  driver_.on_loop([&] {
    handler_.pushed->add_trailer("Digest", "d");
    handler_.pushed->finish();
  });
  EXPECT_EQ(client.read(16), "0\r\nDigest: d\r\n\r\n");
  EXPECT_EQ(last().sent->end, Sent::End::completed);
  EXPECT_EQ(last().sent->body_bytes, 31u);
  client.send(get("/"));
  EXPECT_EQ(client.read(std::string_view(kHello).size()), kHello);
}

TEST_F(ExchangeTest, ForHttp10ItEndsWithTheConnection) {
  listen();
  test::Peer client = request("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  push("hello");
  driver_.on_loop([&] { handler_.pushed->finish(); });
  EXPECT_EQ(client.read_all(), "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello");
}

// The client must see a broken transfer: no last chunk, and a reset, since an end in order looks like the whole.
TEST_F(ExchangeTest, ABodyThatBreaksIsABrokenTransfer) {
  listen(true);
  for (const char* version : {"1.1", "1.0"}) {
    handler_.pushed = std::make_unique<test::PushedBody>();
    test::Peer client = request("GET /stream HTTP/" + std::string(version) + "\r\nHost: a\r\n\r\n");
    push("part");
    client.read_to("part");
    driver_.on_loop([&] { handler_.pushed->fail({Side::backend, Cause::closed, false, {}, "testing"}); });
    const std::string rest = client.read_all();
    EXPECT_EQ(rest.find("0\r\n\r\n"), std::string::npos);
    EXPECT_TRUE(client.was_reset()) << version;
    EXPECT_EQ(last().sent->end, Sent::End::body_failed);
    EXPECT_EQ(last().sent->error.side, Side::backend);
    EXPECT_EQ(last().sent->body_bytes, 4u);
  }
}

TEST_F(ExchangeTest, ABodyThatBreaksBeforeItsBeginCanStillBeAnsweredInWords) {
  listen();
  handler_.pushed->fail({Side::backend, Cause::protocol, false, {}, "testing"});
  test::Peer client = request(get("/stream") + get("/"));
  const std::string expected = "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 5\r\n\r\nsorry";
  EXPECT_EQ(client.read(expected.size()), expected);
  EXPECT_EQ(client.read(std::string_view(kHello).size()), kHello) << "the connection is kept";
}

TEST_F(ExchangeTest, AResetIsNoAnswer) {
  listen(true);
  test::Peer client = request(get("/reset") + get("/behind"));
  EXPECT_TRUE(client.ends());
  EXPECT_TRUE(client.was_reset());
  EXPECT_EQ(handler_.seen.size(), 1u);
}

TEST_F(ExchangeTest, AClientThatReadsNothingIsGivenUp) {
  options_.timeouts.send = milliseconds(100);
  listen();
  test::Peer client = request(get("/large"));
  ASSERT_TRUE(sent());
  EXPECT_EQ(last().sent->end, Sent::End::client_timeout);
  EXPECT_LT(last().sent->body_bytes, ScriptedHandler::kLarge);
  EXPECT_TRUE(all_gone());
}

TEST_F(ExchangeTest, ASlowClientThatGoesOnReadingIsNot) {
  options_.timeouts.send = milliseconds(1000);
  listen();
  test::Peer client = request(get("/large"));
  EXPECT_TRUE(client.read_head().find("Content-Length: 16000000\r\n") != std::string::npos);
  EXPECT_EQ(client.read(ScriptedHandler::kLarge).size(), ScriptedHandler::kLarge);
  ASSERT_TRUE(sent());
  EXPECT_EQ(last().sent->end, Sent::End::completed);
}

TEST_F(ExchangeTest, AClientThatGoesWhileItIsAnswered) {
  listen(true);
  test::Peer client = request(get("/large"));
  client.read(100);
  client.reset();
  ASSERT_TRUE(sent());
  EXPECT_EQ(last().sent->end, Sent::End::client_reset);
  EXPECT_TRUE(all_gone());
}

TEST_F(ExchangeTest, AClientThatGoesWhileNothingHappensIsNoticed) {
  listen(true);
  test::Peer waits = request(get("/hold"));
  ASSERT_TRUE(seen(1));
  waits.reset();
  ASSERT_TRUE(driver_.until([&] { return last().was_gone; }));
  test::Peer reads = request(get("/stream"));
  ASSERT_TRUE(seen(2));
  push("x");
  reads.read_to("x");
  reads.reset();
  ASSERT_TRUE(sent());
  EXPECT_EQ(last().sent->end, Sent::End::client_reset);
  EXPECT_TRUE(all_gone());
}

// A client may end its side after the request (as `nc -N` does): it still waits for the answer.
TEST_F(ExchangeTest, AClientThatOnlyFinishedSendingIsStillThere) {
  listen(true);
  test::Peer client = request(get("/hold"));
  client.finish();
  ASSERT_TRUE(seen(1));
  ASSERT_TRUE(driver_.pass(milliseconds(20)));
  EXPECT_FALSE(last().was_gone);
  driver_.on_loop([&] { handler_.release(); });
  EXPECT_TRUE(client.read_all().ends_with("\r\n\r\nheld"));
}

class TunnelTest : public FrontTest {
 protected:
  static constexpr const char* kUpgrade =
      "GET /tunnel HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
  static constexpr const char* kSwitched =
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
  // An open tunnel.
  test::Peer open(const std::string& early = {}) {
    test::Peer client = request(kUpgrade + early);
    EXPECT_EQ(client.read_head(), kSwitched);
    return client;
  }
  [[nodiscard]] bool heard(const std::string& text) {
    return driver_.until([&] { return last().body == text; });
  }
};

TEST_F(TunnelTest, OctetsFlowBothWaysAsTheyAre) {
  listen();
  test::Peer client = open("early ");
  client.send("bird");
  EXPECT_TRUE(heard("early bird"));
  push("from the server");
  EXPECT_EQ(client.read(15), "from the server");
  client.send(" again");
  EXPECT_TRUE(heard("early bird again"));
}

TEST_F(TunnelTest, TheClientEndsItsSideAndGoesOnListening) {
  listen();
  test::Peer client = open();
  client.send("good bye");
  client.finish();
  EXPECT_TRUE(heard("good bye"));
  push("still here");
  EXPECT_EQ(client.read(10), "still here");
  driver_.on_loop([&] { handler_.pushed->finish(); });
  EXPECT_TRUE(client.ends());
  EXPECT_EQ(last().sent->end, Sent::End::completed);
  EXPECT_FALSE(last().body_failed);
  EXPECT_TRUE(all_gone());
}

TEST_F(TunnelTest, TheServerEndsItsSideFirst) {
  listen();
  test::Peer client = open();
  push("last words");
  driver_.on_loop([&] { handler_.pushed->finish(); });
  EXPECT_EQ(client.read_all(), "last words");
  client.close();
  EXPECT_TRUE(all_gone());
}

TEST_F(TunnelTest, ASilentTunnelEndsInTime) {
  options_.timeouts.tunnel = milliseconds(100);
  listen();
  test::Peer client = open();
  EXPECT_TRUE(client.ends());
  ASSERT_TRUE(sent());
  EXPECT_EQ(last().sent->end, Sent::End::client_timeout);
}

TEST_F(TunnelTest, AnyOctetKeepsItOpen) {
  options_.timeouts.tunnel = milliseconds(500);
  listen();
  test::Peer client = open();
  const auto begin = std::chrono::steady_clock::now();
  for (bool up = true; std::chrono::steady_clock::now() - begin < milliseconds(1500); up = !up) {
    if (up)
      client.send(".");
    else
      push(".");
    ASSERT_TRUE(driver_.pass(milliseconds(20)));
  }
  EXPECT_FALSE(last().sent) << "it is still open";
}

TEST_F(TunnelTest, AClientThatGoesEndsIt) {
  listen(true);
  test::Peer client = open();
  client.reset();
  ASSERT_TRUE(sent());
  EXPECT_EQ(last().sent->end, Sent::End::client_reset);
  EXPECT_TRUE(all_gone());
}

}  // namespace
}  // namespace shellac::front
