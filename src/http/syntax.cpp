// Grammar of the parts of a head: tokens, values, authorities.
#include <arpa/inet.h>

#include <algorithm>

#include "http/octets.hpp"
#include "shellac/core/text.hpp"
#include "shellac/http/parser.hpp"

namespace shellac::http {
namespace {

// RFC 1035 §2.3.4: longer names cannot be resolved.
constexpr std::size_t kHostMax = 255;

bool is_port(std::string_view text) { return text.size() <= 5 && parse_unsigned<std::uint16_t>(text).has_value(); }

// Without the brackets. Zones and IPvFuture are nothing that a Host can mean.
bool is_ipv6(std::string_view text) {
  char copy[INET6_ADDRSTRLEN] = {};
  if (text.size() >= sizeof copy || text.find('\0') != text.npos) return false;
  std::ranges::copy(text, copy);
  in6_addr address{};
  return inet_pton(AF_INET6, copy, &address) == 1;
}

}  // namespace

bool is_token(std::string_view text) { return octets::all(text, octets::kToken); }

bool is_field_value(std::string_view text) {
  return octets::skip_text(text.data(), text.data() + text.size()) == text.data() + text.size();
}

// Stricter than RFC 3986 in what no name has and what invites two readings: percent-encoding, a comma (two joined
// fields), an empty name, an empty port.
bool is_valid_authority(std::string_view text) {
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == text.npos || !is_ipv6(text.substr(1, close - 1))) return false;
    const std::string_view rest = text.substr(close + 1);
    return rest.empty() || (rest.front() == ':' && is_port(rest.substr(1)));
  }
  const std::size_t colon = text.find(':');
  const std::string_view host = text.substr(0, colon);
  if (host.size() > kHostMax || !octets::all(host, octets::kHost)) return false;
  return colon == text.npos || is_port(text.substr(colon + 1));
}

}  // namespace shellac::http
