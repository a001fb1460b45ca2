// A message body as it is pulled out of an HTTP/1 connection, in either direction.
#pragma once

#include <optional>

#include "shellac/http/body.hpp"
#include "shellac/http/body_decoder.hpp"
#include "shellac/net/loop.hpp"
#include "shellac/wire/input.hpp"

namespace shellac::wire {

// Pulls from the connection's input; raw octets (a tunnel) are a body that lasts until the peer closes. Without
// progress for `patience` it fails with Cause::timeout of `side` (zero = never). Thread: its loop's.
class BodySource : public http::Body, private Waiter {
 public:
  struct Setting {
    Input& input;
    net::Stream& stream;
    Duration patience;
    Side side;          // who sends the body
    const char* doing;  // a literal for errors: "reading the request's body"
    // RFC 9112 §9.8: a message that lasts until the connection's end is whole only when that end was the peer's own.
    bool needs_clean_end = false;
  };
  BodySource(Setting setting, http::Framing framing, std::uint64_t length);
  ~BodySource() override { stop_waiting(); }

  // Every octet of the body has been received and pulled.
  bool is_complete() const { return decoder_.is_complete(); }
  std::uint64_t received() const { return decoder_.received(); }
  Time last_activity() const { return last_activity_; }

  std::optional<std::uint64_t> length() const override;
  http::Pull try_next(std::size_t max, Waiter& waiter) override;
  void stop_waiting() noexcept override;
  const http::Fields* trailers() const override;

 protected:
  // Called before a read from the socket. False: what it wants to send first does not get through yet.
  virtual bool before_read() { return true; }
  net::Stream& stream() { return setting_.stream; }

 private:
  void wake() noexcept override;
  std::optional<http::Pull> take_available(std::size_t max);
  http::Pull wait_for(net::IoResult::Status want, Waiter& waiter);
  bool is_whole_at_end();
  http::Pull fail(Cause cause, boost::system::error_code code = {});

  Setting setting_;
  http::Framing framing_;
  std::uint64_t length_;
  http::BodyDecoder decoder_;
  net::Deadline deadline_;
  Waiter* puller_ = nullptr;
  bool registered_ = false;  // the socket would wake us
  bool waits_to_write_ = false;
  std::string_view piece_;
  Time last_activity_;
};

}  // namespace shellac::wire
