// What `routes` says.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "shellac/core/address.hpp"
#include "shellac/core/units.hpp"

namespace shellac::route {

// full: percent-decoding of unreserved characters, merged slashes, dot segments; safe: escapes only (upper-case hex,
// unreserved decoded); none: byte for byte.
enum class NormalizePath : std::uint8_t { full, safe, none };

// Empty lists ask for nothing.
struct MatchOptions {
  std::vector<std::string> host{};    // lower case; exact, "*.example.com" (one or more labels), or "*"
  std::vector<std::string> path{};    // exact, or with `*` = any run, also of /
  std::vector<std::string> method{};  // upper case
  std::vector<std::pair<std::string, std::string>> header{};  // name, glob; all must match
  std::vector<Network> client{};
};

// `set` replaces, `add` appends a line, `remove` takes names (globs are allowed in remove).
struct EditOptions {
  std::vector<std::pair<std::string, std::string>> set{};
  std::vector<std::pair<std::string, std::string>> add{};
  std::vector<std::string> remove{};
};

struct ToPool {
  std::string pool;
};
struct Redirect {
  std::string to;  // may contain $host, $path, $query ($query brings its '?')
  int status = 308;
};
struct RespondText {
  int status = 200;
  std::string body;
  std::string type = "text/plain; charset=utf-8";
};
struct RespondDir {
  std::string dir;  // absolute
};

struct RouteOptions {
  std::string name;
  MatchOptions match;
  NormalizePath normalize_path = NormalizePath::full;
  std::vector<Network> allow;  // empty = everything
  std::vector<Network> deny;   // wins over allow
  EditOptions request;
  EditOptions response;
  std::optional<std::string> rewrite_prefix;
  Bytes max_body{64ull << 20};
  Duration timeout{0};  // 0 = none
  std::variant<ToPool, Redirect, RespondText, RespondDir> action;
  std::string cache;                  // the name of a cache policy; empty = off
  std::map<int, std::string> errors;  // status → file (absolute); read when the configuration is loaded
};

}  // namespace shellac::route
