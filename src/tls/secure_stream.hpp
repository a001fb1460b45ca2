// TLS over a transport, the part that both sides share: handshake, records, end.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "shellac/net/stream.hpp"
#include "tls/openssl.hpp"
#include "tls/wire.hpp"

namespace shellac::tls {

enum class Role : bool { client, server };

// Failures are sticky: after one, every call fails with the same code. Codes (generic category): protocol_error = TLS
// itself; no_buffer_space = the buffer budget; connection_reset = the peer left during the handshake;
// not_enough_memory; otherwise the transport's own. Resource, at a fixed address. Thread: the transport's loop.
class SecureStream {
 public:
  // `context` is alive at least until the SSL has taken its own reference, which it does here.
  SecureStream(std::unique_ptr<net::Stream> transport, SSL_CTX* context, Role role);

  // Null when there was no memory for it: then the handshake fails.
  SSL* ssl() const { return ssl_.get(); }
  net::Socket& socket() const { return wire_.socket(); }

  net::IoResult try_handshake();
  bool handshake_done() const { return handshake_done_; }
  net::IoResult try_read(std::span<char> into);
  net::IoResult try_write(std::span<const iovec> from);
  net::IoResult try_flush();
  void finish_writing() noexcept;
  bool has_buffered_input() const;
  void release_buffers() noexcept;

  // After try_read said `end`: whether the peer said so itself (close_notify). A bare FIN may come from anyone.
  bool ended_cleanly() const { return ended_ && !wire_.ended(); }
  // After a failure: a short reason, a literal; empty before.
  std::string_view failure() const { return failure_; }
  // Says it in better words, again a literal.
  void replace_failure(std::string_view reason) { failure_ = reason; }
  // Makes the handshake fail before it begins.
  void refuse(std::string_view reason) { fail(make_error_code(boost::system::errc::permission_denied), reason); }

 private:
  net::IoResult fail(boost::system::error_code code, std::string_view reason);
  net::IoResult fail_from_openssl(int ssl_error);
  net::IoResult after_read(int ssl_error);
  bool met_plain_text() const;

  Wire wire_;
  SslPtr ssl_;  // after wire_: its BIO points there
  boost::system::error_code error_;
  std::string_view failure_;
  Role role_;
  bool handshake_done_ = false;
  bool ended_ = false;
  bool finished_ = false;  // close_notify was given out
  std::uint8_t control_records_ = 0;
};

}  // namespace shellac::tls
