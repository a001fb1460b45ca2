#include "tls/server_context.hpp"

#include <algorithm>
#include <chrono>
#include <stdexcept>

#include "shellac/core/crypto.hpp"
#include "shellac/tls/check.hpp"
#include "tls/pem.hpp"

namespace shellac::tls {
namespace {

// Forward secrecy and authenticated encryption only (RFC 7525bis §4.2). AES-128 first: it costs least where the
// processor knows AES, and SSL_OP_PRIORITIZE_CHACHA takes care of clients whose processor does not.
constexpr const char* kCiphers12 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:"
    "ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";
constexpr const char* kCiphers13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
// OpenSSL refuses a list with a name that it does not know; X25519MLKEM768 came with 3.5.
constexpr const char* kGroupsHybrid = "X25519MLKEM768:X25519:P-256:P-384";
constexpr const char* kGroups = "X25519:P-256:P-384";
// No SHA-1. ECDSA first: a handshake with RSA-2048 costs ten times as much signing.
constexpr const char* kSignatures =
    "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:ed448:rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512:"
    "RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:RSA+SHA256:RSA+SHA384:RSA+SHA512";
// 112 bits: RSA keys of 2048 and more, no SHA-1 in chains.
constexpr int kSecurityLevel = 2;
// Two for a full handshake, since a browser that comes back opens two connections at once and uses each ticket once;
// OpenSSL gives one when a session is resumed, which keeps the stock. Sealing one costs about 5 µs of 500.
constexpr std::size_t kTickets = 2;
// Shorter than a day, so that the secret of a session does not outlive the rotation of the keys for long.
constexpr std::chrono::seconds kSessionLife = std::chrono::hours(12);

// The authorities of client_ca, and what their identity adds to the session id context.
struct Authorities {
  StorePtr store;
  std::vector<CertificatePtr> certificates;
  std::string identity;
};

Authorities load_authorities(const ClientCaOptions& options) {
  const Content content = read_content(options.file);
  if (!content.problem.empty()) throw std::runtime_error(content.problem);
  Certificates found = parse_certificates(content.text, options.file);
  if (!found.problem.empty()) throw std::runtime_error(found.problem);
  Authorities authorities{StorePtr(X509_STORE_new()), std::move(found.list), {}};
  require(authorities.store != nullptr, "no memory for " + options.file);
  // What is listed is trusted, also when it is an intermediate without its root.
  X509_STORE_set_flags(authorities.store.get(), X509_V_FLAG_PARTIAL_CHAIN);
  authorities.identity = options.verify == VerifyClient::require ? "require" : "optional";
  for (const CertificatePtr& certificate : authorities.certificates) {
    require(X509_STORE_add_cert(authorities.store.get(), certificate.get()) == 1, options.file + " is refused");
    authorities.identity += der_of(certificate.get());
  }
  return authorities;
}

// Sessions are resumed only where the same clients would be let in: otherwise a ticket of a listener that asks for no
// certificate would open one that requires it. Equal over reloads, workers and edges.
crypto::Sha256 session_context(const Authorities& authorities) {
  return crypto::sha256("shellac session " + authorities.identity);
}

void set_protocol(SSL_CTX* context, MinVersion min_version) {
  SSL_CTX_set_security_level(context, kSecurityLevel);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                   SSL_OP_PRIORITIZE_CHACHA | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
  const int lowest = min_version == MinVersion::tls13 ? TLS1_3_VERSION : TLS1_2_VERSION;
  require(SSL_CTX_set_min_proto_version(context, lowest) == 1, "min_version");
  require(SSL_CTX_set_max_proto_version(context, 0) == 1, "max_version");
  require(SSL_CTX_set_cipher_list(context, kCiphers12) == 1, "TLS 1.2 ciphers");
  require(SSL_CTX_set_ciphersuites(context, kCiphers13) == 1, "TLS 1.3 ciphers");
  require(SSL_CTX_set1_sigalgs_list(context, kSignatures) == 1, "signature algorithms");
  if (SSL_CTX_set1_groups_list(context, kGroupsHybrid) != 1) {
    take_openssl_reason();
    require(SSL_CTX_set1_groups_list(context, kGroups) == 1, "groups");
  }
}

void set_sessions(SSL_CTX* context, const Authorities& authorities) {
  // Tickets hold all state; a cache here would be per process and per context.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, kTickets);
  SSL_CTX_set_timeout(context, static_cast<long>(kSessionLife.count()));
  SSL_CTX_set_max_early_data(context, 0);
  SSL_CTX_set_recv_max_early_data(context, 0);
  const crypto::Sha256 id = session_context(authorities);
  require(SSL_CTX_set_session_id_context(context, id.data(), static_cast<unsigned>(id.size())) == 1, "session context");
}

void set_client_verification(SSL_CTX* context, const Authorities& authorities, VerifyClient verify) {
  const int must = verify == VerifyClient::require ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | must, nullptr);
  require(SSL_CTX_set1_verify_cert_store(context, authorities.store.get()) == 1, "client_ca");
  for (const CertificatePtr& certificate : authorities.certificates)
    require(SSL_CTX_add_client_CA(context, certificate.get()) == 1, "client_ca");
}

void add_certificate(SSL_CTX* context, const Certificate& certificate) {
  const std::unique_ptr<STACK_OF(X509), Free<[](STACK_OF(X509) * stack) { sk_X509_free(stack); }>> chain(
      sk_X509_new_null());
  for (const CertificatePtr& above : certificate.chain) sk_X509_push(chain.get(), above.get());
  constexpr int kReplace = 1;
  require(SSL_CTX_use_cert_and_key(context, certificate.leaf.get(), certificate.key.get(), chain.get(), kReplace) == 1,
          "the certificate " + certificate.info.name + " is refused");
}

ContextPtr make_context(const ServerOptions& options, const Authorities& authorities, const ServerContext::Impl& impl,
                        const std::vector<std::size_t>& group) {
  ContextPtr context(SSL_CTX_new(TLS_server_method()));
  require(context != nullptr, "no TLS");
  set_protocol(context.get(), options.min_version);
  set_sessions(context.get(), authorities);
  if (options.client_ca) set_client_verification(context.get(), authorities, options.client_ca->verify);
  for (const std::size_t index : group) add_certificate(context.get(), impl.certificates[index]);
  install_handshake(context.get(), impl);
  return context;
}

// Certificates whose every name belongs to an earlier one of the same kind.
void note_unused(ServerContext::Impl& impl) {
  std::vector<bool> used(impl.certificates.size(), false);
  for (const auto& group : impl.names.groups())
    for (const std::size_t index : group) used[index] = true;
  for (std::size_t index = 0; index < used.size(); ++index)
    if (!used[index])
      impl.notes.push_back("a certificate of " + impl.certificates[index].info.name +
                           " is never used: others that stand before it have its names");
}

}  // namespace

ServerContext::ServerContext() : impl_(std::make_unique<Impl>()) {}
ServerContext::~ServerContext() = default;

std::shared_ptr<const ServerContext> ServerContext::make(const ServerOptions& options,
                                                         std::shared_ptr<TicketKeys> tickets) {
  const std::shared_ptr<ServerContext> context(new ServerContext);
  Impl& impl = *context->impl_;
  impl.tickets = std::move(tickets);
  impl.unknown_sni = options.unknown_sni;
  impl.asks_for_certificate = options.client_ca.has_value();
  for (const CertificateOptions& entry : options.certificates) {
    const ExpandedCertificates expanded = expand_certificates(entry);
    if (!expanded.problems.empty()) throw std::runtime_error(expanded.problems.front());
    for (const CertificateOptions& pair : expanded.pairs)
      impl.certificates.push_back(load_certificate(pair, impl.notes));
  }
  if (impl.certificates.empty()) throw std::runtime_error("no certificate");

  std::vector<NamedKey> named;
  for (const Certificate& certificate : impl.certificates) {
    named.push_back({certificate.info.names, certificate.key_kind});
    impl.by_leaf.emplace(certificate.leaf.get(), &certificate);
  }
  impl.names = NameTable(named);
  note_unused(impl);
  const Authorities authorities = options.client_ca ? load_authorities(*options.client_ca) : Authorities{};
  for (const auto& group : impl.names.groups())
    impl.contexts.push_back(make_context(options, authorities, impl, group));
  return context;
}

std::vector<CertificateInfo> ServerContext::certificates() const {
  std::vector<CertificateInfo> all;
  for (const Certificate& certificate : impl_->certificates) all.push_back(certificate.info);
  return all;
}

bool ServerContext::asks_for_client_certificate() const { return impl_->asks_for_certificate; }

std::vector<std::string> ServerContext::notes() const { return impl_->notes; }

}  // namespace shellac::tls
