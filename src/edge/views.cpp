// What the admin API and the scrape see of the daemon.
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <ctime>
#include <map>

#include "cache_view.hpp"
#include "control.hpp"
#include "control_metrics.hpp"
#include "shellac/core/bug.hpp"
#include "shellac/metrics/process.hpp"

namespace shellac::edge {
namespace json = boost::json;
namespace {

double unix_seconds(WallTime when) { return std::chrono::duration<double>(when.time_since_epoch()).count(); }

std::string iso_time(WallTime when) {
  const auto seconds = std::chrono::system_clock::to_time_t(when);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

std::int64_t seconds_since(WallTime when) {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now() - when).count();
}

template <class Visit>
void each_backend(const Snapshot& snapshot, Visit visit) {
  for (const auto& pool : snapshot.proxy->pools)
    for (const auto& backend : pool->backends) visit(*pool, backend);
}

// One name may have several certificates, of both kinds and on several listeners: the one that ends first counts.
std::map<std::string, WallTime> certificate_ends(const Snapshot& snapshot) {
  std::map<std::string, WallTime> ends;
  for (const auto& listener : snapshot.listeners) {
    if (!listener->tls) continue;
    for (const auto& certificate : listener->tls->certificates()) {
      const auto [entry, is_new] = ends.emplace(certificate.name, certificate.not_after);
      if (!is_new) entry->second = std::min(entry->second, certificate.not_after);
    }
  }
  return ends;
}

json::object certificate_view(const std::string& listener, const tls::CertificateInfo& certificate) {
  return {{"listener", listener},
          {"name", certificate.name},
          {"key", certificate.key_type},
          {"names", json::array(certificate.names.begin(), certificate.names.end())},
          {"not_after", iso_time(certificate.not_after)}};
}

bool is_up(const balance::Server& server) {
  return server.health() != balance::Health::down && !server.is_ejected(Clock::now());
}

// "up", "drain" (its own 404), "down" (by probes), "ejected" (by traffic).
std::string_view health_word(const balance::Server& server) {
  if (server.health() == balance::Health::up && server.is_ejected(Clock::now())) return "ejected";
  return to_string(server.health());
}

void collect_queue(metrics::Collector& collector, const upstream::Pool& pool) {
  if (pool.options.max_connections == 0) return;
  const char* help = "Requests that wait for a connection: to this server, or (\"any\") to whoever is free first.";
  for (const auto& backend : pool.backends)
    collector.gauge("shellac_backend_queue", help, {{"pool", pool.options.name}, {"backend", backend.name}},
                    pool.state->room.waiting_for(*backend.server));
  collector.gauge("shellac_backend_queue", help, {{"pool", pool.options.name}, {"backend", "any"}},
                  pool.state->room.waiting_for_any());
}

void collect_backend(metrics::Collector& collector, const std::string& pool, const upstream::Backend& backend) {
  const balance::Server& server = *backend.server;
  collector.gauge("shellac_backend_up", "1 while the server is up (an unchecked one counts as up).",
                  {{"pool", pool}, {"backend", backend.name}, {"zone", backend.zone}}, is_up(server) ? 1 : 0);
  for (const auto state : {balance::ServerState::ready, balance::ServerState::drain, balance::ServerState::down})
    collector.gauge("shellac_backend_state", "What the operator wants of the server.",
                    {{"pool", pool}, {"backend", backend.name}, {"state", to_string(state)}},
                    server.state() == state ? 1 : 0);
  const char* help = "Open connections to the server.";
  collector.gauge("shellac_backend_connections", help, {{"pool", pool}, {"backend", backend.name}, {"state", "busy"}},
                  server.busy.load());
  collector.gauge("shellac_backend_connections", help, {{"pool", pool}, {"backend", backend.name}, {"state", "idle"}},
                  server.idle.load());
}

}  // namespace

AdminActions Control::make_actions() {
  AdminActions actions;
  // Whoever does not know yet how its servers are takes no traffic that somebody else could take.
  actions.is_ready = [this] { return ready_ && health_->is_settled(); };
  actions.metrics = [this] { return registry_->expose(); };
  actions.status = [this] { return status_view(); };
  actions.backends = [this] { return backends_view(); };
  actions.config = [this] { return config_view(); };
  actions.set_backend_state = [this](std::string_view pool, std::string_view backend, std::string_view state) {
    return set_backend_state(pool, backend, state);
  };
  actions.reload = [this](Done done) { reload(std::move(done)); };
  actions.purge = [this](const PurgeOrder& order) { return purge(*snapshot_->proxy, order, Clock::now()); };
  actions.look_into_cache = [this](const CacheQuestion& question) {
    return look_into_cache(*snapshot_->proxy, question, Clock::now());
  };
  actions.set_log_level = [this](std::string_view text) -> std::optional<std::string> {
    const auto level = parse_log_level(text);
    if (!level) return "level: expected trace, debug, info, warn, error or off";
    log_.set_level(*level);
    return std::nullopt;
  };
  return actions;
}

std::optional<std::string> Control::set_backend_state(std::string_view pool, std::string_view backend,
                                                      std::string_view text) {
  const auto state = balance::parse_server_state(text);
  if (!state) return "state: expected ready, drain or down";
  bool found = false;
  each_backend(*snapshot_, [&](const upstream::Pool& candidate, const upstream::Backend& server) {
    if (candidate.options.name != pool || server.name != backend) return;
    found = true;
    health_->set_state(candidate, *server.server, *state);
  });
  if (found) return std::nullopt;
  return "there is no backend " + std::string(pool) + "/" + std::string(backend);
}

json::object Control::status_view() const {
  json::array listeners, certificates;
  for (std::size_t i = 0; i < snapshot_->listeners.size(); ++i) {
    const auto& listener = *snapshot_->listeners[i];
    json::array addresses;
    for (const auto& bound : bound_[i]) addresses.emplace_back(to_string(bound->actual()));
    listeners.push_back(
        json::object{{"name", listener.options.name}, {"addresses", addresses}, {"tls", listener.tls != nullptr}});
    if (!listener.tls) continue;
    for (const auto& certificate : listener.tls->certificates())
      certificates.push_back(certificate_view(listener.options.name, certificate));
  }
  std::uint64_t in_flight = 0;
  for (const auto& worker : workers_) in_flight += worker->in_flight();
  return {{"version", SHELLAC_VERSION},
          {"pid", ::getpid()},
          {"state", stopping_ ? "stopping"
                    : ready_  ? "ready"
                              : "starting"},
          {"uptime_seconds", std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - started_).count()},
          {"workers", workers_.size()},
          {"zone", snapshot_->options.zone},
          {"connections", admission_->connections()},
          {"requests_in_flight", in_flight},
          {"buffer_bytes", buffers_.used().count},
          {"config", {{"file", run_.config_file}, {"loaded", iso_time(snapshot_->loaded)}}},
          {"listeners", listeners},
          {"certificates", certificates}};
}

json::array Control::backends_view() const {
  json::array list;
  for (const auto& pool : snapshot_->proxy->pools) {
    for (std::size_t i = 0; i < pool->backends.size(); ++i) {
      const upstream::Backend& backend = pool->backends[i];
      const balance::Server& server = *backend.server;
      list.push_back(json::object{{"pool", pool->options.name},
                                  {"name", backend.name},
                                  {"address", backend.address},
                                  {"zone", backend.zone},
                                  {"weight", pool->options.backends[i].weight},
                                  {"backup", pool->options.backends[i].backup},
                                  {"state", to_string(server.state())},
                                  {"health", health_->is_checked(*pool, i) ? health_word(server) : "unchecked"},
                                  {"up", is_up(server)},
                                  {"since", iso_time(server.since())},
                                  {"seconds_in_state", seconds_since(server.since())},
                                  {"requests", server.requests.load()},
                                  {"connections_busy", server.busy.load()},
                                  {"connections_idle", server.idle.load()},
                                  {"queue", pool->state->room.waiting_for(server)}});
    }
  }
  return list;
}

// What is in force: structure and numbers, no secrets.
json::object Control::config_view() const {
  const Options& options = snapshot_->options;
  json::array listeners, pools, routes;
  for (const auto& listener : options.listeners) {
    json::array binds;
    for (const auto& bind : listener.binds) binds.emplace_back(to_string(bind.endpoint));
    listeners.push_back(json::object{{"name", listener.name}, {"bind", binds}, {"tls", listener.tls.has_value()}});
  }
  for (const auto& pool : options.pools) {
    json::array servers;
    for (const auto& backend : pool.backends)
      servers.push_back(json::object{{"name", backend.name}, {"address", backend.address}, {"zone", backend.zone}});
    pools.push_back(json::object{{"name", pool.name}, {"backends", servers}, {"tls", pool.tls.has_value()}});
  }
  for (const auto& route : options.routes) {
    const auto* to = std::get_if<route::ToPool>(&route.action);
    routes.push_back(json::object{{"name", route.name},
                                  {"host", json::array(route.match.host.begin(), route.match.host.end())},
                                  {"path", json::array(route.match.path.begin(), route.match.path.end())},
                                  {"pool", to != nullptr ? json::value(to->pool) : json::value(nullptr)}});
  }
  return {{"file", options.file},
          {"loaded", iso_time(snapshot_->loaded)},
          {"workers", workers_.size()},
          {"user", options.user},
          {"zone", options.zone},
          {"log_level", to_string(log_.level())},
          {"limits",
           {{"connections", options.limits.connections},
            {"connections_per_client", options.limits.connections_per_client},
            {"buffers", options.buffers.count}}},
          {"listeners", listeners},
          {"pools", pools},
          {"routes", routes}};
}

// Read at the scrape, on this thread.
void Control::register_collectors() {
  metrics::collect_process(*registry_, SHELLAC_VERSION);
  registry_->collect_with([this](metrics::Collector& collector) {
    std::uint64_t in_flight = 0;
    for (const auto& worker : workers_) in_flight += worker->in_flight();
    collector.gauge("shellac_requests_in_flight", "Requests that are being handled.", {},
                    static_cast<double>(in_flight));
    collector.gauge("shellac_buffer_bytes", "Octets in pooled buffers.", {},
                    static_cast<double>(buffers_.used().count));
    collector.gauge("shellac_config_last_reload_seconds", "When the configuration in force was loaded (Unix time).", {},
                    unix_seconds(snapshot_->loaded));
    collector.counter("shellac_log_dropped_total",
                      "Lines of the access log and of the daemon's own log that were dropped.", {},
                      static_cast<double>(access_log_->dropped() + log_.dropped()));
    for (const auto& [name, end] : certificate_ends(*snapshot_))
      collector.gauge("shellac_certificate_expiry_seconds", "When the certificate ends (Unix time).", {{"name", name}},
                      unix_seconds(end));
    visit_bugs(
        [](void* context, std::string_view place, std::uint64_t count) {
          static_cast<metrics::Collector*>(context)->counter("shellac_internal_errors_total", "Broken promises inside.",
                                                             {{"place", place}}, static_cast<double>(count));
        },
        &collector);
    each_backend(*snapshot_, [&](const upstream::Pool& pool, const upstream::Backend& backend) {
      collect_backend(collector, pool.options.name, backend);
    });
    for (const auto& pool : snapshot_->proxy->pools) collect_queue(collector, *pool);
    cache_.collect(collector);
  });
}

}  // namespace shellac::edge
