#include "shellac/net/proxy_protocol.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "net/crc32c.hpp"
#include "shellac/core/text.hpp"

namespace shellac::net {
namespace {

using State = ProxyHeader::State;

constexpr std::string_view kSignature1 = "PROXY ";
constexpr std::size_t kMaxSize1 = 107;  // with CRLF: the longest line that section 2.1 allows

constexpr std::string_view kSignature2{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::size_t kFixedSize2 = 16;
constexpr std::size_t kMaxRest2 = 4096;  // addresses and TLVs; the protocol has no limit of its own below 64 KiB
constexpr std::uint8_t kVersion2 = 0x20;
constexpr std::uint8_t kLocal = 0x0;
constexpr std::uint8_t kProxy = 0x1;
constexpr std::uint8_t kFamilyInet = 0x1;
constexpr std::uint8_t kFamilyInet6 = 0x2;
constexpr std::uint8_t kFamilyUnix = 0x3;
constexpr std::uint8_t kTransportStream = 0x1;
constexpr std::uint8_t kTransportMax = 0x2;  // datagram
constexpr std::size_t kUnixPathSize = 108;
constexpr std::uint8_t kTlvCrc32c = 0x03;

ProxyHeader only(State state) {
  ProxyHeader header;
  header.state = state;
  return header;
}

ProxyHeader local_header(std::size_t size) {
  ProxyHeader header = only(State::complete);
  header.size = size;
  header.local = true;
  return header;
}

std::uint8_t byte_at(std::string_view bytes, std::size_t at) { return static_cast<std::uint8_t>(bytes[at]); }

std::uint16_t read16(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(byte_at(bytes, at) << 8 | byte_at(bytes, at + 1));
}

// The next word of the line and the single space behind it; the last word has none.
std::optional<std::string_view> next_word(std::string_view& line) {
  const std::size_t end = line.find(' ');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(end + 1);
  return word;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  // Leading zeros are forbidden: somebody might take them for octal.
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  return parse_unsigned<std::uint16_t>(text);
}

std::optional<Endpoint> parse_address1(bool v6, std::string_view address, std::string_view port) {
  // A mapped address such as ::ffff:192.0.2.1 is IPv4 to parse_ip(); what the line calls it is told by the colon.
  if (v6 != (address.find(':') != std::string_view::npos)) return std::nullopt;
  const auto ip = parse_ip(address);
  const auto number = parse_port(port);
  if (!ip || !number) return std::nullopt;
  Endpoint endpoint;
  endpoint.kind = Endpoint::Kind::ip;
  endpoint.ip = *ip;
  endpoint.port = *number;
  return endpoint;
}

// Section 2.1: "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n", "PROXY UNKNOWN…\r\n".
ProxyHeader parse1(std::string_view bytes) {
  const std::size_t end = bytes.substr(0, kMaxSize1).find("\r\n");
  if (end == std::string_view::npos) return only(bytes.size() < kMaxSize1 ? State::need_more : State::malformed);
  const std::size_t size = end + 2;
  std::string_view line = bytes.substr(kSignature1.size(), end - kSignature1.size());

  // Whatever stands behind UNKNOWN is to be ignored.
  if (line == "UNKNOWN" || line.starts_with("UNKNOWN ")) return local_header(size);

  const auto family = next_word(line);
  const auto source_ip = next_word(line);
  const auto destination_ip = next_word(line);
  const auto source_port = next_word(line);
  if (!source_port || (*family != "TCP4" && *family != "TCP6")) return only(State::malformed);
  const bool v6 = *family == "TCP6";
  const auto source = parse_address1(v6, *source_ip, *source_port);
  const auto destination = parse_address1(v6, *destination_ip, line);
  if (!source || !destination) return only(State::malformed);

  ProxyHeader header = only(State::complete);
  header.size = size;
  header.source = *source;
  header.destination = *destination;
  return header;
}

// Reads `size` octets (4 or 16) of address and two of port.
Endpoint read_inet(std::string_view address, std::string_view port) {
  Endpoint endpoint;
  endpoint.kind = Endpoint::Kind::ip;
  if (address.size() == 4) endpoint.ip.bytes[10] = endpoint.ip.bytes[11] = 0xff;
  std::copy(address.begin(), address.end(), endpoint.ip.bytes.end() - static_cast<std::ptrdiff_t>(address.size()));
  endpoint.port = read16(port, 0);
  return endpoint;
}

// A sun_path: padded with NUL; one that begins with NUL is in the abstract name space.
Endpoint read_unix(std::string_view field) {
  const bool abstract = field.front() == '\0';
  if (abstract) field.remove_prefix(1);
  const std::string_view name = field.substr(0, field.find('\0'));
  Endpoint endpoint;
  if (name.empty()) return endpoint;
  endpoint.kind = Endpoint::Kind::unix_path;
  endpoint.path.assign(abstract ? 1 : 0, '@');
  endpoint.path.append(name);
  return endpoint;
}

// The vectors behind the addresses must fill the header exactly; a checksum among them must be that of the whole header
// with its own four octets taken as zero (section 2.2.3).
bool are_tlvs_valid(std::string_view header, std::size_t at) {
  bool seen = false;
  while (at < header.size()) {
    if (header.size() - at < 3) return false;
    const std::uint8_t type = byte_at(header, at);
    const std::size_t length = read16(header, at + 1);
    at += 3;
    if (header.size() - at < length) return false;
    if (type == kTlvCrc32c) {
      if (length != 4 || seen) return false;
      seen = true;
      Crc32c crc;
      crc.add(header.substr(0, at));
      crc.add(std::string_view("\0\0\0\0", 4));
      crc.add(header.substr(at + 4));
      const std::uint32_t told = static_cast<std::uint32_t>(read16(header, at)) << 16 | read16(header, at + 2);
      if (told != crc.value()) return false;
    }
    at += length;
  }
  return true;
}

ProxyHeader parse2(std::string_view bytes) {
  if (bytes.size() < kFixedSize2) return only(State::need_more);
  const std::uint8_t version_command = byte_at(bytes, 12);
  const std::uint8_t command = version_command & 0x0f;
  const std::uint8_t family = byte_at(bytes, 13) >> 4;
  const std::uint8_t transport = byte_at(bytes, 13) & 0x0f;
  const std::size_t rest = read16(bytes, 14);
  if ((version_command & 0xf0) != kVersion2 || command > kProxy || rest > kMaxRest2) return only(State::malformed);
  if (family > kFamilyUnix || transport > kTransportMax) return only(State::malformed);

  constexpr std::array<std::size_t, 4> kAddressSizes = {0, 2 * 4 + 4, 2 * 16 + 4, 2 * kUnixPathSize};
  const bool has_addresses = command == kProxy && family != 0 && transport != 0;
  if (has_addresses && rest < kAddressSizes[family]) return only(State::malformed);
  const std::size_t size = kFixedSize2 + rest;
  if (bytes.size() < size) return only(State::need_more);
  // LOCAL, and protocols that the sender could not name: the whole block is to be dropped unread.
  if (!has_addresses) return local_header(size);

  const std::string_view whole = bytes.substr(0, size);
  if (!are_tlvs_valid(whole, kFixedSize2 + kAddressSizes[family])) return only(State::malformed);

  ProxyHeader header = only(State::complete);
  header.size = size;
  const std::string_view block = whole.substr(kFixedSize2);
  if (family == kFamilyUnix) {
    header.source = read_unix(block.substr(0, kUnixPathSize));
    header.destination = read_unix(block.substr(kUnixPathSize, kUnixPathSize));
  } else {
    const std::size_t width = family == kFamilyInet ? 4 : 16;
    header.source = read_inet(block.substr(0, width), block.substr(2 * width, 2));
    header.destination = read_inet(block.substr(width, width), block.substr(2 * width + 2, 2));
  }
  return header;
}

std::string v6_text(const IpAddress& ip) { return ip.is_v4() ? "::ffff:" + to_string(ip) : to_string(ip); }

std::string make1(const Endpoint& source, const Endpoint& destination) {
  if (source.ip.is_v4() && destination.ip.is_v4())
    return fmt::format("PROXY TCP4 {} {} {} {}\r\n", to_string(source.ip), to_string(destination.ip), source.port,
                       destination.port);
  return fmt::format("PROXY TCP6 {} {} {} {}\r\n", v6_text(source.ip), v6_text(destination.ip), source.port,
                     destination.port);
}

void append16(std::string& out, std::size_t value) {
  out += static_cast<char>(value >> 8 & 0xff);
  out += static_cast<char>(value & 0xff);
}

std::string make2(std::uint8_t command, const Endpoint& source, const Endpoint& destination) {
  std::string out(kSignature2);
  out += static_cast<char>(kVersion2 | command);
  if (command == kLocal) {
    out += '\0';
    append16(out, 0);
    return out;
  }
  const bool v4 = source.ip.is_v4() && destination.ip.is_v4();
  const std::size_t width = v4 ? 4 : 16;
  out += static_cast<char>((v4 ? kFamilyInet : kFamilyInet6) << 4 | kTransportStream);
  append16(out, 2 * width + 4);
  for (const Endpoint* side : {&source, &destination})
    out.append(side->ip.bytes.end() - static_cast<std::ptrdiff_t>(width), side->ip.bytes.end());
  append16(out, source.port);
  append16(out, destination.port);
  return out;
}

}  // namespace

ProxyHeader parse_proxy_header(std::string_view bytes) {
  for (const std::string_view signature : {kSignature1, kSignature2}) {
    const std::size_t common = std::min(bytes.size(), signature.size());
    if (bytes.substr(0, common) != signature.substr(0, common)) continue;
    if (common < signature.size()) return only(State::need_more);
    return signature == kSignature1 ? parse1(bytes) : parse2(bytes);
  }
  return only(State::none);
}

std::string make_proxy_header(SendProxy version, const Endpoint& source, const Endpoint& destination) {
  const bool known = source.kind == Endpoint::Kind::ip && destination.kind == Endpoint::Kind::ip;
  switch (version) {
    case SendProxy::off:
      break;
    case SendProxy::v1:
      return known ? make1(source, destination) : "PROXY UNKNOWN\r\n";
    case SendProxy::v2:
      return make2(known ? kProxy : kLocal, source, destination);
  }
  return {};
}

}  // namespace shellac::net
