#include "tls/openssl.hpp"

#include <openssl/err.h>

#include <stdexcept>

namespace shellac::tls {

std::string_view take_openssl_reason() {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
  ERR_clear_error();
  return reason != nullptr ? reason : "unknown reason";
}

std::string der_of(X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  require(size > 0, "cannot encode a certificate");
  std::string text(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return text;
}

void require(bool ok, const std::string& what) {
  if (ok) return;
  throw std::runtime_error(what + " (" + std::string(take_openssl_reason()) + ")");
}

}  // namespace shellac::tls
