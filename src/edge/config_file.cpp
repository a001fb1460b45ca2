// load_config: every section in its order, and the command `shellac check`.
#include "shellac/edge/config_file.hpp"

#include <array>
#include <exception>
#include <filesystem>
#include <ostream>
#include <utility>

#include "schema.hpp"
#include "schema_keys.hpp"
#include "shellac/config/document.hpp"

namespace shellac::edge {

namespace {

// Entries that one file must hold as a whole; everything else may be spread over included files.
constexpr auto kWholeEntries = std::to_array<std::string_view>({"pools", "cache.policies"});

std::string absolute_path(const std::string& file) {
  std::error_code error;
  auto path = std::filesystem::absolute(file, error);
  return error ? file : path.lexically_normal().string();
}

std::set<std::string> names_of_pools(const config::Node& root) {
  std::set<std::string> names;
  if (const config::Entry* pools = root.find("pools"))
    for (const config::Entry& pool : pools->value.entries) names.insert(pool.key);
  return names;
}

void read_options(const config::Node& root, config::Problems& problems, Options& options) {
  key_table().check(root, problems);
  config::Value top(root, problems);
  read_top(top, options);
  read_listeners(top, options);
  read_pools(top, options);
  read_cache(top, options.cache);
  RouteTargets targets{names_of_pools(root), {}};
  for (const auto& policy : options.cache.policies) targets.policies.insert(policy.name);
  read_routes(top, targets, options);
}

}  // namespace

LoadedConfig load_config(const std::string& file, const std::map<std::string, std::string>* environment) {
  LoadedConfig loaded;
  config::Problems problems;
  try {
    Options options;
    options.file = absolute_path(file);
    config::Environment variables(environment);
    if (auto root = config::load_document(file, variables, {kWholeEntries}, problems))
      read_options(*root, problems, options);
    loaded.problems = problems.take();
    if (loaded.problems.empty()) loaded.options = std::move(options);
  } catch (const std::exception& error) {
    // Memory that ran out, or a fault of ours: whoever asked keeps its old configuration.
    loaded.problems = {{file, 0, 0, std::string("cannot be read (") + error.what() + ")"}};
  }
  return loaded;
}

int run_check(const std::string& file, std::ostream& out, std::ostream& err) {
  LoadedConfig loaded = load_config(file);
  for (const config::Problem& problem : loaded.problems) err << config::to_string(problem) << "\n";
  if (!loaded.options) return 1;
  out << file << ": good\n";
  return 0;
}

std::vector<std::string> all_config_keys() { return key_table().names(); }

}  // namespace shellac::edge
