// What `tls` under a listener and under a pool says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shellac/core/units.hpp"

namespace shellac::tls {

enum class MinVersion : std::uint8_t { tls12, tls13 };
enum class UnknownSni : std::uint8_t { use_default, abort };
enum class VerifyClient : std::uint8_t { require, optional };

// One entry of `certificates`: a chain and its key as PEM files, with an OCSP answer (DER) to staple, or a directory in
// which every NAME.crt (or .pem) has its NAME.key beside it, and perhaps a NAME.ocsp. Paths are absolute by now.
struct CertificateOptions {
  std::string chain, key, ocsp;
  std::string dir;
};

struct TicketOptions {
  std::string keys_file;  // 32-byte-or-longer lines, newest first (docs/configuration.md); empty = generated in memory
  Duration rotate = std::chrono::hours(12);
};

struct ClientCaOptions {
  std::string file;
  VerifyClient verify = VerifyClient::require;
};

// `listeners[].tls`
struct ServerOptions {
  std::vector<CertificateOptions> certificates;
  MinVersion min_version = MinVersion::tls12;
  UnknownSni unknown_sni = UnknownSni::use_default;
  TicketOptions tickets{};
  std::optional<ClientCaOptions> client_ca{};
};

// `pools.*.tls`
struct ClientOptions {
  bool verify = true;
  std::string ca = "system";  // or a PEM file's path
  std::string sni = "host";   // "host" = the request's Host; otherwise this name, which is also what is verified
};

}  // namespace shellac::tls
