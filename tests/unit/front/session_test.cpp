// Requests of one HTTP/1 connection after each other.
#include <chrono>

#include "front/fixture.hpp"
#include "shellac/core/limits.hpp"

namespace shellac::front {
namespace {

using std::chrono::milliseconds;

class Session : public FrontTest {};

TEST_F(Session, AConnectionIsKept) {
  listen();
  test::Peer client = connect();
  for (int i = 0; i < 3; ++i) {
    client.send(get("/" + std::to_string(i)));
    EXPECT_EQ(client.read(std::string_view(kHello).size()), kHello);
    EXPECT_EQ(last().path, "/" + std::to_string(i));
  }
  client.finish();
  EXPECT_TRUE(client.ends());
  EXPECT_TRUE(all_gone());
  EXPECT_EQ(connections_with("ok"), 1);
}

TEST_F(Session, WhoIsIdleHoldsNoBuffer) {
  listen();
  test::Peer never = connect();
  test::Peer used = request(get("/"));
  used.read(std::string_view(kHello).size());
  ASSERT_TRUE(driver_.until([&] { return frontend_.connections() == 2; }));
  driver_.turn();
  EXPECT_EQ(driver_.budget().used().count, 0u);
  used.send("G");  // the begin of the next request
  ASSERT_TRUE(driver_.until([&] { return driver_.budget().used().count > 0; }));
  EXPECT_EQ(driver_.budget().used().count, limits::kHeadBuffer);
  used.send(std::string_view(get("/")).substr(1));
  used.read(std::string_view(kHello).size());
  driver_.turn();
  EXPECT_EQ(driver_.budget().used().count, 0u);
}

TEST_F(Session, PipelinedRequestsAreAnsweredInOrder) {
  listen();
  std::string all, expected;
  for (int i = 0; i < 100; ++i) {
    const std::string text = std::to_string(i);
    all += "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(text.size()) + "\r\n\r\n" + text;
    expected += "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(text.size()) + "\r\n\r\n" + text;
  }
  test::Peer client = request(all);
  EXPECT_EQ(client.read(expected.size()), expected);
  EXPECT_EQ(driver_.budget().used().count, 0u);
}

TEST_F(Session, PipelinedRequestsLetOthersHaveTheirTurn) {
  listen();
  std::string many;
  for (int i = 0; i < 200; ++i) many += get("/many");
  test::Peer greedy = connect(), modest = connect();
  ASSERT_TRUE(driver_.until([&] { return frontend_.connections() == 2; }));
  // Both are there before the loop looks again.
  ASSERT_EQ(greedy.send_some(many), many.size());
  const std::string one = get("/modest");
  ASSERT_EQ(modest.send_some(one), one.size());
  modest.read(std::string_view(kHello).size());
  std::size_t before = 0;
  while (handler_.seen[before]->path != "/modest") ++before;
  EXPECT_LE(before, static_cast<std::size_t>(2 * limits::kPipelineBatch));
  for (int i = 0; i < 200; ++i) greedy.read(std::string_view(kHello).size());
}

// The verdict on a head does not depend on how it arrives.
TEST_F(Session, EveryHeadSplitAtEveryByte) {
  listen();
  const std::string good = "\r\nGET /split?q HTTP/1.1\r\nHost: a\r\nX-Long: some value\r\n\r\n";
  const std::string bad = "GET / HTTP/1.1\r\nHost: a\r\nX-Bad : b\r\n\r\n";
  for (std::size_t at = 1; at < good.size(); ++at) {
    test::Peer client = request(good.substr(0, at));
    driver_.turn();
    client.send(good.substr(at));
    ASSERT_EQ(client.read(std::string_view(kHello).size()), kHello) << at;
    EXPECT_EQ(last().path, "/split");
  }
  for (std::size_t at = 1; at < bad.size(); ++at) {
    test::Peer client = request(bad.substr(0, at));
    driver_.turn();
    client.send(bad.substr(at));
    ASSERT_TRUE(client.read_all().starts_with("HTTP/1.1 400 ")) << at;
  }
}

TEST_F(Session, ARequestThatComesInSingleBytes) {
  listen();
  test::Peer client = connect();
  const std::string text =
      "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n\r\n";
  for (const char octet : text) {
    client.send({&octet, 1});
    driver_.turn();
  }
  EXPECT_EQ(client.read(std::string_view(kHello).size()), kHello);
}

struct RefusedHead {
  const char* name;
  std::string text;
  int status;
};
void PrintTo(const RefusedHead& row, std::ostream* out) { *out << row.name; }
class RefusedHeads : public FrontTest, public ::testing::WithParamInterface<RefusedHead> {};

TEST_P(RefusedHeads, ReachTheHandlerAndEndTheConnection) {
  options_.head_max = 1_KiB;
  options_.fields_max = 5;
  listen();
  test::Peer client = request(GetParam().text + get("/smuggled"));
  const std::string answer = client.read_all();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + std::to_string(GetParam().status) + " ")) << answer;
  EXPECT_NE(answer.find("\r\nConnection: close\r\n"), std::string::npos);
  ASSERT_EQ(handler_.seen.size(), 1u) << "what is behind it is not looked at";
  EXPECT_FALSE(last().refused.empty());
}

INSTANTIATE_TEST_SUITE_P(
    All, RefusedHeads,
    ::testing::Values(
        RefusedHead{"no_host", "GET / HTTP/1.1\r\n\r\n", 400},
        RefusedHead{"two_hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
        RefusedHead{"both_lengths",
                    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        RefusedHead{"other_coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
        RefusedHead{"bare_lf", "GET / HTTP/1.1\nHost: a\n\n", 400},
        RefusedHead{"folded", "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", 400},
        RefusedHead{"nul", std::string("GET / HTTP/1.1\r\nHost: a\r\nA: \0\r\n\r\n", 34), 400},
        RefusedHead{"version", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
        RefusedHead{"method", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
        RefusedHead{"connect", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 405},
        RefusedHead{"long_field", "GET / HTTP/1.1\r\nHost: a\r\nA: " + std::string(2000, 'x') + "\r\n\r\n", 431},
        RefusedHead{"many_fields", "GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nA: 2\r\nA: 3\r\nA: 4\r\nA: 5\r\n\r\n", 431},
        RefusedHead{"tls_on_a_plain_port", "\x16\x03\x01\x02", 400}),
    [](const auto& row) { return row.param.name; });

TEST_F(Session, ATargetThatIsTooLong) {
  listen();
  test::Peer client = request("GET /" + std::string(17'000, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(client.read_all().starts_with("HTTP/1.1 414 "));
}

TEST_F(Session, AHeadThatIsNotFinishedInTime) {
  options_.timeouts.head = milliseconds(100);
  listen();
  test::Peer begun = request("GET / HT");
  EXPECT_TRUE(begun.read_all().starts_with("HTTP/1.1 408 "));
  EXPECT_EQ(last().refused, "head_timeout");
  // Who says nothing is told nothing, and is not logged.
  test::Peer silent = connect();
  EXPECT_TRUE(silent.ends());
  test::Peer blank = request("\r\n");
  EXPECT_TRUE(blank.ends());
  EXPECT_EQ(handler_.seen.size(), 1u);
}

// A request that fills the buffer to its end leaves it open whether more is there: the look at it must not give the
// next head the time of an idle connection.
TEST_F(Session, TheTimeForAHeadBeginsWithItsFirstOctet) {
  options_.timeouts.head = milliseconds(100);
  listen();
  std::string first = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
  first += std::string(limits::kHeadBuffer - first.size() - 4, 'x') + "\r\n\r\n";
  ASSERT_EQ(first.size(), limits::kHeadBuffer);
  test::Peer client = request(first);
  client.read(std::string_view(kHello).size());
  driver_.turn();
  client.send("GET / HT");
  EXPECT_TRUE(client.read_all().starts_with("HTTP/1.1 408 "));
}

TEST_F(Session, DribblingDoesNotProlongTheHeadsTime) {
  options_.timeouts.head = milliseconds(300);
  options_.head_max = 64_KiB;
  options_.fields_max = 1000;
  listen();
  test::Peer client = request("GET / HTTP/1.1\r\nHost: a\r\n");
  for (int i = 0; i < 2000 && handler_.seen.empty(); ++i) {
    client.send_some("A: b\r\n");
    ASSERT_TRUE(driver_.pass(milliseconds(10)));
  }
  EXPECT_EQ(last().refused, "head_timeout");
}

TEST_F(Session, AnIdleConnectionEndsInTime) {
  options_.timeouts.idle = milliseconds(100);
  listen();
  test::Peer client = request(get("/"));
  EXPECT_EQ(client.read_all(), kHello) << "and then the end, without a 408";
  client.close();
  EXPECT_TRUE(all_gone());
  EXPECT_EQ(handler_.seen.size(), 1u);
}

TEST_F(Session, Http10) {
  listen();
  test::Peer plain = request("GET / HTTP/1.0\r\n\r\n");
  EXPECT_EQ(plain.read_all(), kHelloAndClose);
  test::Peer kept = request("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const std::string expected = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello";
  EXPECT_EQ(kept.read(expected.size()), expected);
  kept.send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_EQ(kept.read_all(), kHelloAndClose);
  // RFC 9110 §15.2: no interim answers for it.
  test::Peer hint = request("GET /hint HTTP/1.0\r\n\r\n");
  EXPECT_EQ(hint.read_all(), kHelloAndClose);
}

TEST_F(Session, CloseIsObeyed) {
  listen();
  test::Peer client = request("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + get("/behind"));
  EXPECT_EQ(client.read_all(), kHelloAndClose);
  EXPECT_EQ(handler_.seen.size(), 1u);
}

TEST_F(Session, ABodyThatNobodyReadEndsTheConnection) {
  listen();
  test::Peer client = request("POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nbegin");
  EXPECT_EQ(client.read_all(), kHelloAndClose);
}

// RFC 9112 §9.6: a client that is still sending gets the answer, not a reset that swallows it.
TEST_F(Session, TheEndLingers) {
  listen(true);
  test::Peer client = request("POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
  EXPECT_TRUE(client.send(std::string(100'000, 'x')));
  ASSERT_TRUE(sent());
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(client.send(std::string(100'000, 'x'))) << i;
    driver_.turn();
  }
  EXPECT_EQ(client.read_all(), kHelloAndClose);
  EXPECT_FALSE(client.was_reset());
  client.finish();
  EXPECT_TRUE(all_gone());
}

TEST_F(Session, TheEndDoesNotLingerForEver) {
  listen(true);
  test::Peer endless = request("POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n");
  ASSERT_TRUE(sent());
  const std::string more(100'000, 'x');
  EXPECT_TRUE(driver_.until([&] {
    endless.send_some(more);
    return frontend_.connections() == 0;
  }));
  test::Peer idle = request("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(all_gone()) << "although the client does not end its side";
  EXPECT_EQ(idle.read_all(), kHelloAndClose);
}

TEST_F(Session, DrainingEndsIdleConnectionsNowAndOthersAfterTheirAnswer) {
  listen();
  test::Peer idle = request(get("/"));
  idle.read(std::string_view(kHello).size());
  test::Peer fresh = connect();
  test::Peer busy = request(get("/hold"));
  ASSERT_TRUE(seen(2));
  ASSERT_TRUE(driver_.until([&] { return frontend_.connections() == 3; }));
  driver_.on_loop([&] { frontend_.drain(); });
  EXPECT_TRUE(idle.ends());
  EXPECT_TRUE(fresh.ends());
  EXPECT_TRUE(busy.is_silent());
  driver_.on_loop([&] { handler_.release(); });
  EXPECT_EQ(busy.read_all(), "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nheld");
  for (test::Peer* client : {&idle, &fresh, &busy}) client->close();
  EXPECT_TRUE(all_gone());
}

TEST_F(Session, WhatArrivedBeforeTheDrainIsAnswered) {
  listen();
  test::Peer client = request(get("/"));
  client.read(std::string_view(kHello).size());
  const std::string next = get("/next");
  ASSERT_EQ(client.send_some(next), next.size());
  driver_.on_loop([&] { frontend_.drain(); });
  const std::string answer = client.read_all();
  EXPECT_TRUE(answer.empty() || answer == kHelloAndClose) << answer;
}

TEST_F(Session, AbortEndsWhateverItIsDoing) {
  listen(true);
  test::Peer busy = request(get("/hold"));
  test::Peer idle = request(get("/"));
  idle.read(std::string_view(kHello).size());
  driver_.on_loop([&] { frontend_.abort_all(); });
  EXPECT_TRUE(all_gone());
  EXPECT_TRUE(busy.ends());
  EXPECT_TRUE(busy.was_reset());
  EXPECT_TRUE(idle.ends());
  EXPECT_TRUE(handler_.seen.front()->was_gone);
  EXPECT_TRUE(handler_.seen.front()->was_cut);
}

TEST_F(Session, WithoutBuffersItSaysSo) {
  listen();
  test::Peer client = connect();
  ASSERT_TRUE(driver_.until([&] { return frontend_.connections() == 1; }));
  // The head's buffer is refused; the answer's own head finds room again.
  driver_.budget().set_max({0});
  client.send(get("/"));
  ASSERT_TRUE(seen(1));
  EXPECT_EQ(last().refused, "buffers");
  client.read_all();
}

}  // namespace
}  // namespace shellac::front
