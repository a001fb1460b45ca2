#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <stdexcept>

#include "shellac/core/address.hpp"
#include "shellac/tls/client.hpp"
#include "tls/pem.hpp"
#include "tls/secure_stream.hpp"

namespace shellac::tls {
namespace {

using net::IoResult;

// Gives what it trusts from now on, as octets to compare.
std::string trust_file(SSL_CTX* context, const std::string& file) {
  const Content content = read_content(file);
  if (!content.problem.empty()) throw std::runtime_error(content.problem);
  const Certificates found = parse_certificates(content.text, file);
  if (!found.problem.empty()) throw std::runtime_error(found.problem);
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  // What is listed is trusted, also an intermediate without its root or a backend's own self-signed certificate.
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  std::string trust;
  for (const CertificatePtr& certificate : found.list) {
    require(X509_STORE_add_cert(store, certificate.get()) == 1, file + " is refused");
    trust += der_of(certificate.get());
  }
  return trust;
}

// As a certificate and SNI know it: without the brackets of an IPv6 address in a URL, without a final dot.
std::string plain_name(std::string_view name) {
  if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
  if (name.ends_with('.')) name.remove_suffix(1);
  return std::string(name);
}

}  // namespace

struct ClientContext::Impl {
  ContextPtr context;
  bool verify = true;
  std::string trust;  // the authorities as DER, "system", or empty when nothing is verified
};

ClientContext::ClientContext() : impl_(std::make_unique<Impl>()) {}
ClientContext::~ClientContext() = default;

std::shared_ptr<const ClientContext> ClientContext::make(const ClientOptions& options) {
  const std::shared_ptr<ClientContext> made(new ClientContext);
  Impl& impl = *made->impl_;
  impl.verify = options.verify;
  impl.context.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* context = impl.context.get();
  require(context != nullptr, "no TLS");
  require(SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1, "TLS 1.2");
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context,
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_verify(context, options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (!options.verify) return made;
  if (options.ca == "system") {
    require(SSL_CTX_set_default_verify_paths(context) == 1, "the system's authorities");
    impl.trust = options.ca;
  } else {
    impl.trust = trust_file(context, options.ca);
  }
  return made;
}

bool ClientContext::trusts_as(const ClientContext& other) const { return impl_->trust == other.impl_->trust; }

struct ClientStream::Impl {
  Impl(std::unique_ptr<net::Stream> transport, std::shared_ptr<const ClientContext> shared)
      : context(std::move(shared)), stream(std::move(transport), context->impl().context.get(), Role::client) {}

  void expect_name(const std::string& name);
  void explain_failure();

  std::shared_ptr<const ClientContext> context;
  SecureStream stream;
  bool certificate_refused = false;
};

// Sent and verified. When that cannot be set up the handshake must not happen: an unset name would match anything.
void ClientStream::Impl::expect_name(const std::string& name) {
  SSL* ssl = stream.ssl();
  if (ssl == nullptr) return;
  const bool is_address = parse_ip(name).has_value();
  bool ready = is_address || name.empty() || SSL_set_tlsext_host_name(ssl, name.c_str()) == 1;
  if (context->impl().verify) {
    X509_VERIFY_PARAM* rules = SSL_get0_param(ssl);
    X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    ready = ready && !name.empty() &&
            (is_address ? X509_VERIFY_PARAM_set1_ip_asc(rules, name.c_str())
                        : X509_VERIFY_PARAM_set1_host(rules, name.data(), name.size())) == 1;
  }
  ERR_clear_error();
  if (!ready) stream.refuse("no name to verify");
  certificate_refused = !ready;
}

void ClientStream::Impl::explain_failure() {
  if (certificate_refused || stream.failure() != "certificate verify failed") return;
  certificate_refused = true;
  stream.replace_failure(X509_verify_cert_error_string(SSL_get_verify_result(stream.ssl())));
}

ClientStream::ClientStream(std::unique_ptr<net::Stream> transport, std::shared_ptr<const ClientContext> context,
                           std::string_view name)
    : impl_(std::make_unique<Impl>(std::move(transport), std::move(context))) {
  impl_->expect_name(plain_name(name));
}

ClientStream::~ClientStream() = default;

IoResult ClientStream::try_handshake() {
  const IoResult result = impl_->stream.try_handshake();
  if (result.status == IoResult::Status::failed) impl_->explain_failure();
  return result;
}

std::string_view ClientStream::failure() const { return impl_->stream.failure(); }
bool ClientStream::certificate_refused() const { return impl_->certificate_refused; }
bool ClientStream::ended_cleanly() const { return impl_->stream.ended_cleanly(); }
net::Socket& ClientStream::socket() { return impl_->stream.socket(); }
IoResult ClientStream::try_read(std::span<char> into) { return impl_->stream.try_read(into); }
IoResult ClientStream::try_write(std::span<const iovec> from) { return impl_->stream.try_write(from); }
IoResult ClientStream::try_flush() { return impl_->stream.try_flush(); }
void ClientStream::finish_writing() noexcept { impl_->stream.finish_writing(); }
bool ClientStream::has_buffered_input() const { return impl_->stream.has_buffered_input(); }
void ClientStream::release_buffers() noexcept { impl_->stream.release_buffers(); }

}  // namespace shellac::tls
