// A certificate authority made on the spot: issues certificates and OCSP answers for tests.
#pragma once

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/temp_dir.hpp"
#include "tls/openssl.hpp"

namespace shellac::tls {

enum class Kind { ecdsa, rsa };

inline void must(bool ok, const char* what) {
  if (!ok) throw std::runtime_error(what);
}

// RSA keys are slow to make and as good when shared.
inline KeyPtr make_key(Kind kind) {
  if (kind == Kind::ecdsa) return KeyPtr(EVP_EC_gen("P-256"));
  static const KeyPtr shared(EVP_RSA_gen(2048));
  EVP_PKEY_up_ref(shared.get());
  return KeyPtr(shared.get());
}

template <class Write>
std::string pem_text(Write write) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  must(write(bio.get()) == 1, "cannot write PEM");
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

struct Issued {
  CertificatePtr certificate;
  KeyPtr key;
  std::string certificate_pem() const {
    return pem_text([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate.get()); });
  }
  std::string key_pem() const {
    return pem_text(
        [&](BIO* bio) { return PEM_write_bio_PKCS8PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
  }
};

struct Request {
  std::vector<std::string> names;  // "IP:127.0.0.1", or DNS names
  Kind kind = Kind::ecdsa;
  std::string common_name = {};
  long starts = -3600;    // seconds from now
  long ends = 24 * 3600;  // seconds from now
};

class Authority {
 public:
  explicit Authority(const std::string& name) : own_(sign({{}, Kind::ecdsa, name}, nullptr)) {}

  Issued issue(const Request& request) const { return sign(request, &own_); }
  std::string pem() const { return own_.certificate_pem(); }

  // An answer about `subject` as DER; times in seconds from now.
  std::string ocsp(const Issued& subject, int status, long this_update, long next_update) const {
    const std::unique_ptr<OCSP_BASICRESP, Free<OCSP_BASICRESP_free>> basic(OCSP_BASICRESP_new());
    const std::unique_ptr<OCSP_CERTID, Free<OCSP_CERTID_free>> id(
        OCSP_cert_to_id(EVP_sha1(), subject.certificate.get(), own_.certificate.get()));
    using TimePtr = std::unique_ptr<ASN1_TIME, Free<ASN1_TIME_free>>;
    const TimePtr from(X509_gmtime_adj(nullptr, this_update));
    const TimePtr until(X509_gmtime_adj(nullptr, next_update));
    must(OCSP_basic_add1_status(basic.get(), id.get(), status, 0, from.get(), from.get(), until.get()) != nullptr,
         "cannot answer");
    must(OCSP_basic_sign(basic.get(), own_.certificate.get(), own_.key.get(), EVP_sha256(), nullptr, 0) == 1,
         "cannot sign");
    const OcspPtr response(OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic.get()));
    unsigned char* der = nullptr;
    const int size = i2d_OCSP_RESPONSE(response.get(), &der);
    std::string text(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
    return text;
  }

 private:
  static void add_extension(X509* certificate, int nid, const std::string& value) {
    const std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION_free>> extension(
        X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str()));
    must(extension && X509_add_ext(certificate, extension.get(), -1) == 1, "bad extension");
  }

  static Issued sign(const Request& request, const Issued* issuer) {
    static long serial = 1000;
    Issued made{CertificatePtr(X509_new()), make_key(request.kind)};
    X509* certificate = made.certificate.get();
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate), request.starts);
    X509_gmtime_adj(X509_getm_notAfter(certificate), request.ends);
    X509_set_pubkey(certificate, made.key.get());
    const std::string name = request.common_name.empty() ? "shellac test" : request.common_name;
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(certificate,
                         X509_get_subject_name(issuer != nullptr ? issuer->certificate.get() : certificate));
    if (issuer == nullptr) add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
    std::string names;
    for (const std::string& entry : request.names)
      names += (names.empty() ? "" : ",") + (entry.starts_with("IP:") ? entry : "DNS:" + entry);
    if (!names.empty()) add_extension(certificate, NID_subject_alt_name, names);
    EVP_PKEY* signer = issuer != nullptr ? issuer->key.get() : made.key.get();
    must(X509_sign(certificate, signer, EVP_sha256()) != 0, "cannot sign");
    return made;
  }

  Issued own_;
};

// Writes NAME.crt and NAME.key, the key for its owner alone.
inline CertificateOptions write_pair(const test::TempDir& dir, const std::string& name, const Issued& issued) {
  using std::filesystem::perms;
  dir.write(name + ".key", issued.key_pem());
  std::filesystem::permissions(dir.path(name + ".key"), perms::owner_read | perms::owner_write);
  return {dir.write(name + ".crt", issued.certificate_pem()), dir.path(name + ".key"), {}, {}};
}

}  // namespace shellac::tls
