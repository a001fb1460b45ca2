// listeners[].tls
#include <array>
#include <optional>
#include <utility>

#include "schema.hpp"
#include "schema_rules.hpp"
#include "shellac/tls/check.hpp"

namespace shellac::edge {

using config::Value;

namespace {

constexpr auto kMinVersions = std::to_array<std::pair<std::string_view, tls::MinVersion>>(
    {{"1.2", tls::MinVersion::tls12}, {"1.3", tls::MinVersion::tls13}});
constexpr auto kUnknownSni = std::to_array<std::pair<std::string_view, tls::UnknownSni>>(
    {{"default", tls::UnknownSni::use_default}, {"abort", tls::UnknownSni::abort}});
constexpr auto kVerifyClient = std::to_array<std::pair<std::string_view, tls::VerifyClient>>(
    {{"require", tls::VerifyClient::require}, {"optional", tls::VerifyClient::optional}});

void check_files(const Value& value, const tls::CertificateOptions& files) {
  if (auto problem = tls::check_certificate(files)) value.problem(*problem);
}

// chain, key and perhaps ocsp, or dir. Each missing file is told at its own key; what is in them at the entry.
void read_certificate(const Value& certificate, tls::ServerOptions& options) {
  tls::CertificateOptions files;
  Value dir = certificate["dir"];
  Value chain = certificate["chain"];
  Value key = certificate["key"];
  Value ocsp = certificate["ocsp"];
  if (dir && (chain || key || ocsp))
    return dir.key_problem("stands beside chain, key or ocsp, expected one way or the other");
  if (dir) {
    if (!read_readable_directory(dir, files.dir)) return;
    check_files(dir, files);
  } else {
    if (!chain) report_missing(certificate, "chain", "a PEM file (or dir: a directory of them)");
    if (!key) report_missing(certificate, "key", "a PEM file");
    bool readable = read_readable_file(chain, files.chain);
    readable = read_readable_file(key, files.key) && readable;
    if (ocsp) readable = read_readable_file(ocsp, files.ocsp) && readable;
    if (!readable) return;
    check_files(certificate, files);
  }
  options.certificates.push_back(files);
}

void read_certificates(const Value& tls, tls::ServerOptions& options) {
  Value certificates = tls["certificates"];
  if (!certificates) return report_missing(tls, "certificates", "a list of at least one certificate");
  std::vector<Value> values = certificates.list_of_maps();
  if (certificates.is_empty_list()) certificates.expected("at least one certificate");
  for (const Value& value : values) read_certificate(value, options);
}

void read_tickets(const Value& tickets, tls::TicketOptions& options) {
  if (!tickets.expect_map()) return;
  Value keys = tickets["keys"];
  if (read_readable_file(keys, options.keys_file))
    if (auto problem = tls::check_ticket_keys(options.keys_file)) keys.problem(*problem);
  tickets["rotate"].read(options.rotate, std::chrono::minutes(1), std::chrono::hours(24 * 7));
}

}  // namespace

void read_listener_tls(const Value& tls, tls::ServerOptions& options) {
  read_certificates(tls, options);
  tls["min_version"].read_enum(options.min_version, kMinVersions);
  tls["unknown_sni"].read_enum(options.unknown_sni, kUnknownSni);
  read_tickets(tls["tickets"], options.tickets);
  Value client_ca = tls["client_ca"];
  if (!client_ca.expect_map()) return;
  tls::ClientCaOptions& ca = options.client_ca.emplace();
  Value file = client_ca["file"];
  if (!file) report_missing(client_ca, "file", "a PEM file");
  if (read_readable_file(file, ca.file))
    if (auto problem = tls::check_ca_file(ca.file)) file.problem(*problem);
  client_ca["verify"].read_enum(ca.verify, kVerifyClient);
}

}  // namespace shellac::edge
