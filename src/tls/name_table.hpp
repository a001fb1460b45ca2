// Which certificates answer for a name that a client asks for. Pure.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace shellac::tls {

// What a certificate brings: its names (lower case, wildcards as "*.example.com") and the kind of its key.
struct NamedKey {
  std::vector<std::string> names;
  int key_kind = 0;
};

// Groups certificates so that each group has at most one key of a kind, and finds the group for a name: exact, else a
// wildcard that stands for one label (RFC 6125 §6.4.3). Among certificates of one kind the first has the name.
// Immutable, any thread.
class NameTable {
 public:
  NameTable() = default;
  explicit NameTable(const std::vector<NamedKey>& certificates);

  // Indexes into what was given, per group. Group 0 answers for the first certificate's first name and is the default.
  const std::vector<std::vector<std::size_t>>& groups() const { return groups_; }
  // `name` in lower case.
  std::optional<std::size_t> find(std::string_view name) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  std::vector<std::vector<std::size_t>> groups_;
  std::unordered_map<std::string, std::size_t, Hash, std::equal_to<>> group_of_;  // exact, and wildcards with "*."
};

}  // namespace shellac::tls
