// What a listener's handshakes need: one SSL_CTX per group of certificates, and what its callbacks look up.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "shellac/tls/server.hpp"
#include "tls/certificate.hpp"
#include "tls/name_table.hpp"
#include "tls/openssl.hpp"

namespace shellac::tls {

struct ServerContext::Impl {
  std::shared_ptr<TicketKeys> tickets;
  UnknownSni unknown_sni = UnknownSni::use_default;
  bool asks_for_certificate = false;
  std::vector<Certificate> certificates;
  NameTable names;
  std::vector<ContextPtr> contexts;  // by group of `names`
  std::unordered_map<const X509*, const Certificate*> by_leaf;
  std::vector<std::string> notes;
};

// What one handshake offers and learns; the SSL's app data points here until it has ended. Thread: its loop.
struct ServerHandshake {
  std::string alpn;               // offered protocols as ALPN writes them: a length octet before each, in our order
  std::string sni;                // lower case, without a final dot
  const char* refusal = nullptr;  // why our own callback ended the handshake
};

// Sets the callbacks that pick certificate, protocol, staple and ticket key. `impl` outlives the context.
void install_handshake(SSL_CTX* context, const ServerContext::Impl& impl);

}  // namespace shellac::tls
