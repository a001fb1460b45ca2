#include "connection.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "http1_session.hpp"
#include "shellac/core/bug.hpp"
#include "shellac/net/proxy_protocol.hpp"

namespace shellac::front {
namespace {

// http/1.0 has a name of its own in ALPN (RFC 7301 §6), and a client that offers nothing else would be turned away.
const std::vector<std::string>& offered_protocols() {
  static const std::vector<std::string> offered{"http/1.1", "http/1.0"};
  return offered;
}

}  // namespace

Connection::Connection(Frontend& frontend, Arrival arrival)
    : frontend_(frontend),
      listener_(std::move(arrival.listener)),
      stream_(std::make_unique<net::PlainStream>(frontend.loop_, std::move(arrival.fd))),
      signal_(frontend.loop_),
      deadline_(frontend.loop_, signal_) {
  client_.peer = std::move(arrival.peer);
  client_.local = std::move(arrival.local);
  client_.listener = listener_->options.name;
  client_.redirect_port = listener_->redirect_port;
  client_.tunnel_timeout = listener_->options.timeouts.tunnel;
  frontend_.all_.append(*this);
  frontend_.shared_.metrics.connections.at({client_.listener}).add();
}

Connection::~Connection() {
  if (counted_client_) frontend_.shared_.admission.leave_client(client_.peer.ip);
  frontend_.shared_.admission.leave();
  frontend_.shared_.metrics.connections.at({client_.listener}).sub();
}

void Connection::abort() noexcept {
  stream_->socket().abort();
  signal_.wake();
}

void Connection::count(const char* result) {
  frontend_.shared_.metrics.connections_total.at(frontend_.loop_.shard(), {client_.listener, result}).add();
}

// Waits for the socket; false when the deadline passed or the connection was aborted.
net::Task<bool> Connection::wait(net::IoResult::Status want) {
  stream_->socket().wait(want, signal_);
  co_await signal_.wait();
  co_return !deadline_.expired() && stream_->socket().is_open();
}

net::Task<void> Connection::serve(Frontend& frontend, Arrival arrival) {
  Connection self(frontend, std::move(arrival));
  const auto& options = self.listener_->options;
  if (!self.stream_->socket().is_open()) co_return self.count("failed");

  self.deadline_.arm(options.timeouts.handshake);
  if (options.proxy_protocol != net::ProxyProtocol::off) {
    const bool told = co_await self.read_proxy_header();
    if (!told) co_return self.count("proxy_protocol");
  }
  if (!self.enter_client()) {
    self.stream_->socket().abort();
    co_return self.count("client_limit");
  }
  if (self.listener_->tls) {
    const bool agreed = co_await self.shake_hands();
    if (!agreed) co_return self.count("tls");
  }
  self.deadline_.disarm();
  self.count("ok");

  Http1Session session({*self.stream_, self.client_, *self.listener_, frontend.context_, self.signal_, self.deadline_});
  co_await session.run();
}

bool Connection::enter_client() {
  if (client_.peer.kind != Endpoint::Kind::ip) return true;
  counted_client_ = frontend_.shared_.admission.try_enter_client(client_.peer.ip);
  return counted_client_;
}

// Peeks, so that not an octet behind the header is taken: TLS or HTTP begins with a clean socket. The peers whose
// header counts are those in `trusted`, and Unix peers, who got past the file's permissions.
net::Task<bool> Connection::read_proxy_header() {
  const bool required = listener_->options.proxy_protocol == net::ProxyProtocol::require;
  const bool trusted = client_.peer.kind != Endpoint::Kind::ip || listener_->trusted.contains(client_.peer.ip);
  if (!trusted) co_return !required;
  constexpr std::size_t kPeekMax = 16 + 4096;
  Buffer peeked = frontend_.loop_.buffers().try_take(kPeekMax);
  if (!peeked) co_return false;
  net::Socket& socket = stream_->socket();
  for (;;) {
    const ssize_t count = ::recv(socket.fd(), peeked.data(), kPeekMax, MSG_PEEK);
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) co_return false;
    net::ProxyHeader header;
    if (count > 0) header = net::parse_proxy_header({peeked.data(), static_cast<std::size_t>(count)});
    switch (header.state) {
      case net::ProxyHeader::State::need_more: {
        const bool woken = co_await wait(net::IoResult::Status::want_read);
        if (!woken) co_return false;
        continue;
      }
      case net::ProxyHeader::State::none:
        co_return !required;
      case net::ProxyHeader::State::malformed:
        co_return false;
      case net::ProxyHeader::State::complete:
        break;
    }
    if (::recv(socket.fd(), peeked.data(), header.size, 0) != static_cast<ssize_t>(header.size)) co_return false;
    if (!header.local) {
      client_.peer = header.source;
      client_.local = header.destination;
    }
    co_return true;
  }
}

net::Task<bool> Connection::shake_hands() {
  using Status = net::IoResult::Status;
  // OpenSSL takes some 40 KiB as soon as a handshake begins: who connects and says nothing gets none of it.
  while (stream_->socket().is_quiet()) {
    const bool woken = co_await wait(Status::want_read);
    if (woken) continue;
    note_failed_handshake(deadline_.expired() ? "timeout" : "closed");
    co_return false;
  }
  auto tls = std::make_unique<tls::ServerStream>(std::move(stream_), listener_->tls, offered_protocols());
  tls::ServerStream& handshake = *tls;
  stream_ = std::move(tls);
  for (;;) {
    const net::IoResult result = handshake.try_handshake();
    if (result.status == Status::done) break;
    if (result.would_block()) {
      const bool woken = co_await wait(result.status);
      if (woken) continue;
    }
    note_failed_handshake(deadline_.expired() ? "timeout" : handshake.failure());
    co_return false;
  }
  client_.has_tls = true;
  client_.tls = handshake.session();
  frontend_.shared_.metrics.handshakes_total
      .at(frontend_.loop_.shard(), {client_.tls.version, client_.tls.resumed ? "true" : "false", "ok"})
      .add();
  co_return true;
}

void Connection::note_failed_handshake(std::string_view reason) {
  if (reason.empty()) reason = "closed";
  frontend_.shared_.metrics.handshakes_total.at(frontend_.loop_.shard(), {"", "false", reason}).add();
  frontend_.shared_.log.debug("listener {}: TLS handshake with {} failed: {}", client_.listener,
                              to_string(client_.peer), reason);
}

}  // namespace shellac::front
