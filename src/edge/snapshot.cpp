#include "snapshot.hpp"

#include <algorithm>
#include <stdexcept>

#include "shellac/core/crypto.hpp"

namespace shellac::edge {
namespace {

// By route; routes with the same policy share it.
std::vector<std::shared_ptr<const cache::Policy>> make_policies(const Options& options) {
  std::map<std::string_view, std::shared_ptr<const cache::Policy>> made;
  for (const auto& policy : options.cache.policies)
    made.emplace(policy.name, std::make_shared<const cache::Policy>(policy));
  std::vector<std::shared_ptr<const cache::Policy>> of_route;
  for (const auto& route : options.routes) {
    const auto found = made.find(route.cache);
    of_route.push_back(found == made.end() ? nullptr : found->second);
  }
  return of_route;
}

}  // namespace

std::uint16_t https_port(const Options& options) {
  for (const auto& listener : options.listeners) {
    if (!listener.tls) continue;
    for (const auto& bind : listener.binds)
      if (bind.endpoint.kind == Endpoint::Kind::ip && bind.endpoint.port != 0) return bind.endpoint.port;
  }
  return 443;
}

Prepared prepare(Options options, const TicketKeyRing& tickets) {
  Prepared prepared;
  for (const auto& listener : options.listeners) {
    if (!listener.tls) {
      prepared.server_contexts.push_back(nullptr);
      continue;
    }
    const std::string& file = listener.tls->tickets.keys_file;
    auto& keys = prepared.tickets[file];
    if (!keys) {
      const auto known = tickets.find(file);
      // A file's keys are read into an object of their own: those in force stay as they are if this reload fails.
      keys = file.empty() && known != tickets.end() ? known->second : std::make_shared<tls::TicketKeys>();
      if (!file.empty())
        if (const auto problem = keys->load(file)) throw std::runtime_error(*problem);
    }
    prepared.server_contexts.push_back(tls::ServerContext::make(*listener.tls, keys));
  }
  for (const auto& pool : options.pools)
    prepared.client_contexts.push_back(pool.tls ? tls::ClientContext::make(*pool.tls) : nullptr);
  prepared.proxy = std::make_shared<proxy::Config>(options.routes);
  prepared.proxy->trusted = NetworkSet(options.trusted);
  prepared.proxy->purge_from = NetworkSet(options.cache.purge_from);
  prepared.proxy->policy_of_route = make_policies(options);
  prepared.options = std::move(options);
  return prepared;
}

upstream::Backend Backends::get_or_create(const std::string& pool, const upstream::BackendOptions& options) {
  const balance::Server::Identity identity{pool, options.name, options.address};
  upstream::Backend backend{options.name, options.zone, options.address,
                            directory_.get_or_create(identity, std::chrono::system_clock::now()), nullptr};
  for (Known& known : known_) {
    if (known.identity != identity) continue;
    backend.addresses = known.addresses.lock();
    if (backend.addresses) return backend;
  }
  backend.addresses = std::make_shared<upstream::Addresses>();
  auto watch =
      resolver_.watch(options.address, [weak = std::weak_ptr(backend.addresses)](const std::vector<Endpoint>& found) {
        if (const auto addresses = weak.lock()) addresses->set(found);
      });
  known_.push_back({identity, backend.addresses, std::move(watch)});
  return backend;
}

std::shared_ptr<upstream::PoolState> Backends::get_or_create_state(const std::string& pool) {
  auto& known = states_[pool];
  if (auto state = known.lock()) return state;
  auto state = std::make_shared<upstream::PoolState>();
  known = state;
  return state;
}

std::string Backends::sticky_key(const upstream::PoolOptions& options, upstream::PoolState& state) {
  if (!options.sticky->key.empty()) return options.sticky->key;
  if (state.sticky_key.empty()) {
    std::uint8_t octets[32];
    crypto::fill_random(octets);
    state.sticky_key = crypto::hex(octets);
    log_.warn(
        "pools.{}.sticky: no key_file: a key was made; its cookies end with this process, and no other edge knows "
        "them",
        options.name);
  }
  return state.sticky_key;
}

std::shared_ptr<const upstream::Pool> Backends::make_pool(const upstream::PoolOptions& options, const std::string& zone,
                                                          std::shared_ptr<const tls::ClientContext> tls) {
  auto pool = std::make_shared<upstream::Pool>();
  pool->options = options;
  pool->tls = std::move(tls);
  std::vector<std::string> labels;
  for (const auto& backend : options.backends) {
    pool->backends.push_back(get_or_create(options.name, backend));
    pool->servers.push_back(pool->backends.back().server);
    labels.push_back(backend.label);
  }
  pool->group = upstream::make_group(options, zone, pool->servers);
  pool->state = get_or_create_state(options.name);
  if (options.sticky)
    pool->sticky.emplace(*options.sticky, options.name, std::move(labels), sticky_key(options, *pool->state));
  return pool;
}

void Backends::sweep() {
  std::erase_if(states_, [](const auto& entry) { return entry.second.expired(); });
  std::erase_if(known_, [](const Known& known) { return known.addresses.expired(); });
  directory_.sweep();
}

std::shared_ptr<const Snapshot> complete(Prepared prepared, Backends& backends) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->tickets = std::move(prepared.tickets);
  snapshot->options = std::move(prepared.options);
  snapshot->loaded = std::chrono::system_clock::now();
  const Options& options = snapshot->options;
  for (std::size_t i = 0; i < options.listeners.size(); ++i) {
    auto listener = std::make_shared<front::Listener>();
    listener->options = options.listeners[i];
    listener->tls = prepared.server_contexts[i];
    listener->trusted = NetworkSet(options.trusted);
    if (listener->options.redirect_https) listener->redirect_port = https_port(options);
    snapshot->listeners.push_back(std::move(listener));
  }
  for (std::size_t i = 0; i < options.pools.size(); ++i)
    prepared.proxy->pools.push_back(
        backends.make_pool(options.pools[i], options.zone, std::move(prepared.client_contexts[i])));
  for (const auto& route : prepared.proxy->routes.routes()) {
    const auto* to = std::get_if<route::ToPool>(&route->action);
    std::shared_ptr<const upstream::Pool> target;
    for (const auto& pool : prepared.proxy->pools)
      if (to != nullptr && pool->options.name == to->pool) target = pool;
    prepared.proxy->pool_of_route.push_back(std::move(target));
  }
  snapshot->proxy = std::move(prepared.proxy);
  return snapshot;
}

}  // namespace shellac::edge
