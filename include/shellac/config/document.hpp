// Reads YAML strictly: one document, no anchors, aliases or tags, no duplicate keys, UTF-8 without control characters.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "shellac/config/node.hpp"
#include "shellac/config/problem.hpp"

namespace shellac::config {

// What ${VAR} sees: the process's environment, or a made-up one in tests.
class Environment {
 public:
  Environment() = default;
  explicit Environment(const std::map<std::string, std::string>* made_up) : made_up_(made_up) {}
  std::optional<std::string> find(const std::string& name) const;

 private:
  const std::map<std::string, std::string>* made_up_ = nullptr;
};

// Replaces ${VAR} and ${VAR:-default} (taken when VAR is unset or empty); `$${` stands for `${`. On an error `text` is
// unchanged and the answer says what is wrong.
std::optional<std::string> substitute(std::string& text, const Environment& environment);

// Parses `text`, the content of file number `file` of `problems`. An empty text is an empty map. Nothing when the text
// is no YAML, or when its top is not a map; then there is at least one problem. Duplicate keys are kept
// (check_duplicates).
std::optional<Node> parse_document(std::string_view text, int file, const Environment& environment, Problems& problems);

// Reports every key that stands twice in one map. `list_text` and names make the dotted path of a message.
void check_duplicates(const Node& root, Problems& problems);

struct LoadRules {
  // Maps whose entries belong to one file each ("pools", "cache.policies"): the same entry in two files is a duplicate
  // instead of being joined.
  std::span<const std::string_view> whole_entries;
};

// Reads `file` and what its key `include` names: a path or glob, or a list of them, relative to the file they stand in.
// Maps and lists of included files are joined to those of the including one, in the order of `include` and then of
// their names; a scalar that stands twice is a duplicate. Opens and reads files: never on a worker.
std::optional<Node> load_document(const std::string& file, const Environment& environment, const LoadRules& rules,
                                  Problems& problems);

}  // namespace shellac::config
