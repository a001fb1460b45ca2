#include <algorithm>

#include "shellac/core/address.hpp"
#include "shellac/core/text.hpp"

namespace shellac {
namespace {

constexpr unsigned kBits = 128;
constexpr unsigned kV4Prefix = 96;  // bits of ::ffff:0:0/96, in which IPv4 lies

// The mask's octet `index` of a prefix of `bits`.
std::uint8_t mask_octet(unsigned bits, std::size_t index) {
  const unsigned before = static_cast<unsigned>(index) * 8;
  if (bits >= before + 8) return 0xFF;
  if (bits <= before) return 0;
  return static_cast<std::uint8_t>(0xFF << (8 - (bits - before)));
}

IpAddress first_of(const Network& network) {
  IpAddress ip = network.base;
  for (std::size_t i = 0; i < ip.bytes.size(); ++i) ip.bytes[i] &= mask_octet(network.bits, i);
  return ip;
}

IpAddress last_of(const Network& network) {
  IpAddress ip = network.base;
  for (std::size_t i = 0; i < ip.bytes.size(); ++i)
    ip.bytes[i] = static_cast<std::uint8_t>(ip.bytes[i] | ~mask_octet(network.bits, i));
  return ip;
}

// The address before or after; must exist.
IpAddress before(IpAddress ip) {
  for (std::size_t i = ip.bytes.size(); i-- > 0;)
    if (ip.bytes[i]-- != 0) break;
  return ip;
}
IpAddress after(IpAddress ip) {
  for (std::size_t i = ip.bytes.size(); i-- > 0;)
    if (++ip.bytes[i] != 0) break;
  return ip;
}

Network mapped_block() {
  IpAddress base;
  base.bytes[10] = base.bytes[11] = 0xFF;
  return {base, kV4Prefix};
}

bool is_v4_network(const Network& network) { return network.bits >= kV4Prefix && network.base.is_v4(); }

}  // namespace

bool Network::contains(const IpAddress& ip) const {
  if (ip.is_v4() != is_v4_network(*this)) return false;
  for (std::size_t i = 0; i < ip.bytes.size(); ++i)
    if (((ip.bytes[i] ^ base.bytes[i]) & mask_octet(bits, i)) != 0) return false;
  return true;
}

std::optional<Network> parse_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = text.substr(0, slash);
  const auto ip = parse_ip(address);
  if (!ip) return std::nullopt;
  Network network{*ip, kBits};
  if (slash == std::string_view::npos) return network;
  const auto length = parse_unsigned<std::uint8_t>(text.substr(slash + 1));
  const bool v6_text = address.find(':') != std::string_view::npos;
  if (!length || *length > (v6_text ? kBits : kBits - kV4Prefix)) return std::nullopt;
  network.bits = static_cast<std::uint8_t>(v6_text ? *length : kV4Prefix + *length);
  if (first_of(network) != network.base) return std::nullopt;
  return network;
}

NetworkSet::NetworkSet(std::vector<Network> networks) {
  const IpAddress v4_first = first_of(mapped_block());
  const IpAddress v4_last = last_of(mapped_block());
  std::vector<Range> ranges;
  for (const Network& network : networks) {
    const Range range{first_of(network), last_of(network)};
    if (!is_v4_network(network) && range.first <= v4_first && v4_last <= range.last) {
      // An IPv6 network around the block of IPv4 does not mean IPv4. (Prefixes nest, so it never cuts the block.)
      if (range.first < v4_first) ranges.push_back({range.first, before(v4_first)});
      if (v4_last < range.last) ranges.push_back({after(v4_last), range.last});
    } else {
      ranges.push_back(range);
    }
  }
  std::ranges::sort(ranges, {}, &Range::first);
  for (const Range& range : ranges) {
    if (!ranges_.empty() && range.first <= ranges_.back().last)
      ranges_.back().last = std::max(ranges_.back().last, range.last);
    else
      ranges_.push_back(range);
  }
}

bool NetworkSet::contains(const IpAddress& ip) const {
  const auto next = std::ranges::upper_bound(ranges_, ip, {}, &Range::first);
  return next != ranges_.begin() && ip <= std::prev(next)->last;
}

}  // namespace shellac
