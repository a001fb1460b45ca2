// What comes of one request, by what its backends do.
#include "proxy/fetching.hpp"

namespace shellac::proxy {
namespace {

// Backends that break the protocol or their promise before a head is there: what the client, the log and the metric
// are told.
struct BadAnswer {
  const char* name;
  std::string text;
  int status;
  const char* proxy_status;
  const char* reason;
};
void PrintTo(const BadAnswer& bad, std::ostream* out) { *out << bad.name; }
class BadAnswers : public Fetching, public ::testing::WithParamInterface<BadAnswer> {};

TEST_P(BadAnswers, AreABadGateway) {
  MuxStream& a = exchange(client_.get("/"), GetParam().text);
  EXPECT_EQ(a.status(), GetParam().status);
  EXPECT_EQ(a.field("Proxy-Status"), std::string("shellac; error=") + GetParam().proxy_status);
  EXPECT_EQ(a.field("Cache-Control"), "no-store");
  EXPECT_EQ(last().ended, Ended::backend_error);
  EXPECT_EQ(last().reason, GetParam().reason);
  EXPECT_EQ(last().backend, "b1");
  EXPECT_EQ(last().attempts, 1);
  EXPECT_EQ(pool("web").backend().server->idle.load(), 0u);
  EXPECT_EQ(counted(std::string("shellac_backend_errors_total{pool=\"web\",backend=\"b1\",reason=\"") +
                    GetParam().reason + "\"}"),
            1);
}

std::string interim(int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += "HTTP/1.1 103 Early Hints\r\n\r\n";
  return text;
}

INSTANTIATE_TEST_SUITE_P(
    All, BadAnswers,
    ::testing::Values(
        BadAnswer{"nothing", "", 502, "http_response_incomplete", "closed"},
        BadAnswer{"half_head", "HTTP/1.1 200 OK\r\nContent-", 502, "http_response_incomplete", "closed"},
        BadAnswer{"no_http", "SSH-2.0-OpenSSH_9.2\r\n\r\n", 502, "http_protocol_error", "protocol"},
        BadAnswer{"both_lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 502,
                  "http_protocol_error", "protocol"},
        BadAnswer{"two_lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 502,
                  "http_protocol_error", "protocol"},
        BadAnswer{"other_coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", 502, "http_protocol_error",
                  "protocol"},
        BadAnswer{"space_before_colon", "HTTP/1.1 200 OK\r\nA : b\r\n\r\n", 502, "http_protocol_error", "protocol"},
        BadAnswer{"folded", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", 502, "http_protocol_error", "protocol"},
        BadAnswer{"bare_lf", "HTTP/1.1 200 OK\nA: b\n\n", 502, "http_protocol_error", "protocol"},
        BadAnswer{"flood_of_interim", interim(17) + kEmpty, 502, "http_protocol_error", "protocol"},
        BadAnswer{"unasked_upgrade", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
                  502, "http_protocol_error", "protocol"},
        BadAnswer{"body_on_204", "HTTP/1.1 204 No Content\r\n\r\nbody", 502, "http_protocol_error", "protocol"},
        BadAnswer{"body_on_304", "HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nbody", 502,
                  "http_protocol_error", "protocol"},
        BadAnswer{"huge_head", "HTTP/1.1 200 OK\r\nA: " + std::string(70'000, 'x') + "\r\n\r\n", 502,
                  "http_protocol_error", "protocol"}),
    [](const auto& row) { return row.param.name; });

TEST_F(Fetching, SixteenInterimAnswersAreNoFlood) {
  MuxStream& a = exchange(client_.get("/"), interim(16) + kEmpty);
  EXPECT_EQ(a.status(), 200);
  EXPECT_EQ(a.interim(), std::vector<int>(16, 103));
}

TEST_F(Fetching, InterimAnswersArePassedOnAtOnce) {
  MuxStream& a = client_.get("/");
  test::Peer server = pool("web").accept();
  server.read_head();
  server.send("HTTP/1.1 102 Processing\r\n\r\n");
  ASSERT_TRUE(driver_.until([&] { return a.interim() == std::vector<int>{102}; }));
  EXPECT_EQ(a.status(), 0);
  server.send("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
  ASSERT_TRUE(over(a));
  EXPECT_EQ(a.interim(), (std::vector<int>{102, 103}));
  EXPECT_EQ(a.text(), "x");
}

// Breaking after the head: the client sees a broken transfer, never a short answer that looks whole.
TEST_F(Fetching, ABodyThatBreaksIsABrokenTransfer) {
  struct Row {
    const char* answer;
    const char* reason;
    std::uint64_t bytes;
  };
  for (const Row& row : {Row{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", "closed", 3},
                         Row{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "closed", 3},
                         Row{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcX\r\n", "protocol", 3},
                         Row{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n", "closed", 3}}) {
    MuxStream& a = client_.get("/");
    test::Peer server = pool("web").accept();
    server.read_head();
    const std::string_view answer = row.answer;
    const std::size_t head = answer.find("\r\n\r\n") + 4;
    server.send(answer.substr(0, head));
    ASSERT_TRUE(driver_.until([&] { return a.status() == 200; }));
    server.send(answer.substr(head));
    server.finish();
    ASSERT_TRUE(over(a)) << row.answer;
    EXPECT_TRUE(a.was_reset()) << row.answer;
    EXPECT_FALSE(a.is_complete()) << row.answer;
    EXPECT_EQ(last().ended, Ended::backend_error) << row.answer;
    EXPECT_EQ(last().status, 200);
    EXPECT_EQ(last().reason, row.reason) << row.answer;
    EXPECT_EQ(last().bytes_out, row.bytes) << row.answer;
    EXPECT_EQ(pool("web").backend().server->idle.load(), 0u);
  }
}

// Nothing was sent yet: the client can still be told in words.
TEST_F(Fetching, ABodyThatIsBrokenFromItsBeginIsABadGateway) {
  for (const char* begin : {"-3\r\n", "x", "3\nabc"}) {
    MuxStream& a =
        exchange(client_.get("/"), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(begin));
    EXPECT_EQ(a.status(), 502) << begin;
    EXPECT_TRUE(a.is_complete());
    EXPECT_EQ(last().ended, Ended::backend_error);
    EXPECT_EQ(last().status, 502);
    EXPECT_EQ(last().reason, "protocol");
  }
}

TEST_F(Fetching, ABodyThatStopsIsABackendTimeout) {
  pool("web").options().timeouts.between_bytes = std::chrono::milliseconds(100);
  MuxStream& a = client_.get("/");
  test::Peer server = pool("web").accept();
  server.read_head();
  server.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc");
  ASSERT_TRUE(over(a));
  EXPECT_TRUE(a.was_reset());
  EXPECT_EQ(last().ended, Ended::backend_timeout);
  EXPECT_EQ(last().reason, "timeout");
  EXPECT_TRUE(server.ends());
}

TEST_F(Fetching, ASilentBackendIsAGatewayTimeout) {
  pool("web").options().timeouts.first_byte = std::chrono::milliseconds(100);
  MuxStream& a = client_.get("/");
  test::Peer server = pool("web").accept();
  server.read_head();
  ASSERT_TRUE(over(a));
  EXPECT_EQ(a.status(), 504);
  EXPECT_EQ(a.field("Proxy-Status"), "shellac; error=connection_read_timeout");
  EXPECT_EQ(last().ended, Ended::backend_timeout);
  EXPECT_TRUE(server.ends());
  EXPECT_LT(last().t_first_byte.count(), 0);
}

TEST_F(Fetching, TrailersArePassedOn) {
  MuxStream& a = exchange(client_.get("/"),
                          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nDigest: xyz\r\n\r\n");
  EXPECT_EQ(a.text(), "abc");
  EXPECT_EQ(a.trailers(), "Digest: xyz\n");
  EXPECT_TRUE(a.is_complete());
}

TEST_F(Fetching, TheClientsTrailersArePassedOn) {
  MuxStream& a = client_.post("/");
  on_loop([&] {
    a.body().put("abc");
    a.body().add_trailer("Digest", "xyz");
    a.body().finish();
  });
  test::Peer server = pool("web").accept();
  EXPECT_NE(server.read_head().find("Transfer-Encoding: chunked\r\n"), std::string::npos);
  EXPECT_EQ(server.read_to("\r\n\r\n"), "3\r\nabc\r\n0\r\nDigest: xyz\r\n\r\n");
  server.send(kEmpty);
  ASSERT_TRUE(over(a));
}

TEST_F(Fetching, AnswersWithoutABody) {
  struct Row {
    const char* method;
    const char* answer;
    int status;
    std::optional<std::uint64_t> told_length;
  };
  for (const Row& row : {Row{"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 200, 5},
                         Row{"HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 200, std::nullopt},
                         Row{"GET", "HTTP/1.1 204 No Content\r\n\r\n", 204, std::nullopt},
                         Row{"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, 5},
                         Row{"GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, std::nullopt}}) {
    MuxStream& a = client_.open({.head = std::string(row.method) + " / HTTP/1.1\r\nHost: a\r\n\r\n"});
    test::Peer server = pool("web").accept();
    server.read_head();
    server.send(row.answer);
    ASSERT_TRUE(over(a)) << row.answer;
    EXPECT_EQ(a.status(), row.status);
    EXPECT_EQ(a.text(), "");
    EXPECT_TRUE(a.is_complete());
    if (row.told_length) {
      EXPECT_EQ(a.told_length(), row.told_length) << row.answer;
    }
    // Such an answer is whole with its head: the connection is kept.
    EXPECT_EQ(pool("web").backend().server->idle.load(), 1u) << row.answer;
    server.close();
    ASSERT_TRUE(driver_.until([&] { return pool("web").backend().server->idle.load() == 0; }));
  }
}

TEST_F(Fetching, AnAnswerThatLastsUntilTheConnectionEnds) {
  MuxStream& a = exchange(client_.get("/"), "HTTP/1.0 200 OK\r\n\r\nall of it");
  EXPECT_EQ(a.text(), "all of it");
  EXPECT_TRUE(a.is_complete());
  EXPECT_EQ(last().ended, Ended::completed);
  EXPECT_EQ(pool("web").backend().server->idle.load(), 0u);
}

TEST_F(Fetching, NoBackendIsAskedBeforeTheBodysBeginIsHere) {
  MuxStream& a = client_.post("/");
  on_loop([&] { a.body().put("begin"); });
  EXPECT_TRUE(driver_.pass(std::chrono::milliseconds(5)));
  EXPECT_TRUE(pool("web").server(1).is_quiet());
  on_loop([&] { a.body().finish(); });
  exchange(a, kEmpty);
  EXPECT_NE(request_.find("Content-Length: 5\r\n"), std::string::npos) << "whole, so its length is known: " << request_;
}

// What the client did wrong, on a route that takes 10 octets.
TEST_F(Fetching, ABodyThatIsTooLarge) {
  MuxStream& told = client_.open({.head = "PUT /small HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n"});
  ASSERT_TRUE(over(told));
  EXPECT_EQ(told.status(), 413);
  EXPECT_EQ(last().ended, Ended::refused);
  EXPECT_EQ(last().reason, "max_body");
  MuxStream& untold = client_.post("/small");
  on_loop([&] { untold.body().put("eleven octs"); });
  ASSERT_TRUE(over(untold));
  EXPECT_EQ(untold.status(), 413);
  EXPECT_EQ(last().ended, Ended::refused);
  EXPECT_EQ(last().reason, "too_large");
  EXPECT_TRUE(pool("web").server(1).is_quiet());
  MuxStream& fits = client_.post("/small");
  on_loop([&] {
    fits.body().put("ten octets");
    fits.body().finish();
  });
  EXPECT_EQ(exchange(fits, kEmpty).status(), 200);
}

TEST_F(Fetching, ABodyThatTurnsOutTooLargeOnItsWay) {
  pool("web").options().buffer_request = {0};
  MuxStream& a = client_.post("/small");
  test::Peer server = pool("web").accept();
  server.read_head();
  on_loop([&] { a.body().put("ten octets"); });
  server.read_to("ten octets");
  on_loop([&] { a.body().put("!"); });
  ASSERT_TRUE(over(a));
  EXPECT_EQ(a.status(), 413);
  server.read_to("\r\n");
  EXPECT_TRUE(server.ends()) << "the backend never sees the end of it";
}

TEST_F(Fetching, AClientThatStopsSending) {
  for (const Bytes buffer : {64_KiB, 0_B}) {
    pool("web").options().buffer_request = buffer;
    MuxStream& a = client_.post("/");
    on_loop([&] {
      a.body().put("part");
      a.fail(Cause::timeout);
    });
    ASSERT_TRUE(over(a));
    EXPECT_EQ(a.status(), 408);
    EXPECT_EQ(last().ended, Ended::client_timeout);
    EXPECT_EQ(last().reason, "timeout");
  }
}

TEST_F(Fetching, ABodyThatIsMalformed) {
  MuxStream& a = client_.post("/");
  on_loop([&] { a.fail(Cause::protocol); });
  ASSERT_TRUE(over(a));
  EXPECT_EQ(a.status(), 400);
  EXPECT_EQ(last().ended, Ended::refused);
}

TEST_F(Fetching, AnExpectationIsTheBackendsToGrant) {
  MuxStream& a =
      client_.open({.head = "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"});
  test::Peer server = pool("web").accept();
  EXPECT_NE(server.read_head().find("Expect: 100-continue\r\n"), std::string::npos);
  on_loop([&] { a.body().put("body"); });
  EXPECT_TRUE(server.is_silent());
  server.send("HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(server.read(4), "body");
  EXPECT_EQ(a.interim(), std::vector<int>{100});
  on_loop([&] { a.body().finish(); });
  server.send(kEmpty);
  ASSERT_TRUE(over(a));
  EXPECT_EQ(a.status(), 200);
}

TEST_F(Fetching, AnExpectationThatIsRefused) {
  MuxStream& a =
      client_.open({.head = "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"});
  test::Peer server = pool("web").accept();
  server.read_head();
  server.send("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n");
  ASSERT_TRUE(over(a));
  EXPECT_EQ(a.status(), 417);
  EXPECT_EQ(last().bytes_in, 0u);
  EXPECT_TRUE(server.ends()) << "the backend still waits for a body there";
}

TEST_F(Fetching, AnUpgradeBecomesATunnel) {
  MuxStream& a = client_.open(
      {.head = "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", .is_http1 = true});
  test::Peer server = pool("web").accept();
  const std::string head = server.read_head();
  EXPECT_NE(head.find("Upgrade: websocket\r\n"), std::string::npos) << head;
  server.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello");
  ASSERT_TRUE(got(a, "hello"));
  EXPECT_EQ(a.status(), 101);
  EXPECT_EQ(a.field("Upgrade"), "websocket");
  on_loop([&] { a.tunnel().put("from the client"); });
  EXPECT_EQ(server.read(15), "from the client");
  on_loop([&] { a.tunnel().finish(); });
  EXPECT_TRUE(server.ends()) << "the client's end is passed on";
  server.send(", and good bye");
  server.close();
  ASSERT_TRUE(over(a));
  EXPECT_EQ(a.text(), "hello, and good bye");
  EXPECT_EQ(last().ended, Ended::completed);
  EXPECT_EQ(last().status, 101);
}

TEST_F(Fetching, WithoutBuffersARequestIsRefused) {
  driver_.budget().set_max({0});
  MuxStream& a = client_.post("/");
  on_loop([&] {
    a.body().put("x");
    a.body().finish();
  });
  ASSERT_TRUE(over(a));
  EXPECT_EQ(a.status(), 503);
  EXPECT_EQ(last().ended, Ended::limit);
}

}  // namespace
}  // namespace shellac::proxy
