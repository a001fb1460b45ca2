// The end: tell, drain, wait, go.
#include "control.hpp"
#include "shellac/net/notify.hpp"

namespace shellac::edge {
namespace {

constexpr auto kPoll = std::chrono::milliseconds(20);
// After connections were ended by force, their tasks need a moment to unwind.
constexpr auto kUnwind = std::chrono::seconds(2);

}  // namespace

void Control::begin_shutdown() {
  if (stopping_) {  // asked twice: now
    log_.warn("asked to stop again: ending {} connections", admission_->connections());
    give_up_ = Clock::now();
    return drain_workers();
  }
  stopping_ = true;
  ready_ = false;
  net::notify_service_manager("STOPPING=1");
  const Options& options = snapshot_->options;
  log_.info("stopping: not ready any more, listening for another {}, then at most {} for {} connections",
            to_string(options.drain_delay), to_string(options.shutdown_grace), admission_->connections());
  give_up_ = Clock::now() + options.drain_delay + options.shutdown_grace;
  shutdown_timer_.expires_after(options.drain_delay);
  shutdown_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) drain_workers();
  });
}

void Control::drain_workers() {
  auto left = std::make_shared<std::size_t>(workers_.size());
  for (const auto& worker : workers_)
    worker->drain([this, left] { loop_.post([this, left] { drained_ = --*left == 0; }); });
  wait_for_connections();
}

void Control::wait_for_connections() {
  const Time now = Clock::now();
  if (now >= give_up_ && !std::exchange(forced_, true)) {
    if (admission_->connections() > 0) log_.warn("{} connections are ended by force", admission_->connections());
    for (const auto& worker : workers_) worker->abort_all();
  }
  if (now >= give_up_ + kUnwind) return finish();
  shutdown_timer_.expires_after(kPoll);
  shutdown_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    // Before the last worker has emptied its queues, nobody connected does not mean that nobody waits there.
    if (drained_ && admission_->connections() == 0 && !ends_fills()) return finish();
    wait_for_connections();
  });
}

// Nobody is connected, so nobody reads along: fetches for the cache end, too. True while some are under way.
bool Control::ends_fills() {
  bool any = false;
  for (const auto& worker : workers_) {
    if (worker->fills() == 0) continue;
    any = true;
    worker->abort_fills();
  }
  return any;
}

void Control::finish() {
  for (const auto& worker : workers_) worker->loop().stop();
  admin_->stop();
  signals_.cancel();
  second_.cancel();
  log_.info("stopped");
  loop_.stop();
}

}  // namespace shellac::edge
