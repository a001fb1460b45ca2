#include "shellac/web/server.hpp"

#include <fcntl.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "web/connection.hpp"

namespace shellac::web {
namespace {

namespace asio = boost::asio;
constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

// After descriptors or memory ran out, before the next try.
constexpr auto kAcceptPause = std::chrono::milliseconds(100);
constexpr auto kComplaintInterval = std::chrono::seconds(10);

asio::awaitable<void> serve(std::unique_ptr<Connection> connection) { co_await connection->run(); }

asio::awaitable<void> accept_all(std::shared_ptr<ServerState> state, std::shared_ptr<Listener> listener) {
  asio::steady_timer breather(state->context);
  Time last_complaint{};
  while (listener->bound) {
    if (state->connections.size() >= state->options.connections_max) {
      co_await state->place_free.async_wait(kTuple);  // until cancelled
      continue;
    }
    auto [error, socket] = co_await listener->acceptor.async_accept(kTuple);
    if (!listener->bound) co_return;
    if (!error) {
      auto connection = std::make_unique<Connection>(state, std::move(socket), listener->wanted);
      asio::co_spawn(state->context, serve(std::move(connection)), asio::detached);
    } else if (error != asio::error::connection_aborted) {
      if (Clock::now() - last_complaint > kComplaintInterval) {
        last_complaint = Clock::now();
        state->log.warn("{}: accepting failed: {}", state->options.name, error.message());
      }
      breather.expires_after(kAcceptPause);
      co_await breather.async_wait(kTuple);
    }
  }
}

void close_listener(ServerState& state, Listener& listener) {
  boost::system::error_code ignored;
  listener.acceptor.close(ignored);
  const Endpoint bound = listener.wanted;
  listener.bound.reset();
  state.sockets.close(bound, {});
  state.place_free.cancel();  // its coroutine may wait there
}

void abort_all(ServerState& state) {
  for (Connection* connection : state.connections) connection->abort();
}

}  // namespace

Server::Server(asio::io_context& context, Log& log, Router router, ServerOptions options)
    : state_(std::make_shared<ServerState>(context, log, std::move(router), std::move(options))) {}

Server::~Server() { stop({}); }

Server::Outcome Server::listen(const Endpoint& wanted) {
  auto [bound, problem] = state_->sockets.open(wanted, {});
  if (!bound) return {{}, problem};
  auto listener = std::make_shared<Listener>(state_->context, bound);
  // Asio closes the descriptor that it is given; the bound address closes its own.
  net::UniqueFd copy(::fcntl(bound->fd(0), F_DUPFD_CLOEXEC, 0));
  boost::system::error_code error(copy ? 0 : errno, boost::system::system_category());
  sockaddr_storage address{};
  bound->actual().to(address);
  if (!error) listener->acceptor.assign(asio::generic::stream_protocol(address.ss_family, 0), copy.get(), error);
  if (error) {
    state_->sockets.close(wanted, {});
    return {{}, "cannot listen on " + to_string(wanted) + ": " + error.message()};
  }
  copy.release();
  state_->listeners.push_back(listener);
  asio::co_spawn(state_->context, accept_all(state_, listener), asio::detached);
  return {bound->actual(), {}};
}

void Server::close(const Endpoint& wanted) {
  for (const auto& listener : state_->listeners)
    if (listener->wanted == wanted) close_listener(*state_, *listener);
  std::erase_if(state_->listeners, [](const auto& listener) { return !listener->bound; });
  for (Connection* connection : state_->connections)
    if (connection->listener() == wanted) connection->finish();
}

void Server::stop(Duration grace) {
  state_->stopping = true;
  for (const auto& listener : state_->listeners) close_listener(*state_, *listener);
  state_->listeners.clear();
  if (grace <= Duration{0}) {
    state_->grace.cancel();
    abort_all(*state_);
    return;
  }
  for (Connection* connection : state_->connections) connection->finish();
  if (state_->connections.empty()) return;
  state_->grace.expires_after(grace);
  state_->grace.async_wait([state = state_](boost::system::error_code) { abort_all(*state); });
}

}  // namespace shellac::web
