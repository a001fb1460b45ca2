#include <openssl/err.h>

#include "shellac/tls/server.hpp"
#include "tls/secure_stream.hpp"
#include "tls/server_context.hpp"

namespace shellac::tls {
namespace {

using net::IoResult;

std::string alpn_list(const std::vector<std::string>& protocols) {
  std::string list;
  for (const std::string& protocol : protocols) {
    list += static_cast<char>(protocol.size());
    list += protocol;
  }
  return list;
}

// RFC 2253 form of the client's subject; empty when it showed no certificate. What it showed was verified, since
// OpenSSL ends the handshake otherwise.
std::string subject_of(SSL* ssl) {
  const CertificatePtr certificate(SSL_get1_peer_certificate(ssl));
  if (!certificate || SSL_get_verify_result(ssl) != X509_V_OK) return {};
  const BioPtr text(BIO_new(BIO_s_mem()));
  if (!text) return {};
  X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate.get()), 0, XN_FLAG_RFC2253);
  char* data = nullptr;
  const long size = BIO_get_mem_data(text.get(), &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

}  // namespace

struct ServerStream::Impl {
  Impl(std::unique_ptr<net::Stream> transport, std::shared_ptr<const ServerContext> shared)
      : context(std::move(shared)),
        stream(std::move(transport), context->impl().contexts.front().get(), Role::server) {}

  void explain_failure();
  void conclude();

  std::shared_ptr<const ServerContext> context;
  ServerHandshake handshake;
  std::string subject;
  SecureStream stream;  // after handshake: the SSL points there
};

// Words for what OpenSSL says less clearly, or not at all.
void ServerStream::Impl::explain_failure() {
  if (handshake.refusal != nullptr) return stream.replace_failure(handshake.refusal);
  if (stream.failure() == "peer did not return a certificate") return stream.replace_failure("certificate required");
  const long verdict = stream.ssl() != nullptr ? SSL_get_verify_result(stream.ssl()) : X509_V_OK;
  if (stream.failure() == "certificate verify failed") stream.replace_failure(X509_verify_cert_error_string(verdict));
}

// What only the handshake needed goes; the connection may idle for an hour.
void ServerStream::Impl::conclude() {
  SSL* ssl = stream.ssl();
  if (context->asks_for_client_certificate()) subject = subject_of(ssl);
  SSL_set_tlsext_status_ocsp_resp(ssl, nullptr, 0);
  SSL_free_buffers(ssl);
  ERR_clear_error();
  handshake.alpn = {};
}

ServerStream::ServerStream(std::unique_ptr<net::Stream> transport, std::shared_ptr<const ServerContext> context,
                           const std::vector<std::string>& alpn)
    : impl_(std::make_unique<Impl>(std::move(transport), std::move(context))) {
  impl_->handshake.alpn = alpn_list(alpn);
  if (SSL* ssl = impl_->stream.ssl()) SSL_set_app_data(ssl, &impl_->handshake);
}

ServerStream::~ServerStream() = default;

IoResult ServerStream::try_handshake() {
  const bool was_done = impl_->stream.handshake_done();
  const IoResult result = impl_->stream.try_handshake();
  if (!was_done && impl_->stream.handshake_done()) impl_->conclude();
  if (result.status == IoResult::Status::failed) impl_->explain_failure();
  return result;
}

SessionInfo ServerStream::session() const {
  SSL* ssl = impl_->stream.ssl();
  if (ssl == nullptr || !impl_->stream.handshake_done()) return {};
  SessionInfo info;
  info.version = SSL_get_version(ssl);
  if (const char* cipher = SSL_get_cipher_name(ssl)) info.cipher = cipher;
  info.sni = impl_->handshake.sni;
  const unsigned char* alpn = nullptr;
  unsigned int alpn_size = 0;
  SSL_get0_alpn_selected(ssl, &alpn, &alpn_size);
  if (alpn != nullptr) info.alpn = {reinterpret_cast<const char*>(alpn), alpn_size};
  info.resumed = SSL_session_reused(ssl) == 1;
  info.client_subject = impl_->subject;
  return info;
}

std::string_view ServerStream::failure() const { return impl_->stream.failure(); }
bool ServerStream::ended_cleanly() const { return impl_->stream.ended_cleanly(); }
net::Socket& ServerStream::socket() { return impl_->stream.socket(); }
IoResult ServerStream::try_read(std::span<char> into) { return impl_->stream.try_read(into); }
IoResult ServerStream::try_write(std::span<const iovec> from) { return impl_->stream.try_write(from); }
IoResult ServerStream::try_flush() { return impl_->stream.try_flush(); }
void ServerStream::finish_writing() noexcept { impl_->stream.finish_writing(); }
bool ServerStream::has_buffered_input() const { return impl_->stream.has_buffered_input(); }
void ServerStream::release_buffers() noexcept { impl_->stream.release_buffers(); }

}  // namespace shellac::tls
