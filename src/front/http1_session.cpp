#include "http1_session.hpp"

#include "http1_exchange.hpp"
#include "shellac/core/bug.hpp"
#include "shellac/core/limits.hpp"
#include "shellac/http/parser.hpp"

namespace shellac::front {
namespace {

using Status = net::IoResult::Status;

// The name in a Host or authority, without port and final dot: what SNI is compared with.
std::string_view host_of(std::string_view authority) {
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.rfind(':');
  if (colon != authority.npos && (bracket == authority.npos || colon > bracket)) authority = authority.substr(0, colon);
  if (authority.ends_with('.')) authority.remove_suffix(1);
  return authority;
}

}  // namespace

net::Task<void> Http1Session::run() {
  auto& socket = setting_.stream.socket();
  int in_a_row = 0;
  for (;; first_ = false) {
    if (input_.empty()) {
      in_a_row = 0;
      const bool begun = co_await wait_for_request();
      if (!begun) break;
    } else if (++in_a_row % limits::kPipelineBatch == 0) {
      co_await net::yield(setting_.signal);
    }
    const Next next = co_await serve_one();
    input_.end_exchange();
    if (next == Next::request && socket.is_open()) continue;
    if (next == Next::abort || !socket.is_open()) {
      socket.abort();
      co_return;
    }
    break;
  }
  co_await linger();
}

// Idle: no buffer is held until something arrives. False when the connection is to be finished.
net::Task<bool> Http1Session::wait_for_request() {
  auto& [stream, client, listener, context, signal, deadline] = setting_;
  if (context.draining && !first_) co_return false;
  stream.release_buffers();
  if (!stream.socket().may_be_readable() && !stream.has_buffered_input()) {
    deadline.arm(time_to_begin());
    do {
      stream.socket().wait_read(signal);
      co_await signal.wait();
      if (deadline.expired() || !stream.socket().is_open() || context.draining) {
        // What arrived together with the order to drain is still answered.
        if (!stream.socket().is_open() || !stream.socket().may_be_readable()) co_return false;
      }
    } while (!stream.socket().may_be_readable());
    deadline.disarm();
  }
  co_return true;
}

net::Task<Http1Session::Next> Http1Session::serve_one() {
  Http1Exchange exchange({setting_.stream, setting_.client, setting_.listener, setting_.context, setting_.signal,
                          setting_.deadline, input_});
  http::HeadScan scan(http::HeadScan::Kind::request, {setting_.listener.options.head_max.count,
                                                      setting_.listener.options.fields_max, limits::kTargetMax});
  const Head head = co_await read_head(scan, exchange);
  if (head == Head::gone) co_return Next::finish;
  if (head == Head::complete) interpret(scan, exchange);
  co_await setting_.context.handler.handle(exchange);
  switch (exchange.finish()) {
    case Http1Exchange::Finish::keep:
      co_return Next::request;
    case Http1Exchange::Finish::close:
      co_return Next::finish;
    case Http1Exchange::Finish::abort:
      break;
  }
  co_return Next::abort;
}

net::Task<Http1Session::Head> Http1Session::read_head(http::HeadScan& scan, Http1Exchange& exchange) {
  auto& [stream, client, listener, context, signal, deadline] = setting_;
  const auto& timeouts = listener.options.timeouts;
  if (!input_.empty()) deadline.arm(timeouts.head);
  for (;;) {
    // The scan remembers offsets from the message's begin; available() begins there.
    switch (input_.empty() ? http::HeadScan::State::need_more : scan.scan(input_.available())) {
      case http::HeadScan::State::complete:
        deadline.disarm();
        co_return Head::complete;
      case http::HeadScan::State::refused:
        deadline.disarm();
        exchange.refuse({http::status_of(scan.refusal()), http::to_string(scan.refusal()), false});
        co_return Head::refused;
      case http::HeadScan::State::need_more:
        break;
    }
    const bool begins = input_.empty();
    const net::IoResult read = input_.read_head(listener.options.head_max.count);
    if (read.status == Status::done) {
      if (begins) deadline.arm(timeouts.head);  // whatever was left of the time to begin
      continue;
    }
    if (input_.out_of_buffers()) {
      exchange.refuse({503, "buffers", false});
      co_return Head::refused;
    }
    if (!read.would_block()) co_return Head::gone;
    if (!deadline.armed() && !deadline.expired()) deadline.arm(input_.empty() ? time_to_begin() : timeouts.head);
    if (input_.empty()) input_.end_exchange();  // a wake for nothing (TLS records without data): hold no buffer
    stream.socket().wait(read.status, signal);
    co_await signal.wait();
    if (!stream.socket().is_open()) co_return Head::gone;
    if (deadline.expired()) {
      deadline.disarm();
      if (!scan.started()) co_return Head::gone;
      exchange.refuse({408, "head_timeout", true});
      co_return Head::refused;
    }
    if (context.draining && input_.empty() && !stream.socket().may_be_readable()) co_return Head::gone;
  }
}

void Http1Session::interpret(const http::HeadScan& scan, Http1Exchange& exchange) {
  http::RequestHead& head = exchange.request();
  const std::string_view text = input_.available().substr(scan.start(), scan.size() - scan.start());
  const auto refusal = http::parse_request(text, head);
  input_.consume(scan.size());
  head.scheme = setting_.client.has_tls ? "https" : "http";
  if (refusal) return exchange.refuse({http::status_of(*refusal), http::to_string(*refusal), false});
  // RFC 9110 §15.5.20: a certificate was asked for one name; what is asked of another must not profit from it. Who sent
  // no name (a client that was given an address sends none, RFC 6066 §3) was asked for all of the listener's.
  const std::string_view sni = setting_.client.tls.sni;
  if (setting_.listener.tls && setting_.listener.tls->asks_for_client_certificate() && !sni.empty() &&
      !iequals(host_of(head.authority), sni))
    return exchange.refuse({421, "host_is_not_sni", false});
  exchange.accept();
}

// RFC 9112 §9.6: closing at once would reset the connection under an answer that the client has not read yet.
net::Task<void> Http1Session::linger() {
  auto& [stream, client, listener, context, signal, deadline] = setting_;
  if (!stream.socket().is_open()) co_return;
  stream.finish_writing();
  deadline.arm(limits::kLingerTime);
  std::size_t dropped = 0;
  Buffer sink = stream.socket().loop().buffers().try_take(limits::kHeadBuffer);
  while (sink && dropped < limits::kLingerBytes) {
    const net::IoResult read = stream.socket().try_read(sink.span());
    if (read.status == Status::done) {
      dropped += read.bytes;
      continue;
    }
    if (!read.would_block()) break;
    stream.socket().wait_read(signal);
    co_await signal.wait();
    if (deadline.expired() || !stream.socket().is_open()) break;
  }
  deadline.disarm();
}

}  // namespace shellac::front
