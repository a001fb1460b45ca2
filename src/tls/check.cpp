#include "shellac/tls/check.hpp"

#include <openssl/err.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <system_error>
#include <utility>

#include "tls/openssl.hpp"
#include "tls/pem.hpp"
#include "tls/ticket_keys.hpp"

namespace shellac::tls {

namespace {

namespace fs = std::filesystem;

std::string check_ocsp(const std::string& file) {
  Content content = read_content(file);
  if (!content.problem.empty()) return content.problem;
  const auto* data = reinterpret_cast<const unsigned char*>(content.text.data());
  const unsigned char* end = data + content.text.size();
  OcspPtr response(d2i_OCSP_RESPONSE(nullptr, &data, static_cast<long>(content.text.size())));
  ERR_clear_error();
  if (!response || data != end) return file + " is not an OCSP response, expected DER";
  if (OCSP_response_status(response.get()) != OCSP_RESPONSE_STATUS_SUCCESSFUL)
    return file + " is an OCSP response without success";
  return {};
}

// What a server does with them, so that what it would refuse (a weak key, a curve it cannot use) is told here.
std::string check_pair(X509* leaf, EVP_PKEY* key, const CertificateOptions& options) {
  if (X509_check_private_key(leaf, key) != 1) {
    ERR_clear_error();
    return "the key " + options.key + " does not match the certificate " + options.chain;
  }
  ContextPtr context(SSL_CTX_new(TLS_server_method()));
  if (!context) return "OpenSSL has no TLS (" + std::string(take_openssl_reason()) + ")";
  if (SSL_CTX_use_certificate(context.get(), leaf) != 1)
    return "the certificate " + options.chain + " is refused (" + std::string(take_openssl_reason()) + ")";
  if (SSL_CTX_use_PrivateKey(context.get(), key) != 1)
    return "the key " + options.key + " is refused (" + std::string(take_openssl_reason()) + ")";
  return {};
}

void append(std::string& text, const std::string& more) {
  if (more.empty()) return;
  if (!text.empty()) text += "; ";
  text += more;
}

std::string check_one(const CertificateOptions& options) {
  std::string problem;
  Certificates chain;
  ParsedKey key;
  if (Content content = read_content(options.chain); !content.problem.empty())
    append(problem, content.problem);
  else
    append(problem, (chain = parse_certificates(content.text, options.chain)).problem);
  if (Content content = read_content(options.key); !content.problem.empty())
    append(problem, content.problem);
  else
    append(problem, (key = parse_key(content.text, options.key)).problem);
  if (!chain.list.empty() && key.key) append(problem, check_pair(chain.list.front().get(), key.key.get(), options));
  if (!options.ocsp.empty()) append(problem, check_ocsp(options.ocsp));
  return problem;
}

bool is_certificate_name(const fs::path& path) { return path.extension() == ".crt" || path.extension() == ".pem"; }

std::string with_extension(fs::path path, const char* extension) { return path.replace_extension(extension).string(); }

}  // namespace

ExpandedCertificates expand_certificates(const CertificateOptions& options) {
  if (options.dir.empty()) return {{options}, {}};
  ExpandedCertificates found;
  std::error_code error;
  std::vector<fs::path> files;
  for (fs::directory_iterator it(options.dir, error), end; !error && it != end; it.increment(error))
    if (is_certificate_name(it->path())) files.push_back(it->path());
  if (error) {
    found.problems.push_back(options.dir + " cannot be read (" + error.message() + ")");
    return found;
  }
  std::sort(files.begin(), files.end());
  std::map<std::string, fs::path> first_of_stem;
  for (const fs::path& file : files) {
    std::string key = with_extension(file, ".key");
    std::string ocsp = with_extension(file, ".ocsp");
    auto [first, is_new] = first_of_stem.emplace(with_extension(file, ""), file);
    if (!is_new)
      found.problems.push_back(first->second.string() + " and " + file.string() +
                               " share one key, expected one of them");
    else if (!fs::exists(key, error))
      found.problems.push_back(file.string() + " has no key beside it, expected " + key);
    else
      found.pairs.push_back({file.string(), key, fs::exists(ocsp, error) ? ocsp : "", ""});
  }
  if (files.empty())
    found.problems.push_back(options.dir + " holds no certificate, expected NAME.crt (or NAME.pem) and NAME.key");
  return found;
}

std::optional<std::string> check_certificate(const CertificateOptions& options) {
  ExpandedCertificates expanded = expand_certificates(options);
  std::string problem;
  for (const std::string& text : expanded.problems) append(problem, text);
  for (const CertificateOptions& pair : expanded.pairs) append(problem, check_one(pair));
  if (problem.empty()) return std::nullopt;
  return problem;
}

std::optional<std::string> check_ca_file(const std::string& file) {
  Content content = read_content(file);
  if (!content.problem.empty()) return content.problem;
  Certificates found = parse_certificates(content.text, file);
  if (found.problem.empty()) return std::nullopt;
  return found.problem;
}

std::optional<std::string> check_ticket_keys(const std::string& file) {
  Content content = read_content(file);
  if (!content.problem.empty()) return content.problem;
  TicketSecrets secrets = parse_ticket_secrets(content.text, file);
  if (secrets.problem.empty()) return std::nullopt;
  return secrets.problem;
}

}  // namespace shellac::tls
