// The one error type of the data path: whose fault, may another backend be tried, what happened, during what.
// proxy/error_reply.cpp is the only place that turns it into a status and a Proxy-Status.
#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>
#include <cstdint>
#include <string_view>

namespace shellac {

// Who misbehaved. `self` is a limit or a fault of ours.
enum class Side : std::uint8_t { client, backend, self };

// What happened. The value is also the label of metrics and the word in the log (`to_string`).
enum class Cause : std::uint8_t {
  closed,           // orderly end where more was due
  reset,            // connection reset or broken pipe
  timeout,          // a deadline of the configuration passed
  connect_refused,  // nobody listens
  connect_timeout,  // no answer to the connection attempt
  unreachable,      // no route, or another local failure to connect
  dns,              // the name does not resolve
  tls,              // handshake or record failure
  tls_certificate,  // the peer's certificate was refused
  protocol,         // the peer's message breaks its protocol
  too_large,        // a limit on size was crossed
  no_backend,       // no server may take the request
  limit,            // a limit of ours on connections or memory
  cancelled,        // whoever asked has gone
  shutdown,         // we are stopping
  internal,         // a broken promise inside (BUG_IF)
};

std::string_view to_string(Side side);
std::string_view to_string(Cause cause);

// Value. `doing` points to a string literal: "connecting", "reading the answer's head".
struct Error {
  Side side = Side::self;
  Cause cause = Cause::internal;
  bool unseen_by_backend = false;  // true: the backend surely never saw the request, so any method may be tried again
  boost::system::error_code code{};
  const char* doing = "";
};

template <class T = void>
using Result = boost::system::result<T, Error>;

// Boost.System calls this when value() is asked of an error. It throws std::logic_error: asking is a bug.
[[noreturn]] void throw_exception_from_error(const Error& error, const boost::source_location& location);

// Maps errno-like codes of socket calls to a cause (ECONNRESET, EPIPE → reset; ECONNREFUSED → connect_refused; …).
Cause cause_of(const boost::system::error_code& code);

}  // namespace shellac
