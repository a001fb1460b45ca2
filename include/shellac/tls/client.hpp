// TLS towards backends.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "shellac/net/stream.hpp"
#include "shellac/tls/options.hpp"

namespace shellac::tls {

// Everything of one pool's `tls`. Immutable, any thread; connections keep it alive.
class ClientContext {
 public:
  // Loads the CA file: never on a worker. Throws std::runtime_error with file and reason.
  static std::shared_ptr<const ClientContext> make(const ClientOptions& options);
  ~ClientContext();
  // Whether both believe the same backends: the same authorities, and verification as strict. Then a connection that
  // was made with one is as good for the other.
  bool trusts_as(const ClientContext& other) const;
  struct Impl;
  const Impl& impl() const { return *impl_; }

 private:
  ClientContext();
  std::unique_ptr<Impl> impl_;
};

// Thread: its loop.
class ClientStream final : public net::Stream {
 public:
  // `name`: sent as SNI and verified against the certificate (a DNS name or an IP address; an address is not sent).
  ClientStream(std::unique_ptr<net::Stream> transport, std::shared_ptr<const ClientContext> context,
               std::string_view name);
  ~ClientStream() override;

  net::IoResult try_handshake();
  // After a failed handshake: the reason, and whether it was the certificate that was refused.
  std::string_view failure() const;
  bool certificate_refused() const;

  net::Socket& socket() override;
  net::IoResult try_read(std::span<char> into) override;
  net::IoResult try_write(std::span<const iovec> from) override;
  net::IoResult try_flush() override;
  void finish_writing() noexcept override;
  // RFC 8446 §6.1: true after close_notify, false after a bare FIN.
  bool ended_cleanly() const override;
  bool has_buffered_input() const override;
  void release_buffers() noexcept override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace shellac::tls
