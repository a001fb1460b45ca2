#include "tls/pem.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

namespace shellac::tls {
namespace {

namespace fs = std::filesystem;

// No chain, key, OCSP answer or bundle of authorities is larger; reading stops there.
constexpr std::uintmax_t kFileMax = 8u << 20;

BioPtr bio_over(const std::string& text) { return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

// Callback of PEM_read_bio_PrivateKey: there is nobody to ask for a passphrase.
int refuse_passphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

}  // namespace

Content read_content(const std::string& file) {
  std::error_code error;
  const fs::file_status status = fs::status(file, error);
  if (status.type() == fs::file_type::not_found) return {{}, file + " does not exist"};
  if (error) return {{}, file + " cannot be read (" + error.message() + ")"};
  if (!fs::is_regular_file(status)) return {{}, file + " is not a regular file"};
  if (fs::file_size(file, error) > kFileMax || error) return {{}, file + " is larger than 8MiB"};
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return {{}, file + " cannot be read (" + std::generic_category().message(errno) + ")"};
  return {{std::istreambuf_iterator<char>(stream), {}}, {}};
}

Certificates parse_certificates(const std::string& text, const std::string& file) {
  Certificates found;
  const BioPtr bio = bio_over(text);
  ERR_clear_error();
  while (CertificatePtr certificate{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)})
    found.list.push_back(std::move(certificate));
  const bool ended = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string reason(take_openssl_reason());
  if (!ended)
    found.problem =
        "certificate " + std::to_string(found.list.size() + 1) + " in " + file + " cannot be parsed (" + reason + ")";
  else if (found.list.empty())
    found.problem = file + " holds no certificate, expected PEM (-----BEGIN CERTIFICATE-----)";
  return found;
}

ParsedKey parse_key(const std::string& text, const std::string& file) {
  bool asked_passphrase = false;
  const BioPtr bio = bio_over(text);
  KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, refuse_passphrase, &asked_passphrase));
  if (key) return {std::move(key), {}};
  const std::string reason(take_openssl_reason());
  if (asked_passphrase) return {nullptr, file + " is encrypted, expected a private key without a passphrase"};
  return {nullptr, file + " holds no private key that can be parsed (" + reason + "), expected PEM"};
}

}  // namespace shellac::tls
