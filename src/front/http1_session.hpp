// Requests of one HTTP/1 connection, one after the other.
#pragma once

#include "shellac/core/limits.hpp"
#include "shellac/front/frontend.hpp"
#include "shellac/http/head_scan.hpp"
#include "shellac/net/stream.hpp"
#include "shellac/wire/input.hpp"

namespace shellac::front {

class Http1Exchange;

// Thread: its worker. While idle only this and the frame of run() exist; buffers and the exchange's frame are given
// back.
class Http1Session {
 public:
  // All outlive the session.
  struct Setting {
    net::Stream& stream;
    const Client& client;
    const Listener& listener;
    SessionContext& context;
    net::Signal& signal;
    net::Deadline& deadline;
  };
  explicit Http1Session(Setting setting) : setting_(setting), input_(setting.stream, limits::kHeadBuffer) {}

  // Returns when the connection is over; the caller closes the socket.
  net::Task<void> run();

 private:
  enum class Next : std::uint8_t { request, finish, abort };
  enum class Head : std::uint8_t { complete, refused, gone };

  // A new connection has to begin its head in the time that it has for it.
  Duration time_to_begin() const {
    const auto& timeouts = setting_.listener.options.timeouts;
    return first_ ? timeouts.head : timeouts.idle;
  }
  net::Task<bool> wait_for_request();
  net::Task<Next> serve_one();
  net::Task<Head> read_head(http::HeadScan& scan, Http1Exchange& exchange);
  void interpret(const http::HeadScan& scan, Http1Exchange& exchange);
  net::Task<void> linger();

  Setting setting_;
  wire::Input input_;
  bool first_ = true;  // no request has come yet
};

}  // namespace shellac::front
