// The decisions inside a server's handshake, as OpenSSL's callbacks.
#include <openssl/err.h>

#include <algorithm>
#include <span>
#include <string_view>

#include "shellac/core/text.hpp"
#include "tls/server_context.hpp"
#include "tls/ticket_keys.hpp"

namespace shellac::tls {
namespace {

ServerHandshake& handshake_of(SSL* ssl) { return *static_cast<ServerHandshake*>(SSL_get_app_data(ssl)); }

const ServerContext::Impl& context_of(SSL* ssl) {
  return *static_cast<const ServerContext::Impl*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
}

std::string_view without_final_dot(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return name;
}

// RFC 6066 §3: a list of one host_name. Empty when there is none or it is malformed; OpenSSL itself parses it later and
// refuses what is malformed.
std::string_view parse_server_name(std::span<const unsigned char> extension) {
  const auto number_at = [&](std::size_t at) {
    return static_cast<std::size_t>(extension[at] << 8 | extension[at + 1]);
  };
  constexpr std::size_t kHead = 5;  // length of the list, type, length of the name
  if (extension.size() <= kHead || number_at(0) != extension.size() - 2) return {};
  if (extension[2] != TLSEXT_NAMETYPE_host_name || number_at(3) != extension.size() - kHead) return {};
  return {reinterpret_cast<const char*>(extension.data()) + kHead, extension.size() - kHead};
}

// First of all, before a ticket is opened: the name decides the certificates.
int on_client_hello(SSL* ssl, int* alert, void* argument) {
  const auto& context = *static_cast<const ServerContext::Impl*>(argument);
  const unsigned char* data = nullptr;
  std::size_t size = 0;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &data, &size) != 1) return SSL_CLIENT_HELLO_SUCCESS;
  ServerHandshake& handshake = handshake_of(ssl);
  handshake.sni = lowercase(without_final_dot(parse_server_name({data, size})));
  if (handshake.sni.empty()) return SSL_CLIENT_HELLO_SUCCESS;
  const auto group = context.names.find(handshake.sni);
  if (group) {
    SSL_set_SSL_CTX(ssl, context.contexts[*group].get());
    return SSL_CLIENT_HELLO_SUCCESS;
  }
  if (context.unknown_sni == UnknownSni::use_default) return SSL_CLIENT_HELLO_SUCCESS;
  handshake.refusal = "unknown server name";
  *alert = SSL_AD_UNRECOGNIZED_NAME;
  return SSL_CLIENT_HELLO_ERROR;
}

// Accepting the name makes OpenSSL keep it in the session, where on_ticket() finds it again.
int on_server_name(SSL*, int*, void*) { return SSL_TLSEXT_ERR_OK; }

// RFC 7301 §3.2: ours is the order, and no overlap is a fatal alert.
int on_alpn(SSL* ssl, const unsigned char** chosen, unsigned char* chosen_size, const unsigned char* offered,
            unsigned int offered_size, void*) {
  const std::string_view theirs(reinterpret_cast<const char*>(offered), offered_size);
  const std::string_view ours = handshake_of(ssl).alpn;
  const auto entry_at = [](std::string_view list, std::size_t at) {
    return list.substr(at, 1 + static_cast<unsigned char>(list[at]));
  };
  for (std::size_t i = 0; i < ours.size(); i += entry_at(ours, i).size()) {
    const std::string_view mine = entry_at(ours, i);
    for (std::size_t j = 0; j < theirs.size(); j += entry_at(theirs, j).size()) {
      if (entry_at(theirs, j) != mine) continue;
      *chosen = offered + j + 1;
      *chosen_size = static_cast<unsigned char>(mine.size() - 1);
      return SSL_TLSEXT_ERR_OK;
    }
  }
  return ours.empty() ? SSL_TLSEXT_ERR_NOACK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

int on_status_request(SSL* ssl, void*) {
  const auto& by_leaf = context_of(ssl).by_leaf;
  const auto found = by_leaf.find(SSL_get_certificate(ssl));
  if (found == by_leaf.end() || !found->second->staple) return SSL_TLSEXT_ERR_NOACK;
  const Staple& staple = *found->second->staple;
  // An expired answer is worse than none: a client that insists on one would refuse us either way, others only then.
  if (!staple.is_current(std::time(nullptr))) return SSL_TLSEXT_ERR_NOACK;
  void* copy = OPENSSL_memdup(staple.der.data(), staple.der.size());
  if (copy == nullptr) return SSL_TLSEXT_ERR_NOACK;
  SSL_set_tlsext_status_ocsp_resp(ssl, copy, static_cast<long>(staple.der.size()));
  return SSL_TLSEXT_ERR_OK;
}

int on_ticket_key(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                  int encrypt) {
  return prepare_ticket(context_of(ssl).tickets->impl(), ssl, name, iv, cipher, mac, encrypt);
}

// Whether a session that a ticket brought may go on here. A different client_ca is a different session id context,
// which OpenSSL compares itself.
bool may_resume(SSL* ssl, const SSL_SESSION* session) {
  // RFC 6066 §3: a session is not resumed under another name.
  const char* name = SSL_SESSION_get0_hostname(session);
  const std::string_view then = without_final_dot(name != nullptr ? name : "");
  if (!iequals(then, handshake_of(ssl).sni)) return false;
  // OpenSSL verified the client's certificate when the session began and does not look again.
  const X509* client = SSL_SESSION_get0_peer(const_cast<SSL_SESSION*>(session));
  return client == nullptr || X509_cmp_current_time(X509_get0_notAfter(client)) > 0;
}

SSL_TICKET_RETURN on_ticket(SSL* ssl, SSL_SESSION* session, const unsigned char*, std::size_t, SSL_TICKET_STATUS status,
                            void*) {
  if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW) return SSL_TICKET_RETURN_IGNORE_RENEW;
  if (!may_resume(ssl, session)) return SSL_TICKET_RETURN_IGNORE_RENEW;
  return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

}  // namespace

void install_handshake(SSL_CTX* context, const ServerContext::Impl& impl) {
  SSL_CTX_set_app_data(context, const_cast<ServerContext::Impl*>(&impl));  // read through const only
  SSL_CTX_set_client_hello_cb(context, on_client_hello, const_cast<ServerContext::Impl*>(&impl));
  SSL_CTX_set_tlsext_servername_callback(context, on_server_name);
  SSL_CTX_set_alpn_select_cb(context, on_alpn, nullptr);
  SSL_CTX_set_tlsext_status_cb(context, on_status_request);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket_key);
  SSL_CTX_set_session_ticket_cb(context, nullptr, on_ticket, nullptr);
}

}  // namespace shellac::tls
