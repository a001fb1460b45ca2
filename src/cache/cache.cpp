#include "shellac/cache/cache.hpp"

#include "cache/cache_state.hpp"

namespace shellac::cache {

Cache::Cache(const Setting& setting) : state_(std::make_unique<State>(setting)) {}

Cache::~Cache() { purge_all(Purge::hard, Time{}); }

}  // namespace shellac::cache
