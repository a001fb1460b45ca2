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

void require(bool ok, const std::string& what) {
  if (ok) return;
  throw std::runtime_error(what + " (" + std::string(take_openssl_reason()) + ")");
}

}  // namespace shellac::tls
