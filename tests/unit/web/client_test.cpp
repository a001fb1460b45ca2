#include "shellac/web/client.hpp"

#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "fixture.hpp"

namespace shellac::web {
namespace {

boost::asio::awaitable<void> send_into(Endpoint to, ClientRequest request, ClientLimits limits,
                                       std::optional<Result<Response>>& out) {
  auto answer = co_await send(to, request, limits);
  out.emplace(std::move(answer));
}

class WebClient : public ServerTest {
 protected:
  WebClient() {
    router.add("GET", "/hello", at_once([](const Request& request) { return make_text("hello " + request.host); }));
    router.add("POST", "/echo", at_once([](const Request& request) {
                 return make_text(request.body + " " + *request.find("Content-Length") + " " + *request.find("X-A"));
               }),
               Bytes{100});
    router.add("GET", "/gate", [this](const Request&) { return never(); });
  }
  Result<Response> ask(ClientRequest request, ClientLimits limits = {}) {
    if (!server && address.kind == Endpoint::Kind::none) address = start();
    std::optional<Result<Response>> result;
    boost::asio::co_spawn(context, send_into(address, std::move(request), limits, result), boost::asio::detached);
    while (!result) context.run_one();
    return *result;
  }
  boost::asio::awaitable<Response> never() {
    boost::asio::steady_timer timer(context, Time::max());
    co_await timer.async_wait(boost::asio::use_awaitable);
    co_return Response{};
  }
  // A server that says only this.
  void answer_with(std::string octets) {
    auto acceptor = std::make_shared<boost::asio::ip::tcp::acceptor>(
        context, boost::asio::ip::tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
    address = parse_endpoint("127.0.0.1:" + std::to_string(acceptor->local_endpoint().port())).value();
    acceptor->async_accept([acceptor, octets](boost::system::error_code, boost::asio::ip::tcp::socket socket) {
      char head[4096];
      socket.read_some(boost::asio::buffer(head));
      boost::asio::write(socket, boost::asio::buffer(octets));
    });
  }
};

TEST_F(WebClient, AsksAndReads) {
  const auto answer = ask({.target = "/hello", .host = "h"});
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "hello h");
  EXPECT_EQ(*answer->find("content-type"), "text/plain; charset=utf-8");
}

TEST_F(WebClient, SendsFieldsAndBody) {
  const ClientRequest request{
      .method = "POST", .target = "/echo", .host = "h", .fields = {{"X-A", "1"}}, .body = "text"};
  EXPECT_EQ(ask(request)->body, "text 4 1");
}

TEST_F(WebClient, TellsThatAPostIsEmpty) {
  EXPECT_EQ(ask({.method = "POST", .target = "/echo", .host = "h", .fields = {{"X-A", "1"}}})->body, " 0 1");
}

TEST_F(WebClient, ReadsAHead) {
  const auto answer = ask({.method = "HEAD", .target = "/hello", .host = "h"});
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "");
  EXPECT_EQ(*answer->find("Content-Length"), "7");
}

TEST_F(WebClient, NoticesThatNobodyListens) {
  address = parse_endpoint("unix:" + dir.file("nobody")).value();
  const auto answer = ask({});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().cause, Cause::connect_refused);
  EXPECT_STREQ(answer.error().doing, "connecting");
}

TEST_F(WebClient, WaitsNoLongerThanItMay) {
  const auto answer = ask({.target = "/gate", .host = "h"}, {.timeout = std::chrono::milliseconds(30)});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().cause, Cause::timeout);
}

TEST_F(WebClient, TakesNoMoreThanItMay) {
  EXPECT_EQ(ask({.target = "/hello", .host = "h"}, {.body_max = Bytes{6}}).error().cause, Cause::too_large);
  EXPECT_TRUE(ask({.target = "/hello", .host = "h"}, {.body_max = Bytes{7}}));
}

TEST_F(WebClient, NoticesNonsense) {
  answer_with("SSH-2.0-OpenSSH\r\n");
  EXPECT_EQ(ask({.host = "h"}).error().cause, Cause::protocol);
}

TEST_F(WebClient, NoticesAnAnswerThatEndsEarly) {
  answer_with("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_EQ(ask({.host = "h"}).error().cause, Cause::closed);
}

TEST_F(WebClient, BlocksForCommandLines) {
  const auto answer = send_and_wait(parse_endpoint("unix:" + dir.file("nobody")).value(), {}, {});
  EXPECT_EQ(answer.error().cause, Cause::connect_refused);
}

}  // namespace
}  // namespace shellac::web
