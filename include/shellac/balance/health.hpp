// The verdict over a server, from probes and from real traffic: pure, one writer (the control thread).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shellac/balance/options.hpp"
#include "shellac/balance/server.hpp"

namespace shellac::balance {

// What a probe found: the metric's label and the reason in the log.
enum class ProbeResult : std::uint8_t {
  ok,
  not_found,  // 404, where `on_404: drain` makes that a farewell
  status,     // another status than expected
  body,       // the text was not there
  refused,
  timeout,
  reset,
  tls,
  protocol,
  failed,  // whatever else: no route, no name, no buffer
};
std::string_view to_string(ProbeResult result);

// A change of a server's health, to be logged and counted.
struct HealthChange {
  Health from = Health::up, to = Health::up;
  std::string reason;  // "3 probes failed: timeout"
};

// rise/fall over the results of one server's probes. An unchecked server counts as up; its first result counts at once,
// good or bad, so that a server that is dead from the start gets no traffic for long. Thread: control.
class ProbeVerdict {
 public:
  ProbeVerdict(std::shared_ptr<Server> server, ProbePolicy policy) : server_(std::move(server)), policy_(policy) {}

  std::optional<HealthChange> note(ProbeResult result, Time now, WallTime wall);
  // Until the next probe: fast while the verdict is changing.
  Duration next_interval() const { return in_row_ > 0 || !checked_ ? policy_.fast_interval : policy_.interval; }
  bool is_checked() const { return checked_; }
  // A reload: the history stays.
  void set_policy(ProbePolicy policy) { policy_ = policy; }
  const Server& server() const { return *server_; }

 private:
  std::shared_ptr<Server> server_;
  ProbePolicy policy_;
  std::uint32_t in_row_ = 0;  // results in a row that speak against the present health
  Health towards_ = Health::up;
  bool checked_ = false;
};

// Ejection of servers that fail real traffic (Envoy's outlier detection): `errors` in a row, for `ejection` times how
// often it happened lately, and never more than `max_ejected` of the pool. What probes find is not capped by that.
// Thread: control.
class OutlierVerdict {
 public:
  explicit OutlierVerdict(OutlierOptions options) : options_(options) {}
  // A reload: the history stays.
  void set_options(OutlierOptions options) { options_ = options; }

  // A server failed `errors` times in a row. Nothing when too many of `pool` are ejected already.
  // The time for which it is out now.
  std::optional<Duration> eject(Server& server, const std::vector<std::shared_ptr<Server>>& pool, Time now,
                                WallTime wall);
  // Ends what has run out: those servers begin their slow start. Call it every second or so.
  std::vector<std::shared_ptr<Server>> sweep(const std::vector<std::shared_ptr<Server>>& pool, Time now, WallTime wall);

 private:
  struct History {
    std::weak_ptr<Server> server;
    const Server* key = nullptr;
    std::uint32_t times = 0;
    Time until{};
    bool out = false;
  };
  History& history_of(Server& server, const std::vector<std::shared_ptr<Server>>& pool);

  OutlierOptions options_;
  std::vector<History> history_;
};

// Retries may be a share of what the pool is asked, so that they never become the load that keeps it down: 20 % of the
// requests of the last ten seconds, and ten a second anyhow. Thread: any; the count is close, not exact.
class RetryBudget {
 public:
  void count_request(Time now);
  // Takes one retry out of the budget.
  bool try_take(std::uint32_t percent, Time now);

 private:
  static constexpr std::int64_t kWindow = 10;  // seconds
  static constexpr std::uint64_t kFloorPerSecond = 10;
  struct Second {
    std::atomic<std::int64_t> number{-1};
    std::atomic<std::uint32_t> requests{0};
    std::atomic<std::uint32_t> retries{0};
  };
  Second& at(Time now);
  Second seconds_[kWindow + 1];
};

}  // namespace shellac::balance
