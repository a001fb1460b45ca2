#include "shellac/upstream/connector.hpp"

#include <algorithm>

#include "shellac/core/bug.hpp"
#include "shellac/net/proxy_protocol.hpp"

namespace shellac::upstream {
namespace {

using Status = net::IoResult::Status;

// Larger than a client's: a small answer is read whole, head and body, with one call.
constexpr std::size_t kHeadBuffer = 16 * 1024;

Error unseen(Cause cause, boost::system::error_code code, const char* doing) {
  return {Side::backend, cause, true, code, doing};
}

Cause connect_cause(const boost::system::error_code& code) {
  const Cause cause = cause_of(code);
  if (cause == Cause::timeout) return Cause::connect_timeout;
  // A Unix socket whose queue is full.
  if (code == boost::system::errc::resource_unavailable_try_again) return Cause::connect_refused;
  return cause == Cause::reset ? Cause::connect_refused : cause;
}

bool same_trust(const tls::ClientContext* one, const tls::ClientContext* other) {
  if (one == nullptr || other == nullptr) return one == other;
  return one == other || one->trusts_as(*other);
}

// Nobody is there, and that was known at once.
bool is_dead_end(const Result<>& connected) {
  return connected.has_error() &&
         (connected.error().cause == Cause::connect_refused || connected.error().cause == Cause::unreachable);
}

// The host without port, as a name for SNI.
std::string_view name_of(std::string_view host) {
  if (host.starts_with('[')) return host.substr(1, host.find(']') - 1);
  return host.substr(0, host.find(':'));
}

// The name that a TLS connection asks for and verifies; empty when plain.
std::string_view server_name(const Pool& pool, std::string_view host) {
  if (!pool.tls) return {};
  return pool.options.tls->sni == "host" ? name_of(host) : std::string_view(pool.options.tls->sni);
}

}  // namespace

Connection::Connection(net::Loop& loop, const Backend& backend, Permit permit)
    : server_(backend.server), addresses_(backend.addresses), permit_(std::move(permit)), deadline_(loop, *this) {}

Connection::~Connection() {
  if (counted_busy_) server_->busy.fetch_sub(1, std::memory_order_relaxed);
  if (keeper_ != nullptr) server_->idle.fetch_sub(1, std::memory_order_relaxed);
}

// Nothing may be destroyed while events are handed out: the connector looks through its idle connections afterwards.
void Connection::wake() noexcept {
  if (keeper_ != nullptr) keeper_->wake();
}

void Connector::wake() noexcept {
  if (reap_posted_.exchange(true)) return;
  loop_.post([self = self_] {
    if (*self != nullptr) (*self)->reap();
  });
}

// The first idle connection of a pool: from now on its room may ask for it.
void Connector::keep_for(const std::shared_ptr<PoolState>& state) {
  if (std::ranges::find(kept_for_, state) != kept_for_.end()) return;
  kept_for_.push_back(state);
  state->room.add_keeper(*this);
}

Connector::Connector(net::Loop& loop) : loop_(loop), self_(std::make_shared<Connector*>(this)) {}

Connector::~Connector() {
  *self_ = nullptr;
  for (const auto& state : kept_for_) state->room.remove_keeper(*this);
}

void Connector::reap() {
  reap_posted_ = false;
  for (auto& [server, list] : idle_) {
    std::erase_if(list, [](const std::unique_ptr<Connection>& connection) {
      if (connection->deadline_.expired() || !connection->stream_->socket().is_quiet()) return true;
      connection->stream_->socket().wait_read(*connection);
      return false;
    });
    // Each that goes hands its permit to somebody who waits; the oldest goes first.
    while (!list.empty() && list.front()->permit_.state()->room.is_wanted(*server)) list.erase(list.begin());
  }
}

void Connector::retain(const std::vector<std::shared_ptr<const Pool>>& pools) {
  std::unordered_map<const balance::Server*, const Pool*> named;
  for (const auto& pool : pools)
    for (const auto& server : pool->servers) named.emplace(server.get(), pool.get());
  for (auto& [server, list] : idle_) {
    const auto found = named.find(server);
    std::erase_if(list, [&](const std::unique_ptr<Connection>& connection) {
      return found == named.end() || !same_trust(connection->tls_.get(), found->second->tls.get());
    });
  }
  std::erase_if(idle_, [](const auto& entry) { return entry.second.empty(); });
  std::erase_if(kept_for_, [&](const auto& state) {
    for (const auto& pool : pools)
      if (pool->state == state) return false;
    state->room.remove_keeper(*this);
    return true;
  });
}

void Connector::give_back(std::unique_ptr<Connection> connection, const Pool& pool) {
  auto& socket = connection->stream_->socket();
  // A PROXY header speaks for one client only.
  const bool personal = pool.options.send_proxy != net::SendProxy::off;
  const bool unread = !connection->input_->empty() || connection->stream_->has_buffered_input();
  if (personal || unread || !socket.is_open() || !socket.is_quiet()) return;
  if (connection->server_->state() == balance::ServerState::down) return;
  balance::WaitingRoom& room = connection->permit_.state()->room;
  // Before it is asked whether somebody waits: who comes a moment later is heard then. Without a limit, too, because a
  // reload may bring one.
  keep_for(connection->permit_.state());
  if (const balance::Ticket* const next = room.hand_over(*connection->server_, place_of(pool))) {
    connection->input_->end_exchange();
    socket.forget();
    if (std::exchange(connection->counted_busy_, false))
      connection->server_->busy.fetch_sub(1, std::memory_order_relaxed);
    ++connection->uses_;
    handed_over_[next] = std::move(connection);
    return;
  }
  if (room.is_wanted(*connection->server_)) return;
  if (connection->server_->idle.fetch_add(1, std::memory_order_relaxed) >= pool.options.max_idle) {
    connection->server_->idle.fetch_sub(1, std::memory_order_relaxed);
    return;
  }
  if (std::exchange(connection->counted_busy_, false))
    connection->server_->busy.fetch_sub(1, std::memory_order_relaxed);
  connection->keeper_ = this;
  connection->input_->end_exchange();
  connection->stream_->release_buffers();
  connection->deadline_.arm(pool.options.timeouts.idle);
  socket.forget();
  socket.wait_read(*connection);
  auto& list = idle_[connection->server_.get()];
  list.push_back(std::move(connection));
}

std::unique_ptr<Connection> Connector::take_idle(const Pool& pool, const Backend& backend, std::string_view name) {
  const auto found = idle_.find(backend.server.get());
  if (found == idle_.end()) return nullptr;
  IdleList& list = found->second;
  // The youngest first: the others may go when they are not needed any more.
  for (auto at = list.end(); at != list.begin();) {
    --at;
    Connection& candidate = **at;
    if (candidate.name_ != name || candidate.addresses_ != backend.addresses) continue;
    // A reload may have made the rules stricter: what was not verified serves nobody who asks for it.
    if (!same_trust(candidate.tls_.get(), pool.tls.get())) continue;
    std::unique_ptr<Connection> connection = std::move(*at);
    at = list.erase(at);
    connection->stream_->socket().forget();
    const bool stale = connection->deadline_.expired() || !connection->stream_->socket().is_quiet();
    connection->deadline_.disarm();
    if (stale) continue;
    connection->keeper_ = nullptr;
    connection->server_->idle.fetch_sub(1, std::memory_order_relaxed);
    ++connection->uses_;
    return connection;
  }
  return nullptr;
}

Reservation Connector::try_reserve(const Pool& pool, const Backend& backend, std::string_view host, bool may_reuse) {
  // A PROXY header speaks for one client only.
  if (may_reuse && pool.options.send_proxy == net::SendProxy::off)
    if (auto idle = take_idle(pool, backend, server_name(pool, host))) return {std::move(idle), {}};
  if (pool.state->room.try_open(*backend.server)) return {nullptr, Permit(pool.state, backend.server)};
  return {};
}

const void* Connector::place_of(const Pool& pool) const {
  const bool by_host = pool.tls && pool.options.tls->sni == "host";
  return by_host ? nullptr : this;
}

Reservation Connector::take_granted(const balance::Ticket& ticket, const Pool& pool, const Backend& backend) {
  auto found = handed_over_.extract(&ticket);
  if (!found) return {nullptr, Permit(pool.state, backend.server)};
  std::unique_ptr<Connection> connection = std::move(found.mapped());
  // Whoever gave it back, or takes it now, may be of a configuration before the last reload.
  const bool fits = connection->name_ == server_name(pool, {}) && same_trust(connection->tls_.get(), pool.tls.get());
  if (!fits) return {nullptr, connection->take_permit()};
  return {std::move(connection), {}};
}

void Connector::give_up(balance::Ticket& ticket, const Pool& pool) {
  // A connection that was handed over has the permit itself, and gives it back when it dies.
  auto found = handed_over_.extract(&ticket);
  pool.state->room.leave(ticket, !found.empty());
}

net::Task<Result<std::unique_ptr<Connection>>> Connector::acquire(Reservation& reservation, const Wanted& wanted) {
  std::unique_ptr<Connection> connection = std::move(reservation.idle);
  if (!connection) {
    connection = std::make_unique<Connection>(loop_, wanted.backend, std::move(reservation.permit));
    connection->name_ = server_name(wanted.pool, wanted.host);
    connection->tls_ = wanted.pool.tls;
    // One for everything up to the request: connecting, the PROXY header, TLS.
    connection->deadline_.arm(wanted.pool.options.timeouts.connect);
    net::Deadline wakeup(loop_, wanted.signal);
    wakeup.arm(wanted.pool.options.timeouts.connect);
    auto connected = co_await connect(*connection, wanted);
    // A name may stand for several addresses, of which one is dead.
    for (std::size_t others = wanted.backend.addresses->count(); others > 1 && is_dead_end(connected); --others)
      connected = co_await connect(*connection, wanted);
    if (connected && wanted.pool.options.send_proxy != net::SendProxy::off)
      connected = co_await send_proxy_header(*connection, wanted);
    if (connected && wanted.pool.tls) connected = co_await shake_hands(*connection, wanted);
    if (!connected) co_return connected.error();
    connection->deadline_.disarm();
    connection->input_.emplace(*connection->stream_, kHeadBuffer);
  }
  connection->counted_busy_ = true;
  connection->server_->busy.fetch_add(1, std::memory_order_relaxed);
  co_return connection;
}

// Waits for the connection that is being made; its deadline is `timeouts.connect` for everything up to the request.
net::Task<Result<>> Connector::wait(Connection& connection, Status want, const Wanted& wanted) {
  connection.stream_->socket().wait(want, wanted.signal);
  wanted.caller.watch(wanted.signal);
  co_await wanted.signal.wait();
  if (const auto why = wanted.caller.gave_up()) co_return Error{Side::client, *why, true, {}, "connecting"};
  if (loop_.now() >= connection.deadline_.due()) co_return unseen(Cause::connect_timeout, {}, "connecting");
  co_return Result<>{};
}

net::Task<Result<>> Connector::connect(Connection& connection, const Wanted& wanted) {
  const Endpoint endpoint = wanted.backend.addresses->next();
  if (endpoint.kind == Endpoint::Kind::none) co_return unseen(Cause::dns, {}, "resolving the backend's name");
  auto fd = net::start_connect(endpoint);
  if (!fd) {
    Error error = fd.error();
    error.cause = connect_cause(error.code);
    co_return error;
  }
  auto stream = std::make_unique<net::PlainStream>(loop_, std::move(*fd));
  if (!stream->socket().is_open()) co_return unseen(Cause::limit, {}, "watching a socket");
  connection.stream_ = std::move(stream);
  net::Socket& socket = connection.stream_->socket();
  // Both ways to learn of it: the first event of the edge-triggered set tells the outcome.
  while (!socket.has_seen_events()) {
    auto waited = co_await wait(connection, Status::want_write, wanted);
    if (!waited) co_return waited.error();
  }
  socket.forget();
  if (const auto code = socket.connect_result()) co_return unseen(connect_cause(code), code, "connecting");
  co_return Result<>{};
}

net::Task<Result<>> Connector::send_proxy_header(Connection& connection, const Wanted& wanted) {
  const std::string header = net::make_proxy_header(wanted.pool.options.send_proxy, wanted.client, wanted.local);
  std::string_view left = header;
  while (!left.empty()) {
    const iovec part{const_cast<char*>(left.data()), left.size()};
    const net::IoResult sent = connection.stream_->try_write({&part, 1});
    if (sent.status == Status::done) {
      left.remove_prefix(sent.bytes);
    } else if (sent.would_block()) {
      auto waited = co_await wait(connection, sent.status, wanted);
      if (!waited) co_return waited.error();
    } else {
      co_return unseen(cause_of(sent.code), sent.code, "sending the PROXY header");
    }
  }
  co_return Result<>{};
}

net::Task<Result<>> Connector::shake_hands(Connection& connection, const Wanted& wanted) {
  auto tls = std::make_unique<tls::ClientStream>(std::move(connection.stream_), wanted.pool.tls, connection.name_);
  tls::ClientStream& handshake = *tls;
  connection.stream_ = std::move(tls);
  for (;;) {
    const net::IoResult result = handshake.try_handshake();
    if (result.status == Status::done) co_return Result<>{};
    if (!result.would_block())
      co_return unseen(handshake.certificate_refused() ? Cause::tls_certificate : Cause::tls, result.code,
                       "shaking hands with the backend");
    auto waited = co_await wait(connection, result.status, wanted);
    if (!waited) co_return waited.error();
  }
}

}  // namespace shellac::upstream
