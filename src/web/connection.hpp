// What one server's listeners and connections share, and one connection.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <memory>
#include <set>
#include <vector>

#include "shellac/net/listen.hpp"
#include "shellac/web/server.hpp"

namespace shellac::web {

using StreamSocket = boost::asio::generic::stream_protocol::socket;
using SocketAcceptor = boost::asio::basic_socket_acceptor<boost::asio::generic::stream_protocol>;

class Connection;

// One bound address. The accepting coroutine holds it too.
struct Listener {
  Listener(boost::asio::io_context& context, std::shared_ptr<net::BoundAddress> address)
      : wanted(address->wanted()), bound(std::move(address)), acceptor(context) {}
  Endpoint wanted;
  std::shared_ptr<net::BoundAddress> bound;  // null once closed: that is what removes a Unix path
  SocketAcceptor acceptor;
};

// Thread: its context's. Held by the server, by each connection and by each accepting coroutine.
struct ServerState {
  ServerState(boost::asio::io_context& io, Log& to, Router routes, ServerOptions with)
      : context(io),
        log(to),
        router(std::move(routes)),
        options(std::move(with)),
        place_free(io, Time::max()),
        grace(io) {}

  boost::asio::io_context& context;
  Log& log;
  const Router router;
  const ServerOptions options;
  net::ListenSockets sockets{1};  // one set for all: it knows which addresses are our own
  std::vector<std::shared_ptr<Listener>> listeners;
  std::set<Connection*> connections;
  boost::asio::steady_timer place_free;  // never expires; cancelled whenever a connection leaves
  boost::asio::steady_timer grace;       // of stop(); cancelled when the last connection leaves
  bool stopping = false;
};

// One client's connection, from accept to close. Lives in its coroutine. Thread: its context's.
class Connection {
 public:
  Connection(std::shared_ptr<ServerState> state, StreamSocket socket, Endpoint listener);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Requests and responses, one after the other, until either side ends it.
  boost::asio::awaitable<void> run();
  // Which listen() it came from.
  const Endpoint& listener() const { return listener_; }
  // No further request: ends at once when none is under way.
  void finish();
  void abort();

 private:
  using HeadParser = boost::beast::http::request_parser<boost::beast::http::empty_body>;

  boost::asio::awaitable<bool> wait_for_request();
  boost::asio::awaitable<void> exchange();
  // A failure's answer, or nothing when there is nobody to answer.
  boost::asio::awaitable<std::optional<Response>> read_head(HeadParser& parser);
  boost::asio::awaitable<std::optional<Response>> read_body(HeadParser& parser, Bytes max);
  std::optional<Response> take_head(const HeadParser& parser);
  boost::asio::awaitable<Response> answer(HeadParser& parser);
  boost::asio::awaitable<Response> call(const Handler& handler);
  boost::asio::awaitable<void> write(const Response& response);
  boost::asio::awaitable<void> linger();

  const std::shared_ptr<ServerState> state_;
  const Endpoint listener_;
  boost::beast::basic_stream<boost::asio::generic::stream_protocol> stream_;
  boost::beast::flat_buffer buffer_;
  Endpoint peer_, local_;
  Request request_;           // the one under way
  bool busy_ = false;         // a request has begun to arrive and its response is not all written
  bool body_unread_ = false;  // what follows in the buffer is no request then
  bool keep_ = true;          // the connection may carry another request
  bool vanished_ = false;     // the peer is gone, or the stream's deadline closed it
};

}  // namespace shellac::web
