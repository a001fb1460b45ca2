#include "tls/ticket_keys.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string_view>

#include "shellac/core/crypto.hpp"
#include "shellac/core/text.hpp"
#include "shellac/tls/check.hpp"
#include "tls/pem.hpp"

namespace shellac::tls {
namespace {

// More would only slow down the search; with one rotation a day this is a week.
constexpr std::size_t kFileKeysMax = 8;
// rotate() keeps the new key and three generations before it.
constexpr std::size_t kGenerations = 4;

TicketKey random_key() {
  TicketKey key;
  crypto::fill_random(key.name);
  crypto::fill_random(key.cipher);
  crypto::fill_random(key.mac);
  return key;
}

// Each part is an HMAC of its own label, so that the name, which every ticket shows, tells nothing of the rest, and any
// form of secret (hex, base64, words) will do.
TicketKey derive_key(const std::string& secret) {
  const std::span bytes(reinterpret_cast<const std::uint8_t*>(secret.data()), secret.size());
  TicketKey key;
  const crypto::Sha256 name = crypto::hmac_sha256(bytes, "shellac ticket name");
  std::copy_n(name.begin(), key.name.size(), key.name.begin());
  key.cipher = crypto::hmac_sha256(bytes, "shellac ticket cipher");
  key.mac = crypto::hmac_sha256(bytes, "shellac ticket mac");
  return key;
}

bool set_mac_key(EVP_MAC_CTX* mac, TicketKey& key) {
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac.data(), key.mac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end(),
  };
  return EVP_MAC_CTX_set_params(mac, params) == 1;
}

}  // namespace

TicketKey::~TicketKey() {
  OPENSSL_cleanse(cipher.data(), cipher.size());
  OPENSSL_cleanse(mac.data(), mac.size());
}

TicketSecrets parse_ticket_secrets(const std::string& text, const std::string& file) {
  TicketSecrets secrets;
  std::string_view rest = text;
  for (int number = 1; !rest.empty(); ++number) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    line = trim(line);
    if (line.empty() || line.starts_with('#')) continue;
    const std::string where = "line " + std::to_string(number) + " of " + file;
    if (line.size() < kTicketSecretMin)
      return {{}, where + " has " + std::to_string(line.size()) + " bytes, expected at least 32"};
    if (secrets.list.size() == kFileKeysMax) return {{}, where + " is one key too many, expected at most 8"};
    secrets.list.emplace_back(line);
  }
  if (secrets.list.empty())
    secrets.problem = file + " holds no key, expected lines of at least 32 bytes, the newest first";
  return secrets;
}

TicketKeys::TicketKeys() : impl_(std::make_unique<Impl>()) {
  impl_->cipher.reset(EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr));
  require(impl_->cipher != nullptr, "OpenSSL has no AES-256-CBC");
  impl_->keys.push_back(random_key());
  impl_->newest_since = Clock::now();
}

TicketKeys::~TicketKeys() = default;

std::optional<std::string> TicketKeys::load(const std::string& file) {
  Content content = read_content(file);
  if (!content.problem.empty()) return content.problem;
  TicketSecrets secrets = parse_ticket_secrets(content.text, file);
  std::vector<TicketKey> keys;
  for (std::string& secret : secrets.list) {
    keys.push_back(derive_key(secret));
    OPENSSL_cleanse(secret.data(), secret.size());
  }
  OPENSSL_cleanse(content.text.data(), content.text.size());
  if (!secrets.problem.empty()) return secrets.problem;
  const std::lock_guard lock(impl_->mutex);
  impl_->keys.swap(keys);
  impl_->newest_since = Clock::now();
  return std::nullopt;
}

void TicketKeys::rotate() {
  const TicketKey key = random_key();
  const std::lock_guard lock(impl_->mutex);
  impl_->keys.insert(impl_->keys.begin(), key);
  if (impl_->keys.size() > kGenerations) impl_->keys.resize(kGenerations);
  impl_->newest_since = Clock::now();
}

Time TicketKeys::newest_since() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->newest_since;
}

TicketKey TicketKeys::Impl::newest() const {
  const std::lock_guard lock(mutex);
  return keys.front();
}

std::optional<TicketKey> TicketKeys::Impl::find(const unsigned char* name, bool& is_newest) const {
  const std::lock_guard lock(mutex);
  for (const TicketKey& key : keys) {
    if (std::memcmp(key.name.data(), name, key.name.size()) != 0) continue;
    is_newest = &key == &keys.front();
    return key;
  }
  return std::nullopt;
}

int prepare_ticket(TicketKeys::Impl& keys, SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                   EVP_MAC_CTX* mac, int encrypt) {
  constexpr int kFailed = -1, kUnknown = 0, kGood = 1, kGoodButRenew = 2;
  if (encrypt != 0) {
    TicketKey key = keys.newest();
    std::copy(key.name.begin(), key.name.end(), name);
    crypto::fill_random({iv, static_cast<std::size_t>(EVP_CIPHER_get_iv_length(keys.cipher.get()))});
    const bool ready = EVP_EncryptInit_ex2(cipher, keys.cipher.get(), key.cipher.data(), iv, nullptr) == 1;
    return ready && set_mac_key(mac, key) ? kGood : kFailed;
  }
  bool is_newest = false;
  std::optional<TicketKey> key = keys.find(name, is_newest);
  if (!key) return kUnknown;
  if (EVP_DecryptInit_ex2(cipher, keys.cipher.get(), key->cipher.data(), iv, nullptr) != 1) return kFailed;
  if (!set_mac_key(mac, *key)) return kFailed;
  // RFC 8446 §C.4: a client uses a TLS 1.3 ticket once, so a resumed session must give it a new one.
  return is_newest && SSL_version(ssl) != TLS1_3_VERSION ? kGood : kGoodButRenew;
}

}  // namespace shellac::tls
