// Session ticket keys: their file, and what OpenSSL calls to seal and open a ticket (RFC 5077 §4).
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "shellac/tls/server.hpp"
#include "tls/openssl.hpp"

namespace shellac::tls {

// 80 octets: the name that stands in the ticket, the AES-256-CBC key, the HMAC-SHA-256 key. Wiped when it dies.
struct TicketKey {
  std::array<std::uint8_t, 16> name{};
  std::array<std::uint8_t, 32> cipher{};
  std::array<std::uint8_t, 32> mac{};

  TicketKey() = default;
  TicketKey(const TicketKey&) = default;
  TicketKey& operator=(const TicketKey&) = default;
  ~TicketKey();
};

// The text of a key file: one secret a line, or what is wrong with it.
struct TicketSecrets {
  std::vector<std::string> list;
  std::string problem;
};
TicketSecrets parse_ticket_secrets(const std::string& text, const std::string& file);

struct TicketKeys::Impl {
  // Nothing when there is no such key.
  std::optional<TicketKey> find(const unsigned char* name, bool& is_newest) const;
  TicketKey newest() const;

  mutable std::mutex mutex;
  std::vector<TicketKey> keys;  // newest first, never empty; guarded by mutex
  Time newest_since{};          // guarded by mutex
  // Fetched once: a fetch by name costs as much as sealing a ticket.
  std::unique_ptr<EVP_CIPHER, Free<EVP_CIPHER_free>> cipher;
};

// For SSL_CTX_set_tlsext_ticket_key_evp_cb: `keys` seal (encrypt != 0) or open one ticket.
int prepare_ticket(TicketKeys::Impl& keys, SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                   EVP_MAC_CTX* mac, int encrypt);

}  // namespace shellac::tls
