// Looks at certificate, key and ticket files without serving with them: for `shellac check`, and before a reload.
// All of these open and read files: never on a worker.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "shellac/tls/options.hpp"

namespace shellac::tls {

// One entry of `certificates` as single pairs: itself, or the pairs of its directory, sorted by name.
struct ExpandedCertificates {
  std::vector<CertificateOptions> pairs;  // `dir` is empty in each
  std::vector<std::string> problems;      // an unreadable or empty directory, a certificate without its key
};
ExpandedCertificates expand_certificates(const CertificateOptions& options);

// Nothing when OpenSSL would serve with it; otherwise what is wrong, file by file, in one text.
std::optional<std::string> check_certificate(const CertificateOptions& options);

// A PEM file with at least one certificate and nothing that is broken.
std::optional<std::string> check_ca_file(const std::string& file);

// The shared ticket keys: one secret a line, newest first, each of at least kTicketSecretMin bytes; empty lines do not
// count.
inline constexpr std::size_t kTicketSecretMin = 32;
std::optional<std::string> check_ticket_keys(const std::string& file);

}  // namespace shellac::tls
