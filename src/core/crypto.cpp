#include "shellac/core/crypto.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>

namespace shellac::crypto {
namespace {

// libcrypto fails here only when memory is gone or its providers are broken; nothing signed after that can be trusted.
void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "libcrypto failed: %s\n", what);
  std::abort();
}

// Fetched once: a fetch takes libcrypto's locks and costs more than hashing a cookie. Never freed; they are immutable.
const EVP_MD* sha256_algorithm() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  require(algorithm != nullptr, "fetch of SHA256");
  return algorithm;
}

EVP_MAC* hmac_algorithm() {
  static EVP_MAC* const algorithm = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  require(algorithm != nullptr, "fetch of HMAC");
  return algorithm;
}

struct FreeMac {
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

}  // namespace

Sha256 sha256(std::string_view data) {
  Sha256 digest;
  require(EVP_Digest(data.data(), data.size(), digest.data(), nullptr, sha256_algorithm(), nullptr) == 1, "SHA256");
  return digest;
}

Sha256 hmac_sha256(std::span<const std::uint8_t> key, std::string_view data) {
  const std::unique_ptr<EVP_MAC_CTX, FreeMac> context(EVP_MAC_CTX_new(hmac_algorithm()));
  require(context != nullptr, "HMAC");
  char digest_name[] = "SHA256";
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string("digest", digest_name, 0),
                                   OSSL_PARAM_construct_end()};
  // A null key means "keep the last one" to libcrypto, so an empty key needs an address too.
  const std::uint8_t nothing = 0;
  const std::uint8_t* key_data = key.empty() ? &nothing : key.data();
  Sha256 mac;
  std::size_t length = 0;
  require(EVP_MAC_init(context.get(), key_data, key.size(), parameters) == 1 &&
              EVP_MAC_update(context.get(), reinterpret_cast<const unsigned char*>(data.data()), data.size()) == 1 &&
              EVP_MAC_final(context.get(), mac.data(), &length, mac.size()) == 1 && length == mac.size(),
          "HMAC");
  return mac;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && (a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0);
}

void fill_random(std::span<std::uint8_t> out) {
  constexpr std::size_t kPiece = 1 << 20;  // libcrypto counts in int
  while (!out.empty()) {
    const auto piece = out.first(std::min(out.size(), kPiece));
    require(RAND_bytes(piece.data(), static_cast<int>(piece.size())) == 1, "random numbers");
    out = out.subspan(piece.size());
  }
}

std::string hex(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string base64url(std::span<const std::uint8_t> bytes) {
  std::string text;
  text.reserve((bytes.size() * 4 + 2) / 3);
  std::uint32_t bits = 0;
  int held = 0;  // bits not yet written
  for (const std::uint8_t byte : bytes) {
    bits = (bits << 8) | byte;
    for (held += 8; held >= 6; held -= 6) text += kAlphabet[(bits >> (held - 6)) & 63];
  }
  if (held > 0) text += kAlphabet[(bits << (6 - held)) & 63];
  return text;
}

std::optional<std::string> parse_base64url(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const std::size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = (bits << 6) | static_cast<std::uint32_t>(value);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes += static_cast<char>((bits >> held) & 255);
  }
  // Six bits left are half an octet's text; bits that are set there would give two texts to one value (RFC 4648 §3.5).
  if (held == 6 || (bits & ((1U << held) - 1)) != 0) return std::nullopt;
  return bytes;
}

}  // namespace shellac::crypto
