// Two ends of a socket pair on one loop: ours, and a client of plain OpenSSL that can be told anything.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "shellac/net/stream.hpp"
#include "shellac/tls/client.hpp"
#include "shellac/tls/server.hpp"
#include "tls/authority.hpp"

namespace shellac::tls {

using Status = net::IoResult::Status;

// A loop that the test turns by hand.
struct TurnedLoop {
  explicit TurnedLoop(Bytes buffers = 64_MiB) : budget(buffers), loop(0, budget) {}
  void turn() { loop.context().poll(); }
  BufferBudget budget;
  net::Loop loop;
};

// A connected pair of non-blocking sockets.
inline std::pair<net::UniqueFd, net::UniqueFd> make_socket_pair() {
  int both[2];
  must(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, both) == 0, "socketpair");
  return {net::UniqueFd(both[0]), net::UniqueFd(both[1])};
}

inline std::unique_ptr<net::Stream> plain(net::Loop& loop, net::UniqueFd fd) {
  return std::make_unique<net::PlainStream>(loop, std::move(fd));
}

// A client made with OpenSSL's own socket BIO. It verifies nothing.
class RawClient {
 public:
  explicit RawClient(net::UniqueFd fd, const std::string& sni = {}) : fd_(std::move(fd)) {
    context_.reset(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_session_cache_mode(context_.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context_.get(), keep_session);
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_app_data(ssl_.get(), this);
    SSL_set_fd(ssl_.get(), fd_.get());
    SSL_set_connect_state(ssl_.get());
    SSL_set_mode(ssl_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (!sni.empty()) SSL_set_tlsext_host_name(ssl_.get(), sni.c_str());
  }
  // OpenSSL marks the sessions of an SSL that ends without a shutdown as not resumable; a client that keeps its tickets
  // says that it is through.
  ~RawClient() { SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  SSL* ssl() { return ssl_.get(); }
  int fd() const { return fd_.get(); }
  void close() { fd_ = net::UniqueFd(); }

  // True when the handshake is over; an alert shows in error().
  bool try_handshake() {
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_.get());
    return settle(result);
  }
  // Reads what is there; the end and failures show in error().
  std::string read() {
    std::string all;
    char part[16384];
    for (;;) {
      ERR_clear_error();
      const int count = SSL_read(ssl_.get(), part, sizeof part);
      if (count <= 0) {
        settle(count);
        return all;
      }
      all.append(part, static_cast<std::size_t>(count));
    }
  }
  bool write(std::string_view text) {
    ERR_clear_error();
    return SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())) == static_cast<int>(text.size());
  }
  const std::string& error() const { return error_; }

  using SessionPtr = std::unique_ptr<SSL_SESSION, Free<SSL_SESSION_free>>;
  std::vector<SessionPtr> sessions;  // tickets received, in TLS 1.2 the session itself

  CertificatePtr peer() { return CertificatePtr(SSL_get1_peer_certificate(ssl_.get())); }
  Kind peer_kind() {
    return EVP_PKEY_get_base_id(X509_get0_pubkey(peer().get())) == EVP_PKEY_RSA ? Kind::rsa : Kind::ecdsa;
  }

 private:
  static int keep_session(SSL* ssl, SSL_SESSION* session) {
    static_cast<RawClient*>(SSL_get_app_data(ssl))->sessions.emplace_back(session);
    return 1;
  }
  bool settle(int result) {
    if (result > 0) return true;
    const int error = SSL_get_error(ssl_.get(), result);
    if (error == SSL_ERROR_SSL || error == SSL_ERROR_SYSCALL) error_ = take_openssl_reason();
    if (error == SSL_ERROR_ZERO_RETURN) error_ = "closed";
    return false;
  }

  net::UniqueFd fd_;
  ContextPtr context_;
  SslPtr ssl_;
  std::string error_;
};

// Turns until both sides are through or one has failed. What the client reads meanwhile is dropped.
struct Outcome {
  Status server = Status::want_read;
  bool client = false;
  bool both() const { return server == Status::done && client; }
};
inline Outcome shake(TurnedLoop& loop, ServerStream& server, RawClient& client) {
  Outcome outcome;
  for (int i = 0; i < 50; ++i) {
    if (!outcome.client && client.error().empty()) outcome.client = client.try_handshake();
    if (outcome.server != Status::done && outcome.server != Status::failed) {
      outcome.server = server.try_handshake().status;
      if (outcome.server == Status::failed) server.finish_writing();
    }
    loop.turn();
  }
  // Tickets, and in TLS 1.3 the verdict on the client's certificate, come after the client is through.
  if (outcome.client) client.read();
  return outcome;
}

// A directory of certificates under one authority, and listeners made of them.
class ServerFixture : public ::testing::Test {
 protected:
  CertificateOptions pair(const std::string& file, const Request& request) {
    return write_pair(dir_, file, authority_.issue(request));
  }
  std::shared_ptr<const ServerContext> make(const ServerOptions& options) {
    return ServerContext::make(options, tickets_);
  }

  struct Session {
    std::unique_ptr<ServerStream> server;
    std::unique_ptr<RawClient> client;
    Outcome outcome;
  };
  // One handshake; `prepare` sets up the client before it.
  Session connect(std::shared_ptr<const ServerContext> context, const std::string& sni,
                  const std::function<void(SSL*)>& prepare = {}, const std::vector<std::string>& alpn = {"http/1.1"}) {
    auto [ours, theirs] = make_socket_pair();
    Session session;
    session.server = std::make_unique<ServerStream>(plain(loop_.loop, std::move(ours)), std::move(context), alpn);
    session.client = std::make_unique<RawClient>(std::move(theirs), sni);
    if (prepare) prepare(session.client->ssl());
    session.outcome = shake(loop_, *session.server, *session.client);
    return session;
  }

  test::TempDir dir_;
  Authority authority_{"shellac test authority"};
  std::shared_ptr<TicketKeys> tickets_ = std::make_shared<TicketKeys>();
  TurnedLoop loop_;
};

inline void only_tls12(SSL* ssl) { SSL_set_max_proto_version(ssl, TLS1_2_VERSION); }
inline void only_tls13(SSL* ssl) { SSL_set_min_proto_version(ssl, TLS1_3_VERSION); }

}  // namespace shellac::tls
