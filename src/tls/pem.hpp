// Certificates and keys from PEM files, with an account of what is wrong in words.
#pragma once

#include <string>
#include <vector>

#include "tls/openssl.hpp"

namespace shellac::tls {

// A file's content, or what is wrong with it. Opens and reads: never on a worker.
struct Content {
  std::string text;
  std::string problem;
};
Content read_content(const std::string& file);

// All certificates of a PEM text; at least one unless `problem` tells why not, or of a block that is broken.
struct Certificates {
  std::vector<CertificatePtr> list;
  std::string problem;
};
Certificates parse_certificates(const std::string& text, const std::string& file);

struct ParsedKey {
  KeyPtr key;
  std::string problem;
};
ParsedKey parse_key(const std::string& text, const std::string& file);

}  // namespace shellac::tls
