// The section `cache` of the configuration.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "shellac/core/address.hpp"
#include "shellac/core/units.hpp"

namespace shellac::cache {

// Which members of the query count in the key. Globs.
struct QueryOptions {
  bool sort = false;
  std::vector<std::string> drop;
  std::vector<std::string> keep;  // not empty: only these
};

// One of `cache.policies`. The defaults are those of docs/configuration.md.
struct PolicyOptions {
  std::string name;
  Duration default_ttl{0};
  bool heuristic = false;
  Duration grace = std::chrono::seconds(10);
  Duration keep = std::chrono::hours(1);
  Duration stale_if_error{0};
  Duration negative_ttl = std::chrono::seconds(10);
  bool grace_over_s_maxage = false;
  bool ignore_all_cookies = false;
  std::vector<std::string> ignore_cookies;  // globs of names
  bool strip_set_cookie = false;
  bool honour_request_cache_control = false;
  bool strict_rfc = false;
  Bytes max_object = 16_MiB;
  std::uint32_t min_uses = 1;
  std::uint32_t max_variants = 32;
  QueryOptions query;
  std::vector<std::string> key_headers;
  std::vector<std::string> key_cookies;
  bool normalize_accept_encoding = true;
  std::vector<std::string> accept_languages;  // in the order of preference; empty: Accept-Language is compared as sent
};

struct Options {
  bool enabled = false;  // the section is there
  Bytes memory = 1_GiB;
  std::vector<Network> purge_from;
  std::vector<PolicyOptions> policies;
};

}  // namespace shellac::cache
