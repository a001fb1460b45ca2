// Client connections of one worker, with a handler whose behaviour the request's path chooses.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "metrics/scrape.hpp"
#include "shellac/front/frontend.hpp"
#include "support/driven_loop.hpp"
#include "support/peer.hpp"
#include "support/pushed_body.hpp"
#include "support/temp_dir.hpp"

namespace shellac::front {

// One exchange as the handler saw it.
struct Seen {
  std::string method, path, refused, body;
  Endpoint peer{}, local{};
  bool body_failed = false;
  Cause body_cause{};
  bool was_gone = false;
  bool was_cut = false;  // by our own end
  std::optional<Sent> sent{};
};

//   /echo      reads the body and answers with it
//   /ignore    answers without reading the body
//   /hold      waits for release(), or until the client is gone
//   /stream    answers with the body that the test pushes, of unknown length; 502 when it breaks before its begin
//   /large     answers with kLarge octets
//   /hint      sends 103 before its answer
//   /tunnel    101; what the client says is in Seen::body, the test pushes the rest
//   /empty204  204, and /same304 is 304 with the length of "hello"
//   /reset     ends without an answer
//   otherwise  answers "hello"
class ScriptedHandler final : public ExchangeHandler {
 public:
  static constexpr std::size_t kLarge = 16'000'000;

  std::vector<std::unique_ptr<Seen>> seen;
  std::unique_ptr<test::PushedBody> pushed = std::make_unique<test::PushedBody>();
  void release() {
    released_ = true;
    if (held_ != nullptr) held_->wake();
  }

  net::Task<void> handle(Exchange& exchange) override {
    const http::RequestHead& head = exchange.request();
    Seen& seen_one = *seen.emplace_back(std::make_unique<Seen>());
    seen_one.method = head.method;
    seen_one.path = head.path;
    seen_one.peer = exchange.client().peer;
    seen_one.local = exchange.client().local;
    net::Signal signal(exchange.loop());
    if (exchange.refused()) {
      seen_one.refused = exchange.refused()->reason;
      co_await answer(exchange, exchange.refused()->status, seen_one.refused, seen_one);
    } else if (head.path == "/echo") {
      if (exchange.request_body() != nullptr) co_await drain(*exchange.request_body(), signal, seen_one);
      const bool failed = seen_one.body_failed;
      const int status = !failed ? 200 : seen_one.body_cause == Cause::timeout ? 408 : 400;
      co_await answer(exchange, status, seen_one.body, seen_one);
    } else if (head.path == "/hold") {
      co_await hold(exchange, signal, seen_one);
    } else if (head.path == "/stream") {
      http::ResponseHead response;
      response.status = 200;
      const Sent first = co_await exchange.respond(response, pushed.get());
      seen_one.sent = first;
      if (first.nothing_sent) co_await answer(exchange, 502, "sorry", seen_one);
    } else if (head.path == "/large") {
      co_await answer(exchange, 200, std::string(kLarge, 'x'), seen_one);
    } else if (head.path == "/hint") {
      http::ResponseHead hint;
      hint.status = 103;
      (void)co_await exchange.inform(hint);
      co_await answer(exchange, 200, "hello", seen_one);
    } else if (head.path == "/tunnel") {
      co_await tunnel(exchange, signal, seen_one);
    } else if (head.path == "/reset") {
      exchange.reset();
    } else if (head.path == "/empty204") {
      co_await answer(exchange, 204, "", seen_one);
    } else if (head.path == "/same304") {
      co_await answer(exchange, 304, "hello", seen_one);
    } else {
      co_await answer(exchange, 200, "hello", seen_one);
    }
  }

 private:
  net::Task<void> answer(Exchange& exchange, int status, std::string text, Seen& seen_one) {
    http::ResponseHead head;
    head.status = status;
    http::TextBody body(std::move(text));
    const bool bodyless = http::is_bodyless(exchange.request().known, status);
    if (bodyless && status != 204) {
      head.framing = http::Framing::length;
      head.content_length = *body.length();
    }
    seen_one.sent = co_await exchange.respond(head, bodyless ? nullptr : &body);
  }
  net::Task<void> drain(http::Body& body, net::Signal& signal, Seen& seen_one) {
    for (;;) {
      const http::Pull pull = body.try_next(10'000, signal);
      for (const std::string_view piece : pull.data) seen_one.body += piece;
      if (pull.state == http::Pull::State::pending) {
        co_await signal.wait();
        continue;
      }
      seen_one.body_failed = pull.state == http::Pull::State::failed;
      seen_one.body_cause = pull.error.cause;
      if (pull.state != http::Pull::State::more) co_return;
    }
  }
  net::Task<void> hold(Exchange& exchange, net::Signal& signal, Seen& seen_one) {
    released_ = false;
    held_ = &signal;
    while (!released_ && !exchange.is_gone()) {
      exchange.watch_client(&signal);
      co_await signal.wait();
    }
    held_ = nullptr;
    exchange.watch_client(nullptr);
    seen_one.was_gone = exchange.is_gone();
    seen_one.was_cut = exchange.is_cut_by_shutdown();
    if (seen_one.was_gone)
      exchange.reset();
    else
      co_await answer(exchange, 200, "held", seen_one);
  }
  net::Task<void> tunnel(Exchange& exchange, net::Signal& signal, Seen& seen_one) {
    http::Body& input = exchange.upgraded_input();
    net::Child reader;
    reader.start(drain(input, signal, seen_one));
    http::ResponseHead head;
    head.status = 101;
    head.fields.add(http::FieldId::upgrade, "echo");
    seen_one.sent = co_await exchange.respond(head, pushed.get());
    reader.cancel();
    input.stop_waiting();
  }

  net::Signal* held_ = nullptr;
  bool released_ = false;
};

class FrontTest : public ::testing::Test {
 protected:
  void TearDown() override { end_all(); }
  void end_all() {
    driver_.on_loop([&] {
      frontend_.drain();
      frontend_.abort_all();
    });
    EXPECT_TRUE(driver_.until([&] { return frontend_.connections() == 0; }));
    EXPECT_EQ(driver_.budget().used().count, 0u) << "every buffer came back";
    EXPECT_EQ(admission_.connections(), 0u);
  }

  // Accepts on a Unix socket (tcp: on loopback, where a reset can be told from an end) with options_.
  void listen(bool tcp = false) {
    const Endpoint wanted =
        tcp ? *parse_endpoint("127.0.0.1:0") : Endpoint{Endpoint::Kind::unix_path, {}, 0, directory_.path("s")};
    auto opened = sockets_.open(wanted, "test/0");
    ASSERT_TRUE(opened.bound) << opened.problem;
    bound_ = opened.bound;
    adopt();
  }
  // What is accepted from now on has options_.
  void adopt() {
    auto listener = std::make_shared<Listener>();
    listener->options = options_;
    listener->trusted = trusted_;
    driver_.on_loop([&] { frontend_.adopt({{bound_, listener}}); });
  }
  test::Peer connect() { return test::connect_to(driver_, bound_->actual()); }
  // A connection with a first request on its way.
  test::Peer request(std::string_view text) {
    test::Peer client = connect();
    EXPECT_TRUE(client.send(text));
    return client;
  }
  static std::string get(const std::string& path) { return "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n"; }
  const Seen& last() {
    EXPECT_FALSE(handler_.seen.empty());
    static const Seen none;
    return handler_.seen.empty() ? none : *handler_.seen.back();
  }
  [[nodiscard]] bool seen(std::size_t count) {
    return driver_.until([&] { return handler_.seen.size() >= count; });
  }
  [[nodiscard]] bool sent() {
    return driver_.until([&] { return !handler_.seen.empty() && last().sent.has_value(); });
  }
  // No connection is left, by itself.
  [[nodiscard]] bool all_gone() {
    return driver_.until([&] { return frontend_.connections() == 0; });
  }
  void push(std::string_view text) {
    driver_.on_loop([&] { handler_.pushed->put(text); });
  }
  double counted(const std::string& series) { return metrics::Scrape(registry_.expose()).find(series).value_or(0); }
  double connections_with(const std::string& result) {
    return counted("shellac_connections_total{listener=\"l\",result=\"" + result + "\"}");
  }

  test::DrivenLoop driver_;
  test::TempDir directory_;
  metrics::Registry registry_{1};
  Metrics metrics_{registry_};
  net::Admission admission_{{}};
  Log log_{LogLevel::off};
  ScriptedHandler handler_;
  net::ListenSockets sockets_{1};
  ListenerOptions options_ = [] {
    ListenerOptions options;
    options.name = "l";
    return options;
  }();
  NetworkSet trusted_;
  std::shared_ptr<net::BoundAddress> bound_;
  Frontend frontend_{driver_.loop(), 0, handler_, {admission_, metrics_, log_}};
};

inline constexpr const char* kHello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
inline constexpr const char* kHelloAndClose = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";

}  // namespace shellac::front
