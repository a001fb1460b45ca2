// The keys that a program knows, as one table.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shellac/config/node.hpp"

namespace shellac::config {

// Names are dotted; `[]` is any item of a list, `*` any name: "pools.*.backends[].name".
struct Key {
  enum class State { known, later };
  std::string_view name;
  State state = State::known;     // later: known, but an error until its feature is there
  std::string_view same_as = {};  // the keys below this one are those below that one
};

// Thread: immutable after construction.
class KeyTable {
 public:
  explicit KeyTable(std::span<const Key> keys);

  // Reports unknown keys with the nearest known one, and keys that are `later`.
  void check(const Node& root, Problems& problems) const;
  // All names, in the order of the table.
  std::vector<std::string> names() const;

 private:
  struct Known {
    std::vector<std::string_view> children;  // last words of the keys below
    const Key* key = nullptr;
  };
  struct Visit {
    std::string pattern, path;
    bool inside_later = false;
  };
  void check_node(const Node& node, const Visit& visit, Problems& problems) const;
  void check_entry(const Entry& entry, const Known& known, const Visit& visit, Problems& problems) const;
  std::string resolve(std::string pattern) const;

  std::span<const Key> keys_;
  std::map<std::string, Known, std::less<>> known_;
};

// The text of the problem of a key whose feature is not there.
inline constexpr std::string_view kNotYet = "not in this version yet";

// The word in `known` that `word` was probably meant to be; empty when none is near.
std::string_view find_nearest(std::string_view word, std::span<const std::string_view> known);

}  // namespace shellac::config
