#include "shellac/core/address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "shellac/core/bug.hpp"
#include "shellac/core/text.hpp"

namespace shellac {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
constexpr std::size_t kV4Offset = kMapped.size();

// A path and its NUL fill sun_path; an abstract name replaces its '@' by the leading NUL and could be one octet longer.
constexpr std::size_t kUnixPathMax = sizeof(sockaddr_un::sun_path) - 1;

Endpoint unix_endpoint(const sockaddr_un& address, socklen_t length) {
  constexpr std::size_t kHeader = offsetof(sockaddr_un, sun_path);
  Endpoint endpoint;
  if (length <= kHeader) return endpoint;  // unnamed
  const std::string_view name(address.sun_path, std::min<std::size_t>(length - kHeader, sizeof address.sun_path));
  endpoint.kind = Endpoint::Kind::unix_path;
  if (name.front() == '\0')
    endpoint.path.append("@").append(name.substr(1));
  else
    endpoint.path = name.substr(0, name.find('\0'));
  return endpoint;
}

}  // namespace

bool IpAddress::is_v4() const { return std::equal(kMapped.begin(), kMapped.end(), bytes.begin()); }

std::optional<IpAddress> parse_ip(std::string_view text) {
  char terminated[INET6_ADDRSTRLEN];
  if (text.size() >= sizeof terminated || text.find('\0') != std::string_view::npos) return std::nullopt;
  terminated[text.copy(terminated, text.size())] = '\0';
  IpAddress ip;
  if (inet_pton(AF_INET6, terminated, ip.bytes.data()) == 1) return ip;
  std::copy(kMapped.begin(), kMapped.end(), ip.bytes.begin());
  if (inet_pton(AF_INET, terminated, ip.bytes.data() + kV4Offset) == 1) return ip;
  return std::nullopt;
}

// Every proxied request tells its client's address: the common kind is written without the C library's formatting.
std::string to_string(const IpAddress& ip) {
  char text[INET6_ADDRSTRLEN];
  if (!ip.is_v4()) return inet_ntop(AF_INET6, ip.bytes.data(), text, sizeof text);
  std::string written;
  for (std::size_t i = kV4Offset; i < ip.bytes.size(); ++i) {
    if (i > kV4Offset) written += '.';
    const unsigned octet = ip.bytes[i];
    if (octet >= 100) written += static_cast<char>('0' + octet / 100);
    if (octet >= 10) written += static_cast<char>('0' + octet / 10 % 10);
    written += static_cast<char>('0' + octet % 10);
  }
  return written;
}

Endpoint Endpoint::from(const sockaddr* address, socklen_t length) {
  Endpoint endpoint;
  if (address == nullptr || length < sizeof(sa_family_t)) return endpoint;
  // Copied out: what a caller's buffer holds need not be aligned for the family's own type.
  sockaddr_storage storage{};
  std::memcpy(&storage, address, std::min<std::size_t>(length, sizeof storage));
  if (storage.ss_family == AF_INET && length >= sizeof(sockaddr_in)) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(storage);
    endpoint.kind = Kind::ip;
    std::copy(kMapped.begin(), kMapped.end(), endpoint.ip.bytes.begin());
    std::memcpy(endpoint.ip.bytes.data() + kV4Offset, &v4.sin_addr, sizeof v4.sin_addr);
    endpoint.port = ntohs(v4.sin_port);
  } else if (storage.ss_family == AF_INET6 && length >= sizeof(sockaddr_in6)) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage);
    endpoint.kind = Kind::ip;
    std::memcpy(endpoint.ip.bytes.data(), &v6.sin6_addr, sizeof v6.sin6_addr);
    endpoint.port = ntohs(v6.sin6_port);
  } else if (storage.ss_family == AF_UNIX) {
    return unix_endpoint(reinterpret_cast<const sockaddr_un&>(storage), length);
  }
  return endpoint;
}

socklen_t Endpoint::to(sockaddr_storage& storage) const {
  storage = {};
  if (kind == Kind::ip && ip.is_v4()) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&v4.sin_addr, ip.bytes.data() + kV4Offset, sizeof v4.sin_addr);
    return sizeof v4;
  }
  if (kind == Kind::ip) {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&v6.sin6_addr, ip.bytes.data(), sizeof v6.sin6_addr);
    return sizeof v6;
  }
  if (kind == Kind::unix_path && !BUG_IF(path.empty() || path.size() > kUnixPathMax, "core/address")) {
    auto& local = reinterpret_cast<sockaddr_un&>(storage);
    local.sun_family = AF_UNIX;
    path.copy(local.sun_path, path.size());
    const bool abstract = path.front() == '@';
    if (abstract) local.sun_path[0] = '\0';
    // The length of an abstract name counts; a path is counted with its NUL.
    return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + (abstract ? 0 : 1));
  }
  storage.ss_family = AF_UNSPEC;
  return sizeof(sa_family_t);
}

std::string to_string(const Endpoint& endpoint) {
  if (endpoint.kind == Endpoint::Kind::unix_path) return "unix:" + endpoint.path;
  if (endpoint.kind == Endpoint::Kind::none) return "-";
  const std::string ip = to_string(endpoint.ip);
  return (endpoint.ip.is_v4() ? ip : "[" + ip + "]") + ":" + std::to_string(endpoint.port);
}

std::optional<Endpoint> parse_endpoint(std::string_view text) {
  Endpoint endpoint;
  if (text == "-") return endpoint;
  if (text.starts_with("unix:")) {
    const auto path = text.substr(5);
    if (path.empty() || path == "@" || path.size() > kUnixPathMax || path.find('\0') != std::string_view::npos)
      return std::nullopt;
    endpoint.kind = Endpoint::Kind::unix_path;
    endpoint.path = path;
    return endpoint;
  }
  const auto host_port = parse_host_port(text);
  if (!host_port) return std::nullopt;
  const auto ip = parse_ip(host_port->host);
  if (!ip) return std::nullopt;
  endpoint.kind = Endpoint::Kind::ip;
  endpoint.ip = *ip;
  endpoint.port = host_port->port;
  return endpoint;
}

std::optional<HostPort> parse_host_port(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = parse_unsigned<std::uint16_t>(text.substr(colon + 1));
  std::string_view host = text.substr(0, colon);
  if (!port) return std::nullopt;
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    if (host.find(':') == std::string_view::npos || !parse_ip(host)) return std::nullopt;
  } else {
    // What could not be a name or would read differently elsewhere; whether it is a name the caller decides.
    const bool odd = std::ranges::any_of(host, [](char c) {
      return static_cast<unsigned char>(c) <= ' ' || c == '\x7F' ||
             std::string_view(":[]/@?#").find(c) != std::string_view::npos;
    });
    if (host.empty() || odd) return std::nullopt;
  }
  return HostPort{std::string(host), *port};
}

}  // namespace shellac
