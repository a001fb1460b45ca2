// The way of requests through the edge: one Proxy per worker handles all its exchanges.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "shellac/balance/picker.hpp"
#include "shellac/cache/cache.hpp"
#include "shellac/cache/policy.hpp"
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
  std::vector<std::shared_ptr<const upstream::Pool>> pool_of_route;  // by route index; null: it asks no backend
  // By route index; null: the route has no cache.
  std::vector<std::shared_ptr<const cache::Policy>> policy_of_route;
  std::shared_ptr<cache::Cache> cache;  // the process's; null: nobody has a policy. `edge` holds it, too
  NetworkSet purge_from;                // whose PURGE is obeyed
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
  metrics::CounterFamily& refusals;
  metrics::CounterFamily& sticky;
  metrics::CounterFamily& lookups;
  metrics::CounterFamily& lookup_bytes;
  metrics::CounterFamily& not_stored;
};

// Where workers tell that real traffic fails on a server. `edge` implements it. Thread: any.
class TrafficReports {
 public:
  // `health.outlier.errors` requests in a row failed.
  virtual void on_errors(const std::shared_ptr<const upstream::Pool>& pool, std::size_t backend) noexcept = 0;
  // Nobody takes the pool's requests; told by each worker at most once a second.
  virtual void on_refusal(const std::shared_ptr<const upstream::Pool>& pool, std::string_view reason) noexcept = 0;

 protected:
  ~TrafficReports() = default;
};

// What a request with the method PURGE asks for, by a client in `purge_from`. `edge` implements it. Thread: any.
class PurgeBus {
 public:
  struct Order {
    std::string_view url;  // absolute, as the request names it; empty: `tag`
    std::string_view tag;
    bool soft = false;
  };
  // How many objects went; nothing: the URL cannot be understood.
  virtual std::optional<std::size_t> purge(const Config& config, const Order& order, Time now) = 0;

 protected:
  ~PurgeBus() = default;
};

class Fetch;
class Fill;
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
    TrafficReports& reports;
    PurgeBus& purges;
  };
  explicit Proxy(Setting setting);
  ~Proxy();

  void adopt(std::shared_ptr<const Config> config);
  net::Task<void> handle(front::Exchange& exchange) override;
  // Fetches for the cache that are under way, with or without a client. Any thread.
  std::uint32_t fills() const { return fill_count_.load(std::memory_order_relaxed); }
  // Ends them: nobody is connected any more, and the cache goes with the process.
  void abort_fills();
  // Exchanges under way. Any thread.
  std::uint64_t in_flight() const { return in_flight_.load(std::memory_order_relaxed); }

 private:
  friend class Fetch;
  friend class Fill;
  friend class Flow;
  Setting setting_;
  upstream::Connector connector_;
  std::shared_ptr<const Config> config_;
  balance::Picker& picker_of(const upstream::Pool& pool);

  std::unordered_map<const balance::Group*, balance::Picker> pickers_;
  std::unique_ptr<Tally> tally_;
  net::TaskGroup fills_;
  std::vector<Fill*> open_fills_;
  std::atomic<std::uint32_t> fill_count_{0};  // of them, for other threads
  balance::SealMemo seals_;
  Time refusal_told_{};
  std::uint64_t id_prefix_ = 0;
  std::uint64_t id_next_ = 0;
  std::atomic<std::uint64_t> in_flight_{0};
};

}  // namespace shellac::proxy
