// Owners for OpenSSL's objects, and its error queue as text.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>

namespace shellac::tls {

template <auto kFree>
struct Free {
  template <class T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using CertificatePtr = std::unique_ptr<X509, Free<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using BioPtr = std::unique_ptr<BIO, Free<BIO_free>>;
using ContextPtr = std::unique_ptr<SSL_CTX, Free<SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, Free<SSL_free>>;
using StorePtr = std::unique_ptr<X509_STORE, Free<X509_STORE_free>>;
using OcspPtr = std::unique_ptr<OCSP_RESPONSE, Free<OCSP_RESPONSE_free>>;

// What OpenSSL says of the last failure, without its numbers ("no shared cipher"); its queue is empty afterwards.
// The text is a literal inside OpenSSL. Thread: any; the queue is the thread's own.
std::string_view take_openssl_reason();

// A certificate as octets. Throws as require() does.
std::string der_of(X509* certificate);

// Throws std::runtime_error "WHAT (REASON)" unless `ok`.
void require(bool ok, const std::string& what);

}  // namespace shellac::tls
