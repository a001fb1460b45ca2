// One request to one backend, and its answer.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string_view>

#include "shellac/core/error.hpp"
#include "shellac/http/body.hpp"
#include "shellac/http/message.hpp"
#include "shellac/net/loop.hpp"
#include "shellac/upstream/connector.hpp"
#include "shellac/wire/body_source.hpp"

namespace shellac::upstream {

// Sends a request and reads its answer; both bodies flow at the same time. Destroying it on the way closes the
// connection; an answer that was read to its end gives the connection back at once. Resource. Thread: its worker.
class BackendExchange {
 public:
  struct Setting {
    net::Loop& loop;
    Connector& connector;
    const Pool& pool;
    const Backend& backend;
    net::Signal& signal;  // the caller's: it sleeps on it while a member function runs
    Caller& caller;
  };
  explicit BackendExchange(Setting setting);
  ~BackendExchange();
  BackendExchange(const BackendExchange&) = delete;
  BackendExchange& operator=(const BackendExchange&) = delete;

  struct Request {
    const http::RequestHead& head;
    std::string_view target;  // path and query as the backend gets them
    http::Body* body = nullptr;
    Endpoint client, local;  // for send_proxy
    bool last = false;       // says `Connection: close`, and does not keep the connection
  };
  // Takes the connection that was reserved, or makes one, and sends the head; the body follows by itself. With `Expect:
  // 100-continue` it is held back until the backend asks for it or limits::kContinueWait has passed. Views of the
  // request outlive the exchange.
  net::Task<Result<>> start(Reservation& reservation, const Request& request);
  // The next head: interim ones (1xx other than 101) before the final one. Its views live as long as the exchange.
  net::Task<Result<>> read_head();
  http::ResponseHead& head() { return head_; }
  // The answer's body after a final head; null when it has none. Fails as Side::backend.
  http::Body* body();
  // After 101: sends what the client says from now on; body() is what the backend says, both raw. When the client has
  // finished, the backend is told so (half-close).
  void accept_tunnel(http::Body& client_octets);
  // What the client says is still on its way; the caller's signal is woken when that ends.
  bool is_sending() const { return sending_; }

  bool reused_connection() const { return reused_; }
  // After a failure: the permit of the connection that failed, for another one to the same server.
  Permit take_permit() { return connection_ ? connection_->take_permit() : Permit{}; }
  // Not an octet of an answer has come: a reused connection that failed so was dead before.
  bool nothing_received() const { return !received_; }
  Duration connect_time() const { return connect_time_; }        // negative: no new connection was made
  Duration first_byte_time() const { return first_byte_time_; }  // since start(); negative: none came

 private:
  class ResponseBody;
  enum class Framing : std::uint8_t { plain, chunked, tunnel };
  net::Task<Result<>> send_head(const Request& request);
  net::Task<void> send_body(http::Body& body, Framing framing);
  net::Task<bool> send_piece(net::Signal& signal, const http::Pull& pull, bool chunked);
  // One after the other; they outlive the call.
  net::Task<bool> write(net::Signal& signal, std::array<std::string_view, 3> texts);
  net::Task<void> hold_back(net::Signal& signal);
  std::optional<Error> check_wait(const net::Deadline& deadline) const;
  Result<> take_head(std::string_view text, std::size_t size);
  void release();
  Error broken(Cause cause, boost::system::error_code code, const char* doing) const;

  Setting setting_;
  std::unique_ptr<Connection> connection_;
  // Views of head and body stay valid when the connection has gone back already.
  Buffer kept_head_, kept_body_;
  http::ResponseHead head_;
  std::unique_ptr<ResponseBody> body_;
  net::Child sender_;
  std::optional<Error> send_error_;  // the client's body broke
  http::Method method_ = http::Method::get;
  bool asked_upgrade_ = false;
  bool last_ = false;  // the connection's last request
  bool reused_ = false;
  bool sending_ = false;
  bool sent_whole_ = true;             // nothing of the request is missing on the wire
  bool holding_ = false;               // the body waits for 100 (Continue)
  shellac::Waiter* holder_ = nullptr;  // who sleeps over it
  bool received_ = false;
  int interim_ = 0;
  Time started_{};
  Duration connect_time_{-1};
  Duration first_byte_time_{-1};
};

}  // namespace shellac::upstream
