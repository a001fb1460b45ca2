#include "shellac/upstream/exchange.hpp"

#include <chrono>

#include "shellac/http/parser.hpp"
#include "support/pushed_body.hpp"
#include "upstream/fixture.hpp"

namespace shellac::upstream {
namespace {

using std::chrono::milliseconds;

// What has come of one exchange.
struct Told {
  std::vector<int> heads;  // interim ones and the final one
  std::string text;
  std::string trailers;
  std::optional<Error> error;
  bool over = false;
  bool failed(Cause cause) const { return over && error && error->side == Side::backend && error->cause == cause; }
};

class BackendExchangeTest : public ConnectorTest {
 protected:
  void TearDown() override { drop(); }

  // Sends a request; what follows is told in told_.
  void ask(std::string head, http::Body* body = nullptr) {
    drop();
    told_ = {};
    request_text_ = std::move(head);
    request_ = {};
    ASSERT_FALSE(http::parse_request(request_text_, request_));
    driver_.on_loop([&] {
      exchange_.emplace(
          BackendExchange::Setting{driver_.loop(), connector_, pool_.pool(), pool_.backend(), signal_, caller_});
      work_.emplace();
      work_->start(converse(body));
    });
  }
  void get() { ask("GET /x?y HTTP/1.1\r\nHost: a\r\n\r\n"); }
  // Ends it on its way, as its owner may do at any time.
  void drop() {
    work_.reset();
    exchange_.reset();
  }
  // One request on a new connection, whose answer is `text` and the connection's end.
  Told& answered(const std::string& text) {
    get();
    test::Peer server = pool_.accept();
    server.read_head();
    server.send(text);
    server.finish();
    EXPECT_TRUE(over());
    return told_;
  }
  [[nodiscard]] bool over() {
    return driver_.until([&] { return told_.over; });
  }

  Told told_;
  http::RequestHead request_;
  std::string request_text_;
  std::optional<BackendExchange> exchange_;
  std::optional<net::Child> work_;

 private:
  net::Task<void> converse(http::Body* body) {
    const BackendExchange::Request request{request_, "/x?y", body, {}, {}};
    Reservation reservation = connector_.try_reserve(pool_.pool(), pool_.backend(), request_.authority, true);
    const auto started = co_await exchange_->start(reservation, request);
    if (!started) co_return fail(started.error());
    for (int status = 100; status < 200;) {
      const auto read = co_await exchange_->read_head();
      if (!read) co_return fail(read.error());
      told_.heads.push_back(status = exchange_->head().status);
    }
    co_await read_body();
    told_.over = true;
  }
  net::Task<void> read_body() {
    http::Body* body = exchange_->body();
    for (bool more = body != nullptr; more;) {
      const http::Pull pull = body->try_next(1000, signal_);
      for (const std::string_view piece : pull.data) told_.text += piece;
      if (pull.state == http::Pull::State::failed) told_.error = pull.error;
      if (pull.state == http::Pull::State::pending) co_await signal_.wait();
      more = pull.state == http::Pull::State::more || pull.state == http::Pull::State::pending;
    }
    if (body == nullptr || body->trailers() == nullptr) co_return;
    for (const http::Field& field : *body->trailers())
      told_.trailers += std::string(field.name) + "=" + std::string(field.value) + ";";
  }
  void fail(const Error& error) {
    told_.error = error;
    told_.over = true;
  }
};

TEST_F(BackendExchangeTest, AWholeExchangeGivesItsConnectionBack) {
  get();
  test::Peer server = pool_.accept();
  EXPECT_EQ(server.read_head(), "GET /x?y HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(busy(), 1u);
  server.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
  ASSERT_TRUE(over());
  EXPECT_FALSE(told_.error);
  EXPECT_EQ(told_.text, "hello");
  EXPECT_EQ(idle(), 1u) << "while the exchange is still there";
  EXPECT_EQ(busy(), 0u);
  EXPECT_FALSE(exchange_->reused_connection());
  EXPECT_GE(exchange_->connect_time().count(), 0);
  EXPECT_GE(exchange_->first_byte_time().count(), 0);
  get();
  server.read_head();
  EXPECT_TRUE(exchange_->reused_connection());
  EXPECT_LT(exchange_->connect_time().count(), 0) << "no new connection was made";
  EXPECT_TRUE(exchange_->nothing_received());
  server.send("HTTP/1.1 200 OK\r\n");
  EXPECT_TRUE(driver_.until([&] { return !exchange_->nothing_received(); }));
}

TEST_F(BackendExchangeTest, TheHeadLivesAsLongAsTheExchange) {
  Told& told = answered("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: some value\r\n\r\nok");
  get();  // takes and fills the buffers that went back
  test::Peer server = pool_.accept();
  server.read_head();
  told = {};
  server.send("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nX-B: another\r\n\r\n");
  ASSERT_TRUE(over());
  EXPECT_EQ(exchange_->head().fields.find("X-B")->value, "another");
  give_back(acquire());
  EXPECT_EQ(exchange_->head().fields.find("X-B")->value, "another");
}

// The answer in pieces of one octet is the same answer.
TEST_F(BackendExchangeTest, AnAnswerSplitAtEveryByte) {
  const std::string answer =
      "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n"
      "5\r\nhello\r\nA;x=y\r\n, you all!\r\n0\r\nDigest: d\r\n\r\n";
  for (std::size_t split = 1; split < answer.size(); ++split) {
    get();
    test::Peer server = pool_.accept();
    server.read_head();
    server.send(std::string_view(answer).substr(0, split));
    driver_.turn();
    server.send(std::string_view(answer).substr(split));
    ASSERT_TRUE(over()) << split;
    ASSERT_FALSE(told_.error) << split;
    EXPECT_EQ(told_.heads, (std::vector<int>{103, 200}));
    EXPECT_EQ(told_.text, "hello, you all!");
    EXPECT_EQ(told_.trailers, "Digest=d;");
    EXPECT_EQ(idle(), 1u) << split;
    server.close();
    ASSERT_TRUE(becomes_idle(0));
  }
}

TEST_F(BackendExchangeTest, WhatIsNotKept) {
  for (const char* answer :
       {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok, and more"}) {
    get();
    test::Peer server = pool_.accept();
    server.read_head();
    server.send(answer);
    ASSERT_TRUE(over()) << answer;
    EXPECT_FALSE(told_.error) << answer;
    EXPECT_EQ(told_.text, "ok") << answer;
    EXPECT_EQ(idle(), 0u) << answer;
    EXPECT_EQ(busy(), 0u) << answer;
    EXPECT_TRUE(server.ends()) << "although it would have stayed: " << answer;
  }
  EXPECT_FALSE(answered("HTTP/1.1 200 OK\r\n\r\nuntil the end").error);
  EXPECT_EQ(told_.text, "until the end");
  EXPECT_EQ(idle(), 0u);
}

struct Malformed {
  const char* name;
  std::string answer;
  Cause cause;
};
void PrintTo(const Malformed& row, std::ostream* out) { *out << row.name; }
class MalformedAnswers : public BackendExchangeTest, public ::testing::WithParamInterface<Malformed> {};

TEST_P(MalformedAnswers, FailAndCloseTheConnection) {
  EXPECT_TRUE(answered(GetParam().answer).failed(GetParam().cause))
      << (told_.error ? to_string(told_.error->cause) : "no error");
  drop();
  EXPECT_EQ(idle(), 0u);
  EXPECT_EQ(busy(), 0u);
}

std::string many_fields(int count) {
  std::string text = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < count; ++i) text += "A: b\r\n";
  return text + "\r\n";
}

INSTANTIATE_TEST_SUITE_P(
    All, MalformedAnswers,
    ::testing::Values(
        Malformed{"nothing", "", Cause::closed}, Malformed{"begin", "HTTP/1.1 2", Cause::closed},
        Malformed{"no_end_of_head", "HTTP/1.1 200 OK\r\nA: b\r\n", Cause::closed},
        Malformed{"other_protocol", "220 mail.example ESMTP\r\n\r\n", Cause::protocol},
        Malformed{"version", "HTTP/2.0 200 OK\r\n\r\n", Cause::protocol},
        Malformed{"status", "HTTP/1.1 20 OK\r\n\r\n", Cause::protocol},
        Malformed{"control_byte", "HTTP/1.1 200 OK\r\nA: \x01\r\n\r\n", Cause::protocol},
        Malformed{"bare_cr", "HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n", Cause::protocol},
        Malformed{"negative_length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", Cause::protocol},
        Malformed{"length_overflows", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
                  Cause::protocol},
        Malformed{"lengths_differ", "HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n", Cause::protocol},
        Malformed{"both", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
                  Cause::protocol},
        Malformed{"chunked_in_1_0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Cause::protocol},
        Malformed{"fields", many_fields(257), Cause::protocol},
        Malformed{"head_too_large", "HTTP/1.1 200 OK\r\nA: " + std::string(70'000, 'x'), Cause::protocol},
        Malformed{"unasked_101", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
                  Cause::protocol},
        Malformed{"body_on_204", "HTTP/1.1 204 No Content\r\n\r\nx", Cause::protocol},
        Malformed{"body_on_304", "HTTP/1.1 304 Not Modified\r\n\r\nx", Cause::protocol},
        Malformed{"short_body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", Cause::closed},
        Malformed{"short_chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhell", Cause::closed},
        Malformed{"no_last_chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
                  Cause::closed},
        Malformed{"no_end_of_trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n",
                  Cause::closed},
        Malformed{"chunk_without_crlf", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
                  Cause::protocol},
        Malformed{"chunk_size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x2\r\nab\r\n0\r\n\r\n",
                  Cause::protocol},
        Malformed{"chunk_line_lf", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\nab\r\n0\r\n\r\n",
                  Cause::protocol}),
    [](const auto& row) { return row.param.name; });

TEST_F(BackendExchangeTest, AFloodOfInterimAnswers) {
  const std::string hint = "HTTP/1.1 103 Early Hints\r\n\r\n";
  std::string sixteen;
  for (int i = 0; i < 16; ++i) sixteen += hint;
  EXPECT_FALSE(answered(sixteen + "HTTP/1.1 204 No Content\r\n\r\n").error);
  EXPECT_EQ(told_.heads.size(), 17u);
  EXPECT_TRUE(answered(sixteen + hint + "HTTP/1.1 204 No Content\r\n\r\n").failed(Cause::protocol));
}

TEST_F(BackendExchangeTest, AnAnswerToHeadHasNoBody) {
  for (const char* length : {"Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", ""}) {
    ask("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    test::Peer server = pool_.accept();
    server.read_head();
    server.send("HTTP/1.1 200 OK\r\n" + std::string(length) + "\r\n");
    ASSERT_TRUE(over());
    EXPECT_FALSE(told_.error) << length;
    EXPECT_EQ(exchange_->body(), nullptr);
    EXPECT_EQ(idle(), 1u) << length;
    server.close();
    ASSERT_TRUE(becomes_idle(0));
  }
  ask("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  test::Peer server = pool_.accept();
  server.read_head();
  server.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
  ASSERT_TRUE(over());
  EXPECT_TRUE(told_.failed(Cause::protocol));
}

// The body of an answer that has none comes later: nobody else may get it as an answer.
TEST_F(BackendExchangeTest, ABodyThatComesTooLateClosesTheConnection) {
  ask("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  test::Peer server = pool_.accept();
  server.read_head();
  server.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  ASSERT_TRUE(over());
  EXPECT_EQ(idle(), 1u);
  server.send("hello");
  EXPECT_TRUE(becomes_idle(0));
}

TEST_F(BackendExchangeTest, TheBodyFollowsTheHeadByItself) {
  test::PushedBody body(10);
  ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n", &body);
  test::Peer server = pool_.accept();
  EXPECT_NE(server.read_head().find("Content-Length: 10\r\n"), std::string::npos);
  driver_.on_loop([&] { body.put("01234"); });
  EXPECT_EQ(server.read(5), "01234");
  driver_.on_loop([&] {
    body.put("56789");
    body.finish();
  });
  EXPECT_EQ(server.read(5), "56789");
  server.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  ASSERT_TRUE(over());
  EXPECT_EQ(idle(), 1u);
}

TEST_F(BackendExchangeTest, ABodyOfUnknownLengthGoesInChunks) {
  test::PushedBody body;
  ask("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", &body);
  test::Peer server = pool_.accept();
  EXPECT_NE(server.read_head().find("Transfer-Encoding: chunked\r\n"), std::string::npos);
  driver_.on_loop([&] { body.put("0123456789abcdef"); });
  EXPECT_EQ(server.read(22), "10\r\n0123456789abcdef\r\n");
  driver_.on_loop([&] {
    body.put("");
    body.finish();
  });
  EXPECT_EQ(server.read(5), "0\r\n\r\n");
}

TEST_F(BackendExchangeTest, AnExpectationIsAwaited) {
  test::PushedBody body(4);
  body.put("body");
  body.finish();
  ask("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n", &body);
  test::Peer server = pool_.accept();
  server.read_head();
  EXPECT_TRUE(server.is_silent());
  server.send("HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(server.read(4), "body");
}

// RFC 9110 §10.1.1: a server that knows no expectations says nothing.
TEST_F(BackendExchangeTest, AnExpectationIsNotAwaitedForEver) {
  test::PushedBody body(4);
  body.put("body");
  body.finish();
  ask("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n", &body);
  test::Peer server = pool_.accept();
  server.read_head();
  EXPECT_EQ(server.read(4), "body");
}

TEST_F(BackendExchangeTest, AnEarlyAnswerEndsTheSendingAndTheConnection) {
  test::PushedBody body(10);
  ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n", &body);
  test::Peer server = pool_.accept();
  server.read_head();
  driver_.on_loop([&] { body.put("01234"); });
  server.read(5);
  server.send("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno");
  ASSERT_TRUE(over());
  EXPECT_FALSE(told_.error);
  EXPECT_EQ(told_.heads, std::vector<int>{401});
  EXPECT_EQ(told_.text, "no");
  EXPECT_FALSE(body.is_awaited());
  EXPECT_TRUE(server.ends());
  EXPECT_EQ(idle(), 0u);
}

// The sender gives up on a server that takes nothing; when the server answers all the same, the next request on that
// connection would be read as the rest of this one's body.
TEST_F(BackendExchangeTest, AConnectionBehindAHalfSentBodyIsNotKept) {
  pool_.options().timeouts.between_bytes = milliseconds(100);
  test::PushedBody body(4'000'000);
  body.put(std::string(4'000'000, 'x'));
  body.finish();
  ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000\r\n\r\n", &body);
  test::Peer server = pool_.accept();
  ASSERT_TRUE(driver_.pass(milliseconds(600)));  // the deadline of the sending has passed, whatever the clock's ticks
  server.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  ASSERT_TRUE(over());
  EXPECT_EQ(told_.text, "ok");
  EXPECT_EQ(idle(), 0u);
  EXPECT_LT(server.read_all().size(), 4'000'000u);
}

TEST_F(BackendExchangeTest, ABodyThatBreaksEndsTheExchangeForTheClientsReason) {
  test::PushedBody body(10);
  ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n", &body);
  test::Peer server = pool_.accept();
  server.read_head();
  driver_.on_loop([&] { body.fail({Side::client, Cause::timeout, false, {}, "reading the request's body"}); });
  ASSERT_TRUE(over());
  ASSERT_TRUE(told_.error);
  EXPECT_EQ(told_.error->side, Side::client);
  EXPECT_EQ(told_.error->cause, Cause::timeout);
  EXPECT_TRUE(server.ends());
}

TEST_F(BackendExchangeTest, Timeouts) {
  pool_.options().timeouts.first_byte = pool_.options().timeouts.between_bytes = milliseconds(100);
  get();
  test::Peer silent = pool_.accept();
  ASSERT_TRUE(over());
  EXPECT_TRUE(told_.failed(Cause::timeout));
  EXPECT_TRUE(exchange_->nothing_received());
  get();
  test::Peer slow = pool_.accept();
  slow.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
  ASSERT_TRUE(over());
  EXPECT_TRUE(told_.failed(Cause::timeout));
  EXPECT_EQ(told_.text, "hel");
}

// The backend's time to answer begins when it has the whole request.
TEST_F(BackendExchangeTest, ASlowClientDoesNotUseUpTheBackendsTime) {
  pool_.options().timeouts.first_byte = milliseconds(100);
  test::PushedBody body(2);
  ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n", &body);
  test::Peer server = pool_.accept();
  server.read_head();
  driver_.on_loop([&] { body.put("a"); });
  ASSERT_TRUE(driver_.pass(milliseconds(400)));
  EXPECT_FALSE(told_.over);
  driver_.on_loop([&] {
    body.put("b");
    body.finish();
  });
  ASSERT_TRUE(over());
  EXPECT_TRUE(told_.failed(Cause::timeout));
}

TEST_F(BackendExchangeTest, TheCallerGivesUp) {
  get();
  test::Peer server = pool_.accept();
  server.read_head();
  driver_.on_loop([&] { caller_.give_up(Cause::cancelled); });
  ASSERT_TRUE(over());
  ASSERT_TRUE(told_.error);
  EXPECT_EQ(told_.error->cause, Cause::cancelled);
  EXPECT_EQ(told_.error->side, Side::client);
  drop();
  EXPECT_TRUE(server.ends());
}

TEST_F(BackendExchangeTest, DroppedOnItsWayItClosesTheConnection) {
  test::PushedBody body(10);
  ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n", &body);
  test::Peer server = pool_.accept();
  server.read_head();
  EXPECT_TRUE(body.is_awaited());
  drop();
  EXPECT_FALSE(body.is_awaited());
  EXPECT_TRUE(server.ends());
  EXPECT_EQ(busy(), 0u);
  EXPECT_EQ(driver_.budget().used().count, 0u);
}

TEST_F(BackendExchangeTest, ATunnelAfterItsUpgrade) {
  ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
  test::Peer server = pool_.accept();
  EXPECT_NE(server.read_head().find("Upgrade: echo\r\n"), std::string::npos);
  server.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nfirst");
  ASSERT_TRUE(over());
  EXPECT_EQ(told_.heads, std::vector<int>{101});
  test::PushedBody client;
  driver_.on_loop([&] { exchange_->accept_tunnel(client); });
  driver_.on_loop([&] { client.put("0123456789"); });
  EXPECT_EQ(server.read(10), "0123456789") << "raw, without chunks";
  driver_.on_loop([&] {
    client.put("");
    client.finish();
  });
  EXPECT_TRUE(server.ends()) << "the client's half-close is passed on";
  server.send(" and last");
  server.close();
  std::string text;
  bool ended = false;
  ASSERT_TRUE(driver_.until([&] {
    const http::Pull pull = exchange_->body()->try_next(1000, signal_);
    for (const std::string_view piece : pull.data) text += piece;
    return ended = pull.state == http::Pull::State::end;
  }));
  EXPECT_EQ(text, "first and last");
  EXPECT_EQ(idle(), 0u);
}

}  // namespace
}  // namespace shellac::upstream
