// Who is in and who is out: runs the probes, hears what traffic tells, and is the one writer of every server's health.
#pragma once

#include <memory>
#include <vector>

#include "shellac/balance/health.hpp"
#include "shellac/core/log.hpp"
#include "shellac/metrics/registry.hpp"
#include "shellac/net/loop.hpp"
#include "shellac/proxy/proxy.hpp"
#include "shellac/upstream/prober.hpp"

namespace shellac::edge {

// Thread: control, but for on_errors() and on_refusal().
class HealthWatch final : public upstream::ProbeSink, public proxy::TrafficReports {
 public:
  using Pools = std::vector<std::shared_ptr<const upstream::Pool>>;

  HealthWatch(net::Loop& loop, Log& log, metrics::Registry& registry);
  ~HealthWatch();

  // Watches these pools from now on. What is known of servers that stay is kept; a server that is not probed (any more)
  // counts as up.
  void adopt(const Pools& pools);
  // What the operator wants of a server from now on.
  void set_state(const upstream::Pool& pool, balance::Server& server, balance::ServerState state);
  // Ends ejections that have run out. Call it every second.
  void sweep();
  // Every probed server has a result, good or bad, or ten seconds have passed since the process began to watch.
  bool is_settled() const;
  // False while a probed server has no result yet.
  bool is_checked(const upstream::Pool& pool, std::size_t backend) const;

  void on_probe(const upstream::Pool& pool, std::size_t backend, balance::ProbeResult result) override;
  Duration next_probe(const upstream::Pool& pool, std::size_t backend) override;
  void on_errors(const std::shared_ptr<const upstream::Pool>& pool, std::size_t backend) noexcept override;
  void on_refusal(const std::shared_ptr<const upstream::Pool>& pool, std::string_view reason) noexcept override;

 private:
  // One pool of the configuration in force.
  struct Watched {
    std::shared_ptr<const upstream::Pool> pool;
    std::vector<std::unique_ptr<balance::ProbeVerdict>> verdicts;  // by backend; empty without probes
    std::unique_ptr<balance::OutlierVerdict> outlier;              // null when off
    std::unique_ptr<upstream::PoolProber> prober;                  // goes before what it tells
  };
  Watched* find(const std::string& pool_name);
  const Watched* find(const std::string& pool_name) const;
  void take_over(Watched& fresh, Watched* former);
  void eject(const std::string& pool_name, const std::shared_ptr<balance::Server>& server);
  void note_change(const upstream::Pool& pool, const std::string& backend, std::string_view to,
                   const std::string& reason, bool good);

  net::Loop& loop_;
  Log& log_;
  metrics::CounterFamily& probes_;
  metrics::CounterFamily& changes_;
  std::vector<Watched> watched_;
  Time settled_by_;
};

}  // namespace shellac::edge
