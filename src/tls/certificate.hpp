// A server's certificate as loaded: chain, key, names, and the OCSP answer to staple.
#pragma once

#include <ctime>
#include <optional>
#include <string>
#include <vector>

#include "shellac/tls/options.hpp"
#include "shellac/tls/server.hpp"
#include "tls/openssl.hpp"

namespace shellac::tls {

// An OCSP answer (RFC 6960) that says `good` of one certificate. Immutable.
struct Staple {
  std::string der;
  std::time_t this_update = 0;
  std::time_t next_update = 0;  // 0 = the responder names none: the answer holds until a newer one is there

  // Whether a client would take it at `now`; five minutes are granted to clocks.
  bool is_current(std::time_t now) const;
};

// Either a staple, or why there is none.
struct FoundStaple {
  std::optional<Staple> staple;
  std::string note;
};
// Looks for `leaf` in the answer by its serial number; the responder's signature is the client's to verify.
FoundStaple load_staple(const std::string& file, const X509* leaf);

struct Certificate {
  CertificatePtr leaf;
  std::vector<CertificatePtr> chain;  // above the leaf
  KeyPtr key;
  int key_kind = 0;  // EVP_PKEY_RSA, EVP_PKEY_EC, …
  CertificateInfo info;
  std::optional<Staple> staple;
};

// One pair (`dir` empty). Throws std::runtime_error with file and reason. An OCSP answer that cannot be served is no
// error: it is told in `notes`.
Certificate load_certificate(const CertificateOptions& options, std::vector<std::string>& notes);

}  // namespace shellac::tls
