// The sections of the edge's configuration, one reader each: YAML in, Options out, problems collected. Which keys exist
// is schema_keys' business; the readers know types, ranges and what must fit together.
#pragma once

#include <map>
#include <set>
#include <string>

#include "shellac/config/value.hpp"
#include "shellac/edge/options.hpp"

namespace shellac::edge {

// Everything but listeners, pools, cache and routes.
void read_top(const config::Value& root, Options& options);
void read_listeners(const config::Value& root, Options& options);
void read_listener_tls(const config::Value& tls, tls::ServerOptions& options);
void read_pools(const config::Value& root, Options& options);
// balance, zones, sticky, health, connections.max, queue, retries.
void read_balancing(const config::Value& pool, upstream::PoolOptions& options);
// weight, label, backup of one backend, whose name is known.
void read_backend_balancing(const config::Value& backend, upstream::BackendOptions& options);
void read_cache(const config::Value& root, cache::Options& options);

// What a route may name.
struct RouteTargets {
  std::set<std::string> pools;
  std::set<std::string> policies;
};
void read_routes(const config::Value& root, const RouteTargets& targets, Options& options);
void read_match(const config::Value& match, route::MatchOptions& options);
void read_edits(const config::Value& edits, route::EditOptions& options);

}  // namespace shellac::edge
