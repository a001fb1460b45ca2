#include "http/client_chain.hpp"

#include <algorithm>

#include "shellac/core/text.hpp"

namespace shellac::http {
namespace {

// Quotes mean nothing in X-Forwarded-For: one that a client left open must not swallow what the next hop appended.
template <class Each>
void for_each_plain_member(std::string_view list, Each each) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    if (const auto member = trim(list.substr(0, comma)); !member.empty()) each(member);
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
}

bool has_open_quote(std::string_view text) {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (quoted && text[i] == '\\') ++i;
  }
  return quoted;
}

// Elements of RFC 7239 §4. In a line with an open quote every comma separates: the elements at its end are those of the
// hops that we may believe, and whoever opened the quote stands before them.
template <class Each>
void for_each_element(const Fields& fields, Each each) {
  for (const Field& field : fields) {
    if (field.id != FieldId::forwarded) continue;
    if (has_open_quote(field.value)) {
      for_each_plain_member(field.value, each);
      continue;
    }
    for_each_member(field.value, [&](std::string_view element) {
      each(element);
      return true;
    });
  }
}

// The value of one parameter of an element, as written. Given twice, it is none.
std::string_view parameter(std::string_view element, std::string_view name) {
  std::string_view found;
  bool repeated = false;
  for (std::size_t start = 0; start < element.size();) {
    const std::size_t end = std::min(element.find(';', start), element.size());
    const std::string_view pair = trim(element.substr(start, end - start));
    start = end + 1;
    const std::size_t equals = pair.find('=');
    if (equals == pair.npos || !iequals(pair.substr(0, equals), name)) continue;
    repeated = repeated || !found.empty();
    found = pair.substr(equals + 1);
  }
  return repeated ? std::string_view{} : found;
}

std::string_view unquoted(std::string_view text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return text;
  return text.substr(1, text.size() - 2);
}

bool is_port(std::string_view text) {
  const auto port = parse_unsigned<std::uint32_t>(text);
  return port && *port <= 65535;
}

}  // namespace

void ClientChain::add(std::string_view hop) {
  ring[added++ % kMax] = hop;
  size = std::min(added, kMax);
}

ClientChain read_client_chain(const Fields& fields) {
  ClientChain chain;
  for (const Field& field : fields)
    if (field.id == FieldId::x_forwarded_for)
      for_each_plain_member(field.value, [&](std::string_view member) { chain.add(member); });
  if (chain.size == 0)
    for_each_element(fields, [&](std::string_view element) { chain.add(parameter(element, "for")); });
  return chain;
}

std::optional<IpAddress> parse_hop(std::string_view text) {
  text = unquoted(trim(text));
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == text.npos) return std::nullopt;
    const std::string_view port = text.substr(close + 1);
    if (!port.empty() && (port.front() != ':' || !is_port(port.substr(1)))) return std::nullopt;
    return parse_ip(text.substr(1, close - 1));
  }
  if (const auto ip = parse_ip(text)) return ip;
  // Behind an IPv6 address without brackets a port cannot be told from the address.
  const std::size_t colon = text.find(':');
  if (colon == text.npos || !is_port(text.substr(colon + 1))) return std::nullopt;
  return parse_ip(text.substr(0, colon));
}

std::string_view forwarded_scheme(const Fields& fields) {
  std::string_view told;
  bool has_proto = false;
  for (const Field& field : fields) {
    if (field.id != FieldId::x_forwarded_proto) continue;
    has_proto = true;
    for_each_plain_member(field.value, [&](std::string_view member) { told = member; });
  }
  if (!has_proto)
    for_each_element(fields, [&](std::string_view element) { told = unquoted(parameter(element, "proto")); });
  if (iequals(told, "https")) return "https";
  if (iequals(told, "http")) return "http";
  return {};
}

}  // namespace shellac::http
