// The way of requests through the edge: one Proxy per worker handles all its exchanges.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "shellac/balance/round_robin.hpp"
#include "shellac/core/address.hpp"
#include "shellac/front/exchange.hpp"
#include "shellac/metrics/registry.hpp"
#include "shellac/net/loop.hpp"
#include "shellac/net/pool.hpp"
#include "shellac/proxy/record.hpp"
#include "shellac/route/table.hpp"
#include "shellac/upstream/connector.hpp"
#include "shellac/upstream/pool.hpp"

namespace shellac::proxy {

// What an exchange begins with and keeps until its end. Immutable; held by each worker's Proxy and by the exchanges
// under way. Any thread.
struct Config {
  explicit Config(const std::vector<route::RouteOptions>& route_options) : routes(route_options) {}
  route::Table routes;
  std::vector<std::shared_ptr<const upstream::Pool>> pools;
  std::vector<const upstream::Pool*> pool_of_route;  // by route index; null when the route asks no backend
  NetworkSet trusted;
};

// The families that this area counts in; made once per process.
struct Metrics {
  explicit Metrics(metrics::Registry& registry);
  metrics::CounterFamily& requests;
  metrics::HistogramFamily& duration;
  metrics::CounterFamily& request_bytes;
  metrics::CounterFamily& response_bytes;
  metrics::CounterFamily& backend_requests;
  metrics::HistogramFamily& backend_response;
  metrics::CounterFamily& backend_errors;
  metrics::CounterFamily& retries;
};

class Flow;
class Tally;

// Thread: its worker, unless told.
class Proxy final : public front::ExchangeHandler {
 public:
  struct Setting {
    net::Loop& loop;
    net::ThreadPool& files;  // reads what `respond: { dir }` serves
    RecordSink& sink;
    Metrics& metrics;
  };
  explicit Proxy(Setting setting);
  ~Proxy();

  void adopt(std::shared_ptr<const Config> config);
  net::Task<void> handle(front::Exchange& exchange) override;
  // Exchanges under way. Any thread.
  std::uint64_t in_flight() const { return in_flight_.load(std::memory_order_relaxed); }

 private:
  friend class Flow;
  Setting setting_;
  upstream::Connector connector_;
  std::shared_ptr<const Config> config_;
  std::unordered_map<const upstream::Pool*, balance::RoundRobin> pickers_;
  std::unique_ptr<Tally> tally_;
  std::uint64_t id_prefix_ = 0;
  std::uint64_t id_next_ = 0;
  std::atomic<std::uint64_t> in_flight_{0};
};

}  // namespace shellac::proxy
