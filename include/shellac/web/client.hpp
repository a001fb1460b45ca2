// An HTTP/1.1 client for one request and its response: what `shellac ctl` speaks to the admin API with.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "shellac/core/address.hpp"
#include "shellac/core/error.hpp"
#include "shellac/core/units.hpp"
#include "shellac/web/message.hpp"

namespace shellac::web {

struct ClientRequest {
  std::string method = "GET";
  std::string target = "/";
  std::string host{};  // of the Host field
  std::vector<Field> fields{};
  std::string body{};  // sent with its Content-Length when not empty, or when the method expects one
};

struct ClientLimits {
  Duration timeout = std::chrono::seconds(10);  // for everything, connecting included
  Bytes body_max{64 * 1024 * 1024};
};

// Connects, asks, reads the answer, closes. Errors: connect_refused (also a Unix path that is not there), unreachable,
// timeout, too_large, protocol, closed, reset; `code` says more. The parameters outlive the call.
// Thread: the executor's.
boost::asio::awaitable<Result<Response>> send(const Endpoint& to, const ClientRequest& request,
                                              const ClientLimits& limits);
// The same on an event loop of its own: for command lines. Blocks.
Result<Response> send_and_wait(const Endpoint& to, const ClientRequest& request, const ClientLimits& limits);

}  // namespace shellac::web
