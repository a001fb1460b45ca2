// Reads the configuration: what `check`, `run`, `explain` and reload share.
#pragma once

#include <iosfwd>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "shellac/config/problem.hpp"
#include "shellac/edge/options.hpp"

namespace shellac::edge {

// Either options, or every problem found, in the order of the files. `environment` answers ${VAR}; nullptr = the
// process's. Opens and reads files (the configuration, includes, certificates, error pages): never on a worker.
// Throws nothing, whatever the file holds.
struct LoadedConfig {
  std::optional<Options> options;  // set only when there is no problem
  std::vector<config::Problem> problems;
};
LoadedConfig load_config(const std::string& file, const std::map<std::string, std::string>* environment = nullptr);

// `shellac check`: every problem as one line on `err`, or one line on `out` when there is none. Returns the exit code.
int run_check(const std::string& file, std::ostream& out, std::ostream& err);

// The dotted names of all keys, in the order of docs/configuration.md: `[]` is an item of a list, `*` a free name.
std::vector<std::string> all_config_keys();

}  // namespace shellac::edge
