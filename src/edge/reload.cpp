// Reload: read and check on the pool, then swap. What fails leaves everything as it was.
#include <fmt/format.h>

#include <algorithm>

#include "control.hpp"
#include "control_metrics.hpp"
#include "shellac/edge/config_file.hpp"
#include "shellac/net/notify.hpp"

namespace shellac::edge {
namespace {

std::string key_of(const front::ListenerOptions& listener, std::size_t bind) {
  return fmt::format("{}/{}", listener.name, bind);
}

// On the pool. What is wrong, one line each; empty when `prepared` is set.
std::string read_configuration(const std::string& file, const TicketKeyRing& ring,
                               std::shared_ptr<Prepared>& prepared) {
  LoadedConfig loaded = load_config(file);
  std::string problems;
  for (const auto& one : loaded.problems) problems.append(problems.empty() ? "" : "\n").append(config::to_string(one));
  if (!loaded.options) return problems;
  try {
    prepared = std::make_shared<Prepared>(prepare(std::move(*loaded.options), ring));
  } catch (const std::exception& error) {
    return error.what();
  }
  return {};
}

// CLOCK_MONOTONIC, as sd_notify(3) wants it beside RELOADING=1.
std::int64_t monotonic_microseconds() {
  return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now().time_since_epoch()).count();
}

}  // namespace

void Control::reload(Done done) {
  if (stopping_) return done("the daemon is stopping");
  if (reloading_) {  // one more, after the one under way: what was asked for last is what counts
    reload_again_.push_back(std::move(done));
    return;
  }
  reloading_ = true;
  net::notify_service_manager(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", monotonic_microseconds()));
  const bool queued = pool_->try_run([this, ring = snapshot_->tickets, done] {
    std::shared_ptr<Prepared> prepared;
    std::string problem = read_configuration(run_.config_file, ring, prepared);
    loop_.post([this, prepared, problem, done] {
      if (prepared)
        apply(prepared, done);
      else
        finish_reload(problem, done);
    });
  });
  if (!queued) finish_reload("the daemon is too busy", done);
}

void Control::apply(const std::shared_ptr<Prepared>& prepared, const Done& done) {
  if (stopping_) return finish_reload("the daemon is stopping", done);
  Bound bound;
  if (auto problem = apply_process_wide(prepared->options, bound)) {
    close_unused_binds(prepared->options, bound);
    return finish_reload(problem, done);
  }
  auto former = snapshot_;
  const Bound former_bound = std::exchange(bound_, bound);
  cache_.adopt(prepared->options.cache, Clock::now());
  prepared->proxy->cache = cache_.cache();
  snapshot_ = complete(std::move(*prepared), *backends_);
  tell_doubts();
  health_->adopt(snapshot_->proxy->pools);
  adopt(bound_, [this, done, former = std::move(former), former_bound]() mutable {
    close_unused_binds(former->options, former_bound);
    former.reset();  // or its servers would be swept, and looked up in the DNS, until the next reload only
    backends_->sweep();
    finish_reload(std::nullopt, done);
  });
}

// What belongs to the process. Refuses first and changes afterwards.
std::optional<std::string> Control::apply_process_wide(const Options& next, Bound& bound) {
  const Options& now = snapshot_->options;
  if (next.workers != now.workers) return "workers: cannot change while running, restart the daemon";
  if (next.user != now.user) return "user: cannot change while running, restart the daemon";
  if (auto problem = open_binds(next, bound)) return problem;
  if (auto problem = access_log_->configure(next.access)) return "log.access.file: " + *problem;
  // Also when nothing changed: the token's file may say something new.
  if (auto problem = admin_->listen(next.admin)) {
    access_log_->configure(now.access);
    return "admin.listen: " + *problem;
  }
  log_.set_level(next.log_level);
  buffers_.set_max(next.buffers);
  admission_->set_limits(next.limits);
  return std::nullopt;
}

// What works, but perhaps not as it was meant.
void Control::tell_doubts() {
  for (const auto& listener : snapshot_->listeners) {
    if (!listener->tls) continue;
    for (const std::string& note : listener->tls->notes()) log_.warn("listener {}: {}", listener->options.name, note);
  }
  for (const Endpoint& endpoint : sockets_->unclaimed())
    log_.warn("{} was passed by the service manager and belongs to no listener: nobody accepts there",
              to_string(endpoint));
}

void Control::finish_reload(const std::optional<std::string>& problem, const Done& done) {
  reloading_ = false;
  metrics_->reloads.at(0, {problem ? "failed" : "ok"}).add();
  if (problem)
    log_.error("reload failed, the old configuration stays: {}", *problem);
  else
    log_.info("configuration reloaded from {}", run_.config_file);
  // Also when it failed: what was ready before still is.
  if (ready_) net::notify_service_manager("READY=1");
  done(problem);
  if (reload_again_.empty()) return;
  reload([waiting = std::exchange(reload_again_, {})](const std::optional<std::string>& result) {
    for (const Done& one : waiting) one(result);
  });
}

std::optional<std::string> Control::open_binds(const Options& options, Bound& bound) {
  for (const auto& listener : options.listeners) {
    auto& of_listener = bound.emplace_back();
    for (std::size_t i = 0; i < listener.binds.size(); ++i) {
      auto outcome = sockets_->open(listener.binds[i].endpoint, key_of(listener, i));
      if (!outcome.bound) return fmt::format("listeners.{}.bind: {}", listener.name, outcome.problem);
      of_listener.push_back(std::move(outcome.bound));
    }
  }
  return std::nullopt;
}

// Of the binds that `former` named (or was about to), those that the configuration in force does not name.
void Control::close_unused_binds(const Options& former, const Bound& bound) {
  for (std::size_t i = 0; i < bound.size(); ++i) {
    for (std::size_t j = 0; j < bound[i].size(); ++j) {
      const bool used = std::any_of(bound_.begin(), bound_.end(), [&](const auto& of_listener) {
        return std::find(of_listener.begin(), of_listener.end(), bound[i][j]) != of_listener.end();
      });
      if (!used) sockets_->close(former.listeners[i].binds[j].endpoint, key_of(former.listeners[i], j));
    }
  }
}

// Every worker takes the snapshot over; `done` runs here when the last one has.
void Control::adopt(const Bound& bound, std::function<void()> done) {
  auto left = std::make_shared<std::size_t>(workers_.size());
  for (const auto& worker : workers_) {
    std::vector<front::Frontend::Place> places;
    for (std::size_t i = 0; i < bound.size(); ++i)
      for (const auto& address : bound[i]) places.push_back({address, snapshot_->listeners[i]});
    worker->adopt(snapshot_->proxy, std::move(places), [this, left, done] {
      loop_.post([left, done] {
        if (--*left == 0) done();
      });
    });
  }
}

}  // namespace shellac::edge
