// Network addresses and networks as values, without sockets.
#pragma once

#include <sys/socket.h>

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shellac {

// An IP address. IPv4 is held as ::ffff:a.b.c.d, so that both families compare and hash alike. Value.
struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};
  bool is_v4() const;
  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;
};

// "192.0.2.1", "2001:db8::1" (no brackets, no zone).
std::optional<IpAddress> parse_ip(std::string_view text);
std::string to_string(const IpAddress& ip);

// Where a socket is or connects to: an IP address and port, or a Unix path ("@name" is the abstract name space), or
// nothing (an unnamed Unix peer). Value.
struct Endpoint {
  enum class Kind : std::uint8_t { none, ip, unix_path };
  Kind kind = Kind::none;
  IpAddress ip{};
  std::uint16_t port = 0;
  std::string path;

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
  static Endpoint from(const sockaddr* address, socklen_t length);
  // Fills `storage` and returns the length. The path must fit (parse_* checks it).
  socklen_t to(sockaddr_storage& storage) const;
};
// "192.0.2.1:80", "[2001:db8::1]:80", "unix:/run/x.sock", "-" for none.
std::string to_string(const Endpoint& endpoint);
// The forms that to_string writes; names are not resolved.
std::optional<Endpoint> parse_endpoint(std::string_view text);

// "HOST:PORT" with a name or an address (brackets for IPv6). Nothing when there is no port or it is not 0–65535.
struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};
std::optional<HostPort> parse_host_port(std::string_view text);

// 10.0.0.0/8, 2001:db8::/32, or one address. Host bits that are set are refused by parse_network. An IPv6 network never
// holds an IPv4 address, not even ::/0. Value.
struct Network {
  IpAddress base;
  std::uint8_t bits = 128;  // of the 16-byte form
  bool contains(const IpAddress& ip) const;
};
std::optional<Network> parse_network(std::string_view text);

// A set of networks; contains() costs a binary search in sorted, merged ranges. Immutable after construction.
class NetworkSet {
 public:
  NetworkSet() = default;
  explicit NetworkSet(std::vector<Network> networks);
  bool contains(const IpAddress& ip) const;
  bool empty() const { return ranges_.empty(); }
  // True when both hold the same addresses.
  bool operator==(const NetworkSet&) const = default;

 private:
  struct Range {
    IpAddress first, last;
    bool operator==(const Range&) const = default;
  };
  std::vector<Range> ranges_;
};

}  // namespace shellac
