// One request and its response, whichever protocol carries it: the seam between client sessions and the proxy.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "shellac/core/address.hpp"
#include "shellac/core/arena.hpp"
#include "shellac/core/error.hpp"
#include "shellac/http/body.hpp"
#include "shellac/http/message.hpp"
#include "shellac/net/loop.hpp"
#include "shellac/tls/server.hpp"

namespace shellac::front {

// Who asks. Lives as long as the connection.
struct Client {
  Endpoint peer;   // after the PROXY protocol
  Endpoint local;  // what it connected to
  bool has_tls = false;
  tls::SessionInfo tls{};  // when has_tls
  std::string_view listener;
  std::uint16_t redirect_port = 0;  // `redirect: https`: where HTTPS listens; 0 = no redirect
  Duration tunnel_timeout{};
};

// A message that the session refused: the handler answers, logs and counts it, and the session then closes.
struct Refused {
  int status = 400;
  std::string_view reason;  // the word for log and metric
  bool timed_out = false;   // the head's deadline passed (408)
};

// How sending a response ended.
struct Sent {
  enum class End : std::uint8_t {
    completed,
    client_reset,    // the client went away
    client_timeout,  // it did not take anything for `timeouts.send`
    body_failed,     // the body broke: the client has been shown a broken transfer; `error` tells
  };
  End end = End::completed;
  std::uint64_t body_bytes = 0;
  Error error{};
  // With body_failed: the body broke before an octet of the answer was sent. respond() may be called once more.
  bool nothing_sent = false;
};

// Offered by a session to an ExchangeHandler, for exactly one request. The handler calls respond() once (or reset()),
// after any number of inform(). Resource. Thread: its worker.
class Exchange {
 public:
  Exchange() = default;
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  virtual ~Exchange() = default;

  virtual net::Loop& loop() = 0;
  virtual const Client& client() const = 0;
  // The handler may edit it; views live as long as the exchange.
  virtual http::RequestHead& request() = 0;
  // Storage for strings that live as long as the exchange.
  virtual Arena& arena() = 0;
  // Set when the message was refused; then request() holds what was understood and there is no body.
  virtual const std::optional<Refused>& refused() const = 0;
  // When the request's first octet was seen and when its head was complete.
  virtual Time head_complete() const = 0;

  // Null when the request has no body. Pulling it is what lets a client that waits for 100 (Continue) go on. Octets
  // received so far are body_bytes_in().
  virtual http::Body* request_body() = 0;
  virtual std::uint64_t body_bytes_in() const = 0;
  // The octets that follow an accepted Upgrade, until the client finishes sending. Ask after inform-ing nothing and
  // before respond(101, …).
  virtual http::Body& upgraded_input() = 0;

  // True when the connection is broken: whatever is still made for it is in vain. `watch_client` registers who is woken
  // when that happens; null forgets.
  virtual bool is_gone() const = 0;
  virtual void watch_client(Waiter* waiter) noexcept = 0;

  // True when it is we who ended the connection, because the daemon could not wait any longer.
  virtual bool is_cut_by_shutdown() const { return false; }

  // Sends an interim response (1xx other than 101). Failure means that the client is gone.
  virtual net::Task<Result<>> inform(const http::ResponseHead& head) = 0;
  // Sends head and body and returns when all of it has been handed to the kernel or has failed. `head.framing` is
  // ignored: length() of the body, or chunked, or the connection's end. A null body is an empty one. For answers to
  // HEAD and for 304 `body` is null and `head.content_length` with Framing::length is what GET would have had. Status
  // 101: `body` is what the backend sends, raw, until it ends.
  virtual net::Task<Sent> respond(http::ResponseHead& head, http::Body* body) = 0;
  // Ends the exchange without (the rest of) an answer, so that the client sees a broken transfer.
  virtual void reset() noexcept = 0;
};

// The proxy, or a test. Thread: the worker's; one handler serves all exchanges of its worker.
class ExchangeHandler {
 public:
  // Returns when the exchange is over; it may throw nothing.
  virtual net::Task<void> handle(Exchange& exchange) = 0;

 protected:
  ~ExchangeHandler() = default;
};

}  // namespace shellac::front
