// The proxy between a multiplexed client session in memory and servers that the test plays.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "metrics/scrape.hpp"
#include "proxy/mux_connection.hpp"
#include "shellac/net/pool.hpp"
#include "shellac/proxy/proxy.hpp"
#include "support/driven_loop.hpp"
#include "upstream/scripted_pool.hpp"

namespace shellac::proxy {

// A record with its texts kept.
struct Recorded {
  std::string id, listener, protocol, method, scheme, host, path, route, pool, backend, zone, reason, referer, agent;
  int status = 0;
  std::uint64_t bytes_in = 0, bytes_out = 0;
  int attempts = 0;
  Duration t_queue{}, t_connect{}, t_first_byte{}, t_total{};
  Ended ended = Ended::completed;
};

class Records final : public RecordSink {
 public:
  void record(const RequestRecord& r) noexcept override {
    const auto text = [](std::string_view view) { return std::string(view); };
    all.push_back({text(r.id),     text(r.listener), text(r.protocol), text(r.method),     text(r.scheme),
                   text(r.host),   text(r.path),     text(r.route),    text(r.pool),       text(r.backend),
                   text(r.zone),   text(r.reason),   text(r.referer),  text(r.user_agent), r.status,
                   r.bytes_in,     r.bytes_out,      r.attempts,       r.t_queue,          r.t_connect,
                   r.t_first_byte, r.t_total,        r.ended});
  }
  std::vector<Recorded> all;
};

// A route to a pool by the path "/NAME*"; `rest` takes everything else.
struct RouteSpec {
  std::string name;
  std::string pool = "web";
  Duration timeout{};
  Bytes max_body = 64_MiB;
};

class ProxyTest : public ::testing::Test {
 protected:
  static route::RouteOptions route_of(const RouteSpec& spec) {
    route::RouteOptions options;
    options.name = spec.name;
    if (spec.name != "rest") options.match.path = {"/" + spec.name + "*"};
    options.timeout = spec.timeout;
    options.max_body = spec.max_body;
    options.action = route::ToPool{spec.pool};
    return options;
  }

  void configure(const std::vector<RouteSpec>& routes = {{"rest"}}) {
    std::vector<route::RouteOptions> options;
    for (const RouteSpec& spec : routes) options.push_back(route_of(spec));
    adopt(options);
  }
  void adopt(const std::vector<route::RouteOptions>& routes) {
    auto config = std::make_shared<Config>(routes);
    for (const auto& [name, pool] : pools_) config->pools.push_back(pool->share());
    for (const auto& route : config->routes.routes()) {
      const auto* to = std::get_if<route::ToPool>(&route->action);
      config->pool_of_route.push_back(to != nullptr ? pools_.at(to->pool)->share() : nullptr);
    }
    driver_.on_loop([&] { proxy_.adopt(config); });
  }
  upstream::ScriptedPool& pool(const std::string& name, std::size_t servers = 1) {
    auto& pool = pools_[name];
    if (!pool) pool = std::make_unique<upstream::ScriptedPool>(driver_, name, servers);
    return *pool;
  }

  [[nodiscard]] bool over(const MuxStream& stream) {
    return driver_.until([&] { return stream.is_over(); });
  }
  [[nodiscard]] bool got(const MuxStream& stream, std::string_view text) {
    return driver_.until([&] { return stream.text() == text; });
  }
  void on_loop(std::function<void()> work) { driver_.on_loop(std::move(work)); }
  const Recorded& last() {
    EXPECT_FALSE(records_.all.empty());
    static const Recorded none;
    return records_.all.empty() ? none : records_.all.back();
  }
  // The sum at /metrics of one series, 0 when there is none.
  double counted(const std::string& series) { return metrics::Scrape(registry_.expose()).find(series).value_or(0); }

  test::DrivenLoop driver_;
  metrics::Registry registry_{1};
  Metrics metrics_{registry_};
  net::ThreadPool files_{1};
  Records records_;
  std::map<std::string, std::unique_ptr<upstream::ScriptedPool>> pools_;
  struct Reports final : TrafficReports {
    std::vector<std::string> failing;  // "pool/backend"
    void on_errors(const std::shared_ptr<const upstream::Pool>& pool, std::size_t backend) noexcept override {
      failing.push_back(pool->options.name + "/" + pool->backends[backend].name);
    }
    std::vector<std::string> refusals;  // "pool: reason"
    void on_refusal(const std::shared_ptr<const upstream::Pool>& pool, std::string_view reason) noexcept override {
      refusals.push_back(pool->options.name + ": " + std::string(reason));
    }
  };
  Reports reports_;
  struct Purges final : PurgeBus {
    std::vector<std::string> orders;
    std::optional<std::size_t> purge(const Config&, const Order& order, Time) override {
      orders.push_back(std::string(order.url) + std::string(order.tag) + (order.soft ? " softly" : ""));
      return 1;
    }
  };
  Purges purges_;
  Proxy proxy_{{driver_.loop(), files_, records_, metrics_, reports_, purges_}};
  MuxConnection client_{driver_, proxy_};
};

}  // namespace shellac::proxy
