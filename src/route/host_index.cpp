#include "route/host_index.hpp"

#include <algorithm>

#include "shellac/core/text.hpp"

namespace shellac::route {

std::string_view without_port(std::string_view authority) {
  const auto colon = authority.rfind(':');
  if (colon == std::string_view::npos) return authority;
  // The colons inside "[2001:db8::1]" are the address's own.
  if (authority.find(']', colon) != std::string_view::npos) return authority;
  return authority.substr(0, colon);
}

HostName::HostName(std::string_view authority) {
  std::string_view name = without_port(authority);
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.size() > text_.size()) return;
  std::transform(name.begin(), name.end(), text_.begin(), to_lower);
  size_ = name.size();
}

bool host_matches(std::string_view pattern, std::string_view host) {
  if (pattern == "*") return true;
  if (!pattern.starts_with("*.")) return !host.empty() && pattern == host;
  pattern.remove_prefix(1);
  return host.size() > pattern.size() && host.ends_with(pattern);
}

std::size_t HostIndex::add(std::string_view pattern) {
  if (pattern == "*") return kAny;
  const bool wildcard = pattern.starts_with("*.");
  if (wildcard) {
    pattern.remove_prefix(2);
    const auto dots = static_cast<std::size_t>(std::count(pattern.begin(), pattern.end(), '.'));
    labels_max_ = std::max(labels_max_, dots + 1);
  }
  const auto [at, is_new] = (wildcard ? wildcard_ : exact_).try_emplace(std::string(pattern), size_);
  if (is_new) ++size_;
  return at->second;
}

}  // namespace shellac::route
