// What we need of libcrypto, without its types. Thread: any.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace shellac::crypto {

using Sha256 = std::array<std::uint8_t, 32>;

Sha256 sha256(std::string_view data);
Sha256 hmac_sha256(std::span<const std::uint8_t> key, std::string_view data);
// True when equal; takes the same time wherever they differ. Different lengths are unequal at once.
bool equal_in_constant_time(std::string_view a, std::string_view b);
// Cryptographically strong. Aborts the process when the system has no randomness: nothing safe can be done then.
void fill_random(std::span<std::uint8_t> out);
std::string hex(std::span<const std::uint8_t> bytes);
// RFC 4648 §5 without padding.
std::string base64url(std::span<const std::uint8_t> bytes);
std::optional<std::string> parse_base64url(std::string_view text);

}  // namespace shellac::crypto
