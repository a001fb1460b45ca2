#include "shellac/web/server.hpp"

#include <gmock/gmock.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fstream>
#include <stdexcept>

#include "fixture.hpp"

namespace shellac::web {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr auto kShort = std::chrono::milliseconds(20);

// Answers when the test says so.
class Gate {
 public:
  explicit Gate(boost::asio::io_context& context) : timer_(context, Time::max()) {}
  void open() { timer_.cancel(); }
  bool is_entered() const { return entered_; }
  boost::asio::awaitable<Response> wait() {
    entered_ = true;
    co_await timer_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    co_return make_text("late");
  }

 private:
  boost::asio::steady_timer timer_;
  bool entered_ = false;
};

class WebServer : public ServerTest {
 protected:
  WebServer() {
    router.add("GET", "/hello", at_once([](const Request&) { return make_text("hello"); }));
    router.add("POST", "/echo", at_once([](const Request& request) { return make_text(request.body); }), Bytes{8});
    router.add("GET", "/host", at_once([](const Request& request) {
                 return make_text(request.host + " " + request.path + " " + request.query);
               }));
    router.add("GET", "/throw", at_once([](const Request&) -> Response { throw std::runtime_error("secret"); }));
    router.add("GET", "/gate", [this](const Request&) { return gate.wait(); });
  }
  std::string get(const std::string& path) { return talk("GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n"); }
  void run_until_entered() {
    while (!gate.is_entered()) context.run_one();
  }
  Gate gate{context};
};

TEST_F(WebServer, Answers) {
  const auto answer = get("/hello");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Type: text/plain; charset=utf-8\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Length: 5\r\n"));
  EXPECT_THAT(answer, HasSubstr("Date: "));
  EXPECT_THAT(answer, EndsWith("\r\n\r\nhello"));
  EXPECT_THAT(answer, Not(HasSubstr("Connection:")));
}

TEST_F(WebServer, KeepsTheConnectionAndTakesPipelinedRequests) {
  const auto answer = talk(
      "GET /hello HTTP/1.1\r\nHost: h\r\n\r\nPOST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\none"
      "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ntwo\r\n0\r\n\r\n");
  const auto hello = answer.find("\r\n\r\nhello"), one = answer.find("\r\n\r\none"), two = answer.find("\r\n\r\ntwo");
  ASSERT_NE(two, std::string::npos) << answer;
  EXPECT_LT(hello, one);
  EXPECT_LT(one, two);
}

TEST_F(WebServer, ClosesWhenAsked) {
  address = start();
  Peer closing(context, address);
  EXPECT_THAT(closing.send("GET /hello HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").receive_all(),
              HasSubstr("Connection: close\r\n"));
  Peer old(context, address);
  EXPECT_THAT(old.send("GET /hello HTTP/1.0\r\n\r\n").receive_all(), EndsWith("hello"));
}

TEST_F(WebServer, AnswersHeadWithoutBody) {
  const auto answer = talk("HEAD /hello HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Content-Length: 5\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
}

TEST_F(WebServer, TellsWhatIsNotThere) {
  EXPECT_THAT(get("/nowhere"), StartsWith("HTTP/1.1 404 "));
  const auto wrong = talk("DELETE /echo HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(wrong, StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(wrong, HasSubstr("Allow: POST\r\n"));
  EXPECT_THAT(wrong, HasSubstr("Content-Type: application/problem+json\r\n"));
  EXPECT_THAT(wrong, HasSubstr("\"status\":405"));
}

TEST_F(WebServer, RefusesWhatIsAmbiguous) {
  const std::string hello = "GET /hello HTTP/1.1\r\n";
  for (const std::string& request : {
           hello + "\r\n",                                        // no Host
           hello + "Host: a\r\nHost: b\r\n\r\n",                  //
           hello + "Host : a\r\n\r\n",                            //
           std::string("GET hello HTTP/1.1\r\nHost: h\r\n\r\n"),  //
           std::string("GET * HTTP/1.1\r\nHost: h\r\n\r\n"),      //
           std::string("nonsense\r\n\r\n"),                       //
           std::string("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"),
           std::string("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
           std::string("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
       }) {
    const auto answer = talk(request);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 ")) << request;
    EXPECT_THAT(answer, HasSubstr("Connection: close\r\n")) << request;
  }
}

TEST_F(WebServer, TakesAbsoluteTargets) {
  EXPECT_THAT(talk("GET http://a:1/host?q=1 HTTP/1.1\r\nHost: b\r\n\r\n"), EndsWith("\r\n\r\na:1 /host q=1"));
  EXPECT_THAT(get("/host?x"), EndsWith("\r\n\r\nh /host x"));
}

TEST_F(WebServer, BoundsTheHead) {
  EXPECT_THAT(talk("GET /hello HTTP/1.1\r\nHost: h\r\nX: " + std::string(17 * 1024, 'a') + "\r\n\r\n"),
              StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(talk("GET /hello HTTP/1.1\r\nHost: h\r\nX: " + std::string(15 * 1024, 'a') + "\r\n\r\n"),
              StartsWith("HTTP/1.1 200 "));
}

TEST_F(WebServer, BoundsTheBodyByRoute) {
  const std::string post = "POST /echo HTTP/1.1\r\nHost: h\r\n";
  EXPECT_THAT(talk(post + "Content-Length: 8\r\n\r\n12345678"), EndsWith("\r\n\r\n12345678"));
  EXPECT_THAT(talk(post + "Content-Length: 9\r\n\r\n123456789"), StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(talk(post + "Content-Length: 99999999999999\r\n\r\n1"), StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(talk(post + "Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n4\r\n6789\r\n0\r\n\r\n"),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(talk("GET /hello HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n1"), StartsWith("HTTP/1.1 413 "));
}

// What follows an unread body is no request.
TEST_F(WebServer, ClosesAfterABodyThatWasNotRead) {
  const auto answer =
      talk("POST /nowhere HTTP/1.1\r\nHost: h\r\nContent-Length: 35\r\n\r\nGET /hello HTTP/1.1\r\nHost: h\r\n\r\n..");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(answer, Not(HasSubstr("hello\"")));
  EXPECT_THAT(answer, Not(HasSubstr(" 200 ")));
}

TEST_F(WebServer, ContinuesWhenTheClientWaitsForIt) {
  address = start();
  Peer peer(context, address);
  peer.send("POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(peer.receive_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_THAT(peer.send("ok").finish().receive_all(), EndsWith("\r\n\r\nok"));
}

TEST_F(WebServer, RefusesBeforeTheBodyIsSent) {
  address = start();
  Peer peer(context, address);
  peer.send("POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n");
  EXPECT_THAT(peer.receive_until("\r\n\r\n"), StartsWith("HTTP/1.1 413 "));
}

TEST_F(WebServer, AsksTheGuardFirst) {
  options.guard = [](const Request& request) -> std::optional<Response> {
    if (request.find("Let-Me-In") != nullptr) return std::nullopt;
    return make_problem(403, "no");
  };
  EXPECT_THAT(get("/hello"), StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(get("/nowhere"), StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(talk("GET /hello HTTP/1.1\r\nHost: h\r\nLet-Me-In: 1\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(WebServer, SurvivesAHandlerThatThrows) {
  const auto answer = talk("GET /throw HTTP/1.1\r\nHost: h\r\n\r\nGET /hello HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(answer, Not(HasSubstr("secret")));
  EXPECT_THAT(answer, EndsWith("hello"));
}

TEST_F(WebServer, SendsNoFieldThatHoldsALineBreak) {
  router.add("GET", "/split",
             at_once([](const Request&) { return Response{200, {{"X-A", "1\r\nX-B: 2"}, {"X-C", "3"}}, ""}; }));
  const auto answer = get("/split");
  EXPECT_THAT(answer, Not(HasSubstr("X-B")));
  EXPECT_THAT(answer, HasSubstr("X-C: 3\r\n"));
}

TEST_F(WebServer, LetsALongAnswerThrough) {
  const std::string large(3 << 20, 'x');
  router.add("GET", "/large", at_once([&](const Request&) { return make_text(large); }));
  EXPECT_THAT(get("/large"), EndsWith("\r\n\r\n" + large));
}

TEST_F(WebServer, EndsAHeadThatNeverEnds) {
  options.head = kShort;
  address = start();
  Peer peer(context, address);
  EXPECT_EQ(peer.send("GET /hello HTTP/1.1\r\nHost: h\r\n").receive_all(), "");
}

TEST_F(WebServer, EndsABodyThatStalls) {
  options.body = kShort;
  address = start();
  Peer peer(context, address);
  EXPECT_EQ(peer.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\na").receive_all(), "");
}

TEST_F(WebServer, EndsAConnectionThatIsIdle) {
  options.idle = kShort;
  address = start();
  Peer silent(context, address);
  EXPECT_EQ(silent.receive_all(), "");
  Peer served(context, address);
  EXPECT_THAT(served.send("GET /hello HTTP/1.1\r\nHost: h\r\n\r\n").receive_all(), EndsWith("hello"));
}

TEST_F(WebServer, ServesNoMoreConnectionsThanItMay) {
  options.connections_max = 1;
  address = start();
  auto first = std::make_unique<Peer>(context, address);
  EXPECT_THAT(first->send("GET /hello HTTP/1.1\r\nHost: h\r\n\r\n").receive_until("hello"), EndsWith("hello"));
  Peer second(context, address);
  second.send("GET /gate HTTP/1.1\r\nHost: h\r\n\r\n");
  first->send("GET /hello HTTP/1.1\r\nHost: h\r\n\r\n").receive_until("hello");
  EXPECT_FALSE(gate.is_entered());
  first.reset();
  run_until_entered();
  gate.open();
  EXPECT_THAT(second.receive_until("late"), EndsWith("late"));
}

TEST_F(WebServer, FinishesWhatIsUnderWayWhenItStops) {
  address = start();
  Peer busy(context, address), idle(context, address);
  idle.send("GET /hello HTTP/1.1\r\nHost: h\r\n\r\n").receive_until("hello");
  busy.send("GET /gate HTTP/1.1\r\nHost: h\r\n\r\n");
  run_until_entered();
  server->stop(std::chrono::seconds(60));
  EXPECT_EQ(idle.receive_all(), "");
  EXPECT_THROW(Peer(context, address), boost::system::system_error);
  gate.open();
  const auto answer = busy.receive_until("late");
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(answer, EndsWith("late"));
}

TEST_F(WebServer, HasPatienceOnlyForTheGrace) {
  address = start();
  Peer busy(context, address);
  busy.send("GET /gate HTTP/1.1\r\nHost: h\r\n\r\n");
  run_until_entered();
  server->stop(kShort);
  EXPECT_EQ(busy.receive_all(), "");
}

TEST_F(WebServer, MayEndWhileAHandlerIsUnderWay) {
  address = start();
  Peer busy(context, address);
  busy.send("GET /gate HTTP/1.1\r\nHost: h\r\n\r\n");
  run_until_entered();
  server.reset();
  EXPECT_EQ(busy.receive_all(), "");
  gate.open();
  context.run();  // ends: nothing is left behind
}

TEST_F(WebServer, ListensOnUnixSocketsToo) {
  address = start();
  const auto path = parse_endpoint("unix:" + dir.file("s")).value();
  ASSERT_EQ(server->listen(path).problem, "");
  EXPECT_EQ(std::filesystem::status(path.path).permissions(), std::filesystem::perms{0660});
  Peer peer(context, path);
  EXPECT_THAT(peer.send("GET /hello HTTP/1.1\r\nHost: h\r\n\r\n").receive_until("hello"), EndsWith("hello"));

  Server other(context, log, router, options);
  EXPECT_THAT(other.listen(path).problem, HasSubstr("in use"));
  EXPECT_THAT(other.listen(address).problem, HasSubstr("in use"));

  server->close(path);
  EXPECT_EQ(peer.receive_all(), "");
  EXPECT_FALSE(std::filesystem::exists(path.path));
  EXPECT_THAT(get("/hello"), EndsWith("hello"));  // the other listener stays
}

}  // namespace
}  // namespace shellac::web
