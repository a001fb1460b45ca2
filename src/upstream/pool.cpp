#include "shellac/upstream/pool.hpp"

namespace shellac::upstream {

void Addresses::set(std::vector<Endpoint> endpoints) {
  const std::lock_guard lock(mutex_);
  endpoints_ = std::move(endpoints);
}

Endpoint Addresses::next() {
  const std::lock_guard lock(mutex_);
  if (endpoints_.empty()) return {};
  return endpoints_[turn_++ % endpoints_.size()];
}

std::size_t Addresses::count() {
  const std::lock_guard lock(mutex_);
  return endpoints_.size();
}

std::shared_ptr<const balance::Group> make_group(const PoolOptions& options, const std::string& zone,
                                                 const std::vector<std::shared_ptr<balance::Server>>& servers) {
  auto group = std::make_shared<balance::Group>();
  for (std::size_t i = 0; i < servers.size(); ++i) {
    const BackendOptions& backend = options.backends[i];
    group->members.push_back({servers[i], backend.name, backend.zone, backend.label, backend.weight, backend.backup});
  }
  group->balance = options.balance;
  group->zones = options.zones;
  group->zone = zone;
  group->slow_start = options.slow_start;
  group->panic = options.panic;
  group->connections = options.max_connections;
  return group;
}

}  // namespace shellac::upstream
