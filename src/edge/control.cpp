#include "control.hpp"

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "control_metrics.hpp"
#include "privileges.hpp"
#include "shellac/net/notify.hpp"

namespace shellac::edge {
namespace {

constexpr unsigned kPoolThreads = 4;
// A file of ticket keys that could not be read is left alone for so long.
constexpr auto kTicketsRetry = std::chrono::minutes(1);

unsigned available_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return static_cast<unsigned>(std::max(1, CPU_COUNT(&set)));
}

}  // namespace

Control::Control(RunOptions run, Log& log)
    : run_(std::move(run)),
      log_(log),
      started_(Clock::now()),
      buffers_(256_MiB),
      loop_(0, buffers_),
      signals_(loop_.context()),
      second_(loop_.context()),
      shutdown_timer_(loop_.context()) {
  // Their default action ends the process. SIGTERM and SIGINT keep theirs until there is something to put in order.
  for (const int signal : {SIGHUP, SIGUSR1, SIGUSR2}) signals_.add(signal);
}

// Workers end first: they use everything else. Then the pool, whose work posts to their loops and to the control loop.
Control::~Control() {
  for (const auto& worker : workers_) worker->join();
  pool_.reset();
  workers_.clear();
}

std::optional<std::string> Control::start(Options options) {
  for (const int signal : {SIGTERM, SIGINT}) signals_.add(signal);
  std::signal(SIGPIPE, SIG_IGN);
  const unsigned long files = raise_file_limit();
  if (files < options.limits.connections)
    log_.warn("open files are limited to {}: limits.connections ({}) cannot be reached", files,
              options.limits.connections);
  const unsigned workers = options.workers != 0 ? options.workers : available_cpus();
  log_.set_level(options.log_level);
  buffers_.set_max(options.buffers);
  registry_.emplace(workers);
  metrics_ = std::make_unique<Metrics>(*registry_);
  admission_.emplace(options.limits);
  sockets_.emplace(workers);
  if (auto problem = open_binds(options, bound_)) return problem;
  const auto hand_over = [this](uid_t user, gid_t group) {
    for (const auto& of_listener : bound_)
      for (const auto& bound : of_listener) bound->give_to(user, group);
  };
  if (auto problem = drop_privileges(options.user, hand_over)) return problem;

  pool_.emplace(kPoolThreads);
  resolver_.emplace(loop_, *pool_, log_);
  backends_.emplace(*resolver_, log_);
  health_.emplace(loop_, log_, *registry_);
  Prepared prepared = prepare(std::move(options), {});
  access_log_.emplace(workers, log_);
  if (auto problem = access_log_->configure(prepared.options.access)) return "log.access.file: " + *problem;
  cache_.adopt(prepared.options.cache, Clock::now());
  prepared.proxy->cache = cache_.cache();
  snapshot_ = complete(std::move(prepared), *backends_);
  tell_doubts();
  admin_.emplace(loop_.context(), log_, make_actions());
  if (auto problem = admin_->listen(snapshot_->options.admin)) return "admin.listen: " + *problem;
  register_collectors();
  make_workers(workers);
  health_->adopt(snapshot_->proxy->pools);

  wait_for_signal();
  adopt(bound_, [this] { announce_ready(); });
  every_second();
  return std::nullopt;
}

void Control::make_workers(unsigned count) {
  for (unsigned i = 0; i < count; ++i)
    workers_.push_back(std::make_unique<Worker>(i, Worker::Shared{buffers_,
                                                                  *pool_,
                                                                  {*admission_, metrics_->front, log_},
                                                                  metrics_->proxy,
                                                                  access_log_->sink(i),
                                                                  *health_,
                                                                  purges_}));
  watched_turns_.resize(count);
}

int Control::run() {
  loop_.run();
  return 0;
}

void Control::announce_ready() {
  if (stopping_) return;  // asked to stop while it started
  ready_ = true;
  std::string text;
  for (std::size_t i = 0; i < bound_.size(); ++i)
    for (const auto& bound : bound_[i])
      text += fmt::format("{} {}\n", snapshot_->options.listeners[i].name, to_string(bound->actual()));
  text += fmt::format("admin {}\nready\n", admin_->address());
  if (run_.ready_fd >= 0) {
    std::string_view left = text;
    while (!left.empty()) {
      const ssize_t count = ::write(run_.ready_fd, left.data(), left.size());
      if (count <= 0) break;
      left.remove_prefix(static_cast<std::size_t>(count));
    }
    ::close(run_.ready_fd);
  }
  net::notify_service_manager("READY=1");
  log_.info("ready: {} workers, {} listeners, {} pools, {} routes", workers_.size(), bound_.size(),
            snapshot_->options.pools.size(), snapshot_->options.routes.size());
}

void Control::wait_for_signal() {
  signals_.async_wait([this](const boost::system::error_code& error, int signal) {
    if (error) return;
    wait_for_signal();
    on_signal(signal);
  });
}

void Control::on_signal(int signal) {
  switch (signal) {
    case SIGTERM:
    case SIGINT:
      begin_shutdown();
      break;
    case SIGHUP:
      reload([](const std::optional<std::string>&) {});
      break;
    case SIGUSR1:
      if (auto problem = access_log_->reopen())
        log_.error("reopening the access log: {}", *problem);
      else
        log_.info("access log reopened");
      break;
    case SIGUSR2:
      log_.warn("SIGUSR2: replacing the binary is not in this version yet");
      break;
    default:
      break;
  }
}

void Control::every_second() {
  rotate_tickets();
  feed_watchdog();
  health_->sweep();
  cache_.expire(Clock::now());
  second_.expires_after(std::chrono::seconds(1));
  second_.async_wait([this](const boost::system::error_code& error) {
    if (!error) every_second();
  });
}

// Keys made here are renewed by their age; those of a file when it is time to look whether it says something new.
void Control::rotate_tickets() {
  for (const auto& listener : snapshot_->listeners) {
    if (!listener->options.tls) continue;
    const auto& tickets = listener->options.tls->tickets;
    const auto keys = snapshot_->tickets.find(tickets.keys_file);
    if (keys == snapshot_->tickets.end() || Clock::now() - keys->second->newest_since() < tickets.rotate) continue;
    if (tickets.keys_file.empty()) {
      keys->second->rotate();
      continue;
    }
    if (Clock::now() < tickets_not_before_[tickets.keys_file]) continue;
    tickets_not_before_[tickets.keys_file] = Clock::now() + kTicketsRetry;
    pool_->try_run([this, ring = keys->second, file = tickets.keys_file] {
      if (auto problem = ring->load(file)) return log_.error("ticket keys: {}", *problem);
      loop_.post([this, file] { tickets_not_before_.erase(file); });
    });
  }
}

// Fed only when every loop has moved since the last time: a worker that hangs must not look alive.
void Control::feed_watchdog() {
  const auto interval = net::watchdog_interval();
  if (!interval || Clock::now() - watchdog_fed_ < *interval / 2) return;
  bool all_moved = true;
  for (std::size_t i = 0; i < workers_.size(); ++i)
    all_moved = all_moved && workers_[i]->loop().turns() != watched_turns_[i];
  if (all_moved || watchdog_fed_ == Time{}) {
    watchdog_fed_ = Clock::now();
    for (std::size_t i = 0; i < workers_.size(); ++i) watched_turns_[i] = workers_[i]->loop().turns();
    net::notify_service_manager("WATCHDOG=1");
  }
  for (const auto& worker : workers_) worker->loop().post([] {});  // an idle loop moves, too, when it is asked
}

}  // namespace shellac::edge
