#include "health_watch.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace shellac::edge {
namespace {

// Who does not know yet how its servers are is not ready; but not for longer than this.
constexpr auto kSettleTime = std::chrono::seconds(10);

WallTime wall_now() { return std::chrono::system_clock::now(); }

}  // namespace

HealthWatch::HealthWatch(net::Loop& loop, Log& log, metrics::Registry& registry)
    : loop_(loop),
      log_(log),
      probes_(registry.counters("shellac_backend_probes_total", "Probes by what they found.",
                                {"pool", "backend", "result"})),
      changes_(registry.counters("shellac_backend_changes_total", "Changes of a server's state by what it is now.",
                                 {"pool", "backend", "to"})),
      settled_by_(Clock::now() + kSettleTime) {}

HealthWatch::~HealthWatch() = default;

HealthWatch::Watched* HealthWatch::find(const std::string& pool_name) {
  const auto found = std::ranges::find(watched_, pool_name, [](const Watched& one) { return one.pool->options.name; });
  return found != watched_.end() ? &*found : nullptr;
}

const HealthWatch::Watched* HealthWatch::find(const std::string& pool_name) const {
  return const_cast<HealthWatch*>(this)->find(pool_name);
}

void HealthWatch::adopt(const Pools& pools) {
  std::vector<Watched> next;
  for (const auto& pool : pools) {
    Watched& fresh = next.emplace_back();
    fresh.pool = pool;
    take_over(fresh, find(pool->options.name));
    pool->state->room.set_max(pool->options.max_connections);  // and whoever waits looks again
  }
  watched_.clear();
  watched_ = std::move(next);
  for (Watched& one : watched_)
    if (one.pool->options.probe) one.prober = std::make_unique<upstream::PoolProber>(loop_, one.pool, *this);
}

// Verdicts of servers that stay go over with their history.
void HealthWatch::take_over(Watched& fresh, Watched* former) {
  const upstream::PoolOptions& options = fresh.pool->options;
  for (const auto& server : fresh.pool->servers) {
    if (!options.probe) {
      if (server->health() == balance::Health::up) continue;
      server->set_health(balance::Health::up, Clock::now(), wall_now());
      note_change(*fresh.pool, server->identity().name, "up", "it is probed no more", true);
      continue;
    }
    std::unique_ptr<balance::ProbeVerdict> verdict;
    if (former != nullptr)
      for (auto& known : former->verdicts)
        if (known && &known->server() == server.get()) verdict = std::move(known);
    if (verdict)
      verdict->set_policy(options.probe->policy);
    else
      verdict = std::make_unique<balance::ProbeVerdict>(server, options.probe->policy);
    fresh.verdicts.push_back(std::move(verdict));
  }
  if (options.outlier) {
    fresh.outlier = former != nullptr ? std::move(former->outlier) : nullptr;
    if (fresh.outlier)
      fresh.outlier->set_options(*options.outlier);
    else
      fresh.outlier = std::make_unique<balance::OutlierVerdict>(*options.outlier);
  } else {
    for (const auto& server : fresh.pool->servers) {
      if (!server->is_ejected(Clock::now())) continue;
      server->set_ejected(Time{}, wall_now());
      note_change(*fresh.pool, server->identity().name, "returned", "outliers are ejected no more", true);
    }
  }
}

void HealthWatch::sweep() {
  for (Watched& one : watched_) {
    if (!one.outlier) continue;
    for (const auto& server : one.outlier->sweep(one.pool->servers, Clock::now(), wall_now())) {
      note_change(*one.pool, server->identity().name, "returned", "its ejection is over", true);
      one.pool->state->room.wake_all();
    }
  }
}

bool HealthWatch::is_settled() const {
  if (Clock::now() >= settled_by_) return true;
  return std::ranges::all_of(watched_, [](const Watched& one) {
    return std::ranges::all_of(one.verdicts, [](const auto& verdict) { return verdict->is_checked(); });
  });
}

bool HealthWatch::is_checked(const upstream::Pool& pool, std::size_t backend) const {
  const Watched* const watched = find(pool.options.name);
  return watched == nullptr || backend >= watched->verdicts.size() || watched->verdicts[backend]->is_checked();
}

// Good changes are told as information, bad ones as warnings.
void HealthWatch::note_change(const upstream::Pool& pool, const std::string& backend, std::string_view to,
                              const std::string& reason, bool good) {
  changes_.at(0, {pool.options.name, backend, to}).add();
  if (good)
    log_.info("backend {}/{}: {}: {}", pool.options.name, backend, to, reason);
  else
    log_.warn("backend {}/{}: {}: {}", pool.options.name, backend, to, reason);
}

void HealthWatch::set_state(const upstream::Pool& pool, balance::Server& server, balance::ServerState state) {
  const balance::ServerState before = server.state();
  if (before == state) return;
  server.set_state(state, wall_now());
  const std::string& name = server.identity().name;
  changes_.at(0, {pool.options.name, name, "operator_" + std::string(to_string(state))}).add();
  log_.info("backend {}/{}: {} (was {}): by the operator", pool.options.name, name, to_string(state),
            to_string(before));
  pool.state->room.wake_all();
}

void HealthWatch::on_probe(const upstream::Pool& pool, std::size_t backend, balance::ProbeResult result) {
  probes_.at(0, {pool.options.name, pool.backends[backend].name, to_string(result)}).add();
  Watched* const watched = find(pool.options.name);
  if (watched == nullptr || watched->pool.get() != &pool) return;
  const auto change = watched->verdicts[backend]->note(result, Clock::now(), wall_now());
  if (!change) return;
  const bool good = change->to == balance::Health::up;
  note_change(pool, pool.backends[backend].name, to_string(change->to), change->reason, good);
  pool.state->room.wake_all();
}

Duration HealthWatch::next_probe(const upstream::Pool& pool, std::size_t backend) {
  const Watched* const watched = find(pool.options.name);
  if (watched == nullptr || watched->pool.get() != &pool) return pool.options.probe->policy.interval;
  return watched->verdicts[backend]->next_interval();
}

void HealthWatch::on_errors(const std::shared_ptr<const upstream::Pool>& pool, std::size_t backend) noexcept {
  loop_.post([this, name = pool->options.name, server = pool->servers[backend]] { eject(name, server); });
}

void HealthWatch::on_refusal(const std::shared_ptr<const upstream::Pool>& pool, std::string_view reason) noexcept {
  loop_.post([this, name = pool->options.name, why = std::string(reason)] {
    log_.warn("pool {}: no server takes a request: {}", name, why);
  });
}

void HealthWatch::eject(const std::string& pool_name, const std::shared_ptr<balance::Server>& server) {
  Watched* const watched = find(pool_name);
  if (watched == nullptr || !watched->outlier) return;
  const auto& servers = watched->pool->servers;
  if (std::ranges::find(servers, server) == servers.end()) return;
  const std::string& name = server->identity().name;
  const auto duration = watched->outlier->eject(*server, servers, Clock::now(), wall_now());
  if (!duration) return server->note_success();  // it stays in: counting begins anew
  note_change(
      *watched->pool, name, "ejected",
      fmt::format("{} requests in a row failed; for {}", watched->pool->options.outlier->errors, to_string(*duration)),
      false);
  watched->pool->state->room.wake_all();
}

}  // namespace shellac::edge
