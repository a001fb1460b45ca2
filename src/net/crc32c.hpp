// CRC-32C (Castagnoli), as RFC 9260 appendix A defines it and the PROXY protocol's checksum uses it.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace shellac::net {

namespace detail {
consteval std::array<std::uint32_t, 256> make_crc32c_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value & 1U) != 0 ? value >> 1 ^ 0x82f63b78U : value >> 1;
    table[i] = value;
  }
  return table;
}
inline constexpr auto kCrc32cTable = make_crc32c_table();
}  // namespace detail

// Fed in pieces: add(…), add(…), value(). Value.
class Crc32c {
 public:
  constexpr void add(std::string_view bytes) {
    for (const char c : bytes)
      state_ = detail::kCrc32cTable[(state_ ^ static_cast<std::uint8_t>(c)) & 0xffU] ^ state_ >> 8;
  }
  constexpr std::uint32_t value() const { return ~state_; }

 private:
  std::uint32_t state_ = 0xffffffffU;
};

}  // namespace shellac::net
