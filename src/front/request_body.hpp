// A request's body on an HTTP/1 connection.
#pragma once

#include <string_view>

#include "shellac/wire/body_source.hpp"

namespace shellac::front {

// Lets a client that waits for it go on with 100 (Continue). Thread: its worker.
class RequestBody final : public wire::BodySource {
 public:
  using BodySource::BodySource;

  // The client waits: the interim answer is sent before the first read that would have to wait (RFC 9110 §10.1.1).
  void expect_continue() { continue_left_ = "HTTP/1.1 100 Continue\r\n\r\n"; }
  // An answer has begun, or the backend's own 100 was passed on.
  void forget_continue() { continue_left_ = {}; }

 private:
  bool before_read() override {
    while (!continue_left_.empty()) {
      const iovec part{const_cast<char*>(continue_left_.data()), continue_left_.size()};
      const net::IoResult sent = stream().try_write({&part, 1});
      if (sent.status != net::IoResult::Status::done) return !sent.would_block();  // a failure shows when reading
      continue_left_.remove_prefix(sent.bytes);
      (void)stream().try_flush();
    }
    return true;
  }

  std::string_view continue_left_;
};

}  // namespace shellac::front
