#include "shellac/balance/health.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace shellac::balance {
namespace {

// A server that was ejected again and again is out for at most so many times the base (Envoy: 300 s of 30 s).
constexpr std::uint32_t kTimesMax = 10;

Health health_after(ProbeResult result) {
  if (result == ProbeResult::ok) return Health::up;
  return result == ProbeResult::not_found ? Health::drain : Health::down;
}

}  // namespace

std::string_view to_string(ProbeResult result) {
  switch (result) {
    case ProbeResult::ok:
      return "ok";
    case ProbeResult::not_found:
      return "not_found";
    case ProbeResult::status:
      return "status";
    case ProbeResult::body:
      return "body";
    case ProbeResult::refused:
      return "refused";
    case ProbeResult::timeout:
      return "timeout";
    case ProbeResult::reset:
      return "reset";
    case ProbeResult::tls:
      return "tls";
    case ProbeResult::protocol:
      return "protocol";
    case ProbeResult::failed:
      return "failed";
  }
  return "";
}

std::optional<HealthChange> ProbeVerdict::note(ProbeResult result, Time now, WallTime wall) {
  const Health from = server_->health();
  const Health to = health_after(result);
  const bool first = !std::exchange(checked_, true);
  if (to == from) {
    in_row_ = 0;
    return std::nullopt;
  }
  if (to != towards_) in_row_ = 0;
  towards_ = to;
  ++in_row_;
  // A farewell (404) is meant, not an accident: it counts at once.
  const std::uint32_t needed = to == Health::up ? policy_.rise : to == Health::drain ? 1 : policy_.fall;
  if (!first && in_row_ < needed) return std::nullopt;
  HealthChange change{from, to,
                      fmt::format("{} probe{}: {}", in_row_, in_row_ == 1 ? "" : "s in a row", to_string(result))};
  in_row_ = 0;
  server_->set_health(to, now, wall);
  return change;
}

OutlierVerdict::History& OutlierVerdict::history_of(Server& server, const std::vector<std::shared_ptr<Server>>& pool) {
  std::erase_if(history_, [](const History& one) { return one.server.expired(); });
  for (History& one : history_)
    if (one.key == &server) return one;
  History fresh;
  for (const auto& one : pool)
    if (one.get() == &server) fresh.server = one;
  fresh.key = &server;
  return history_.emplace_back(std::move(fresh));
}

std::optional<Duration> OutlierVerdict::eject(Server& server, const std::vector<std::shared_ptr<Server>>& pool,
                                              Time now, WallTime wall) {
  if (server.is_ejected(now)) return std::nullopt;
  const auto out =
      static_cast<std::uint64_t>(std::ranges::count_if(pool, [&](const auto& one) { return one->is_ejected(now); }));
  // Rounded down: the only server of a pool is never ejected.
  if ((out + 1) * 100 > pool.size() * options_.max_ejected || pool.size() < 2) return std::nullopt;
  History& history = history_of(server, pool);
  // Whoever behaved for as long as it was out begins anew.
  if (history.times > 0 && now - history.until > options_.ejection * static_cast<int>(history.times)) history.times = 0;
  history.times = std::min(history.times + 1, kTimesMax);
  const Duration duration = options_.ejection * static_cast<int>(history.times);
  history.until = now + duration;
  history.out = true;
  server.set_ejected(history.until, wall);
  server.set_recovered(history.until);  // the slow start begins with the first request, not with the next sweep
  return duration;
}

std::vector<std::shared_ptr<Server>> OutlierVerdict::sweep(const std::vector<std::shared_ptr<Server>>& pool, Time now,
                                                           WallTime wall) {
  std::vector<std::shared_ptr<Server>> back;
  for (History& history : history_) {
    const auto server = history.server.lock();
    if (!server || !history.out || now < history.until) continue;
    history.out = false;
    if (std::ranges::find(pool, server) == pool.end()) continue;
    server->set_ejected(Time{}, wall);
    back.push_back(server);
  }
  return back;
}

RetryBudget::Second& RetryBudget::at(Time now) {
  const std::int64_t number = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  Second& second = seconds_[static_cast<std::size_t>(number % (kWindow + 1))];
  std::int64_t was = second.number.load(std::memory_order_relaxed);
  // Whoever wins clears; what others add between the two stores is lost, which a budget can bear.
  if (was != number && second.number.compare_exchange_strong(was, number, std::memory_order_relaxed)) {
    second.requests.store(0, std::memory_order_relaxed);
    second.retries.store(0, std::memory_order_relaxed);
  }
  return second;
}

void RetryBudget::count_request(Time now) { at(now).requests.fetch_add(1, std::memory_order_relaxed); }

bool RetryBudget::try_take(std::uint32_t percent, Time now) {
  Second& current = at(now);
  const std::int64_t number = current.number.load(std::memory_order_relaxed);
  std::uint64_t requests = 0, retries = 0;
  for (const Second& second : seconds_) {
    const std::int64_t age = number - second.number.load(std::memory_order_relaxed);
    if (age < 0 || age >= kWindow) continue;
    requests += second.requests.load(std::memory_order_relaxed);
    retries += second.retries.load(std::memory_order_relaxed);
  }
  const std::uint64_t allowed = std::max(requests * percent / 100, kFloorPerSecond * kWindow);
  if (retries >= allowed) return false;
  current.retries.fetch_add(1, std::memory_order_relaxed);
  return true;
}

}  // namespace shellac::balance
