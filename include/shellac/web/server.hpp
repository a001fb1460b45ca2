// A small HTTP/1.1 server on one io_context.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "shellac/core/address.hpp"
#include "shellac/core/log.hpp"
#include "shellac/core/units.hpp"
#include "shellac/web/router.hpp"

namespace shellac::web {

struct ServerState;

struct ServerOptions {
  std::string name = "web";                  // in the log
  Bytes head_max{16 * 1024};                 // beyond it 431
  std::size_t connections_max = 256;         // beyond it nobody is accepted until one leaves
  Duration head = std::chrono::seconds(10);  // the whole head
  Duration body = std::chrono::seconds(30);  // without progress
  Duration send = std::chrono::seconds(30);  // without progress
  Duration idle = std::chrono::seconds(60);
  // Asked when the head is there and the body has not been read: an answer ends the request here. May be empty.
  std::function<std::optional<Response>(const Request&)> guard;
};

// Listens on TCP and Unix sockets, keeps connections alive, answers with what the router finds; everything else is a
// problem+json. Thread: its io_context's, which has one. The context outlives the server; after the server's end no
// handler is called any more, but one that is under way runs to its end.
class Server {
 public:
  Server(boost::asio::io_context& context, Log& log, Router router, ServerOptions options);
  ~Server();  // as stop({})
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Accepts there from now on. Rules of net::ListenSockets: Unix sockets get mode 0660, a stale path is removed, an
  // owner that lives is "in use". The process takes what LISTEN_FDS passed before it calls this for the first time.
  struct Outcome {
    Endpoint bound;       // with the port that port 0 became
    std::string problem;  // empty = done
  };
  Outcome listen(const Endpoint& wanted);
  // Undoes listen(wanted). Requests under way there are answered, then their connections are closed.
  void close(const Endpoint& wanted);
  // Closes every listener and every idle connection; requests under way have `grace` to be answered.
  void stop(Duration grace);

 private:
  std::shared_ptr<ServerState> state_;  // connections hold it too: one whose handler is under way outlives the server
};

}  // namespace shellac::web
