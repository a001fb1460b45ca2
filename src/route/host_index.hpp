// Which host patterns a request's host matches.
#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace shellac::route {

// An authority without its port.
std::string_view without_port(std::string_view authority);

// A host as it is compared: lower case, without port and trailing dot. Longer ones than a DNS name can be (255 octets,
// RFC 1035 §2.3.4) are as if there were none. Resource: text() points inside.
class HostName {
 public:
  explicit HostName(std::string_view authority);
  HostName(const HostName&) = delete;
  HostName& operator=(const HostName&) = delete;
  std::string_view text() const { return {text_.data(), size_}; }

 private:
  std::array<char, 255> text_;
  std::size_t size_ = 0;
};

// "*", exact, or "*.example.com"; both in HostName's form.
bool host_matches(std::string_view pattern, std::string_view host);

// Maps host patterns to numbers. Immutable once built.
class HostIndex {
 public:
  static constexpr std::size_t kAny = 0;  // the number of "*"

  // The number of `pattern`, which is new or known. Numbers count from kAny + 1.
  std::size_t add(std::string_view pattern);
  std::size_t size() const { return size_; }

  // Calls visit(number) for each pattern that matches, in no special order, "*" included.
  template <class Visit>
  void find(std::string_view host, Visit visit) const {
    visit(kAny);
    if (host.empty()) return;
    if (const auto at = exact_.find(host); at != exact_.end()) visit(at->second);
    // "*.b.c" stands under "b.c"; one probe per label, as deep as the deepest wildcard.
    std::size_t dot = host.size();
    for (std::size_t labels = 0; labels < labels_max_; ++labels) {
      dot = dot == 0 ? std::string_view::npos : host.rfind('.', dot - 1);
      if (dot == std::string_view::npos || dot == 0) return;
      if (const auto at = wildcard_.find(host.substr(dot + 1)); at != wildcard_.end()) visit(at->second);
    }
  }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  using Numbers = boost::unordered_flat_map<std::string, std::size_t, Hash, std::equal_to<>>;

  Numbers exact_, wildcard_;
  std::size_t labels_max_ = 0;
  std::size_t size_ = 1;
};

}  // namespace shellac::route
