// TLS towards clients: certificates, tickets, and the stream.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shellac/core/error.hpp"
#include "shellac/core/units.hpp"
#include "shellac/net/stream.hpp"
#include "shellac/tls/options.hpp"

namespace shellac::tls {

// Session ticket keys of the process: shared by all workers and kept over a reload, so that a session resumes wherever
// it lands. The newest key seals, all open. Thread: any; locks are held for a copy of 80 octets.
class TicketKeys {
 public:
  TicketKeys();
  ~TicketKeys();
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

  // Takes the keys of a file. One secret a line, newest first, 1 to 8 of them, each at least 32 bytes of text
  // (`openssl rand -hex 80`); the 80 octets of a key are derived from it, so any form of text will do. Space around a
  // line, empty lines and lines that begin with '#' do not count. Edges that share the file resume each other's
  // sessions. Error text on failure, and the old keys stay. Reads a file: control thread or pool.
  std::optional<std::string> load(const std::string& file);
  // Makes a new random key the newest and drops what is older than three generations.
  void rotate();
  // When the newest key was made or loaded.
  Time newest_since() const;

  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

// What is told of a certificate at /metrics and in ctl status.
struct CertificateInfo {
  std::string name;      // the first DNS name, or the file's
  std::string key_type;  // "ecdsa", "rsa", "ed25519"
  std::vector<std::string> names;
  WallTime not_after{};
};

// Everything of one listener's `tls`: immutable, shared by all workers' connections; a reload makes a new one, and
// connections keep the one they began with. Thread: any.
class ServerContext {
 public:
  // Loads files: never on a worker. Throws std::runtime_error with file and reason.
  static std::shared_ptr<const ServerContext> make(const ServerOptions& options, std::shared_ptr<TicketKeys> tickets);
  ~ServerContext();

  std::vector<CertificateInfo> certificates() const;
  // True when this listener asks clients for certificates: then Host must agree with SNI (421, RFC 9110 §15.5.20).
  bool asks_for_client_certificate() const;
  // What deserves a warning in the log, a sentence each: an OCSP answer that is not stapled, a certificate that no name
  // leads to.
  std::vector<std::string> notes() const;

  struct Impl;
  const Impl& impl() const { return *impl_; }

 private:
  ServerContext();
  std::unique_ptr<Impl> impl_;
};

// What the handshake agreed. Views live as long as the stream.
struct SessionInfo {
  std::string_view version;  // "TLSv1.3"
  std::string_view cipher;
  std::string_view sni;   // lower case; empty when none
  std::string_view alpn;  // "http/1.1", "h2"; empty when none
  bool resumed = false;
  std::string_view client_subject;  // RFC 2253 form of the verified client certificate; empty when none
};

// Thread: its loop. Keeps the context alive.
class ServerStream final : public net::Stream {
 public:
  // Takes the socket over. `alpn`: what is offered, in order of preference ("http/1.1").
  ServerStream(std::unique_ptr<net::Stream> transport, std::shared_ptr<const ServerContext> context,
               const std::vector<std::string>& alpn);
  ~ServerStream() override;

  // Call until it is done or failed; waits are the caller's, and so is the deadline.
  net::IoResult try_handshake();
  SessionInfo session() const;
  // After a failed handshake: a short reason for log and metric ("no shared cipher", "certificate required", "not
  // tls"). One of a fixed set of literals.
  std::string_view failure() const;

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
