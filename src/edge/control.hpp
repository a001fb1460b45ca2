// The running daemon: control thread, workers, and everything that is not a request.
#pragma once

#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cache_keeper.hpp"
#include "cache_view.hpp"
#include "health_watch.hpp"
#include "shellac/edge/access_log.hpp"
#include "shellac/edge/admin.hpp"
#include "shellac/edge/daemon.hpp"
#include "shellac/metrics/registry.hpp"
#include "shellac/net/admission.hpp"
#include "shellac/net/listen.hpp"
#include "shellac/net/resolver.hpp"
#include "snapshot.hpp"
#include "worker.hpp"

namespace shellac::edge {

// Thread: control (the main thread).
class Control {
 public:
  Control(RunOptions run, Log& log);
  ~Control();
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

  // Everything up to taking traffic; error text otherwise.
  std::optional<std::string> start(Options options);
  // Until the daemon has drained. Returns the exit code.
  int run();

 private:
  using Done = std::function<void(std::optional<std::string>)>;
  using Bound = std::vector<std::vector<std::shared_ptr<net::BoundAddress>>>;  // by listener and bind
  struct Metrics;

  // control.cpp
  void make_workers(unsigned count);
  void wait_for_signal();
  void on_signal(int signal);
  void announce_ready();
  void every_second();
  void rotate_tickets();
  void feed_watchdog();
  // reload.cpp
  void reload(Done done);
  void apply(const std::shared_ptr<Prepared>& prepared, const Done& done);
  std::optional<std::string> apply_process_wide(const Options& next, Bound& bound);
  std::optional<std::string> open_binds(const Options& options, Bound& bound);
  void adopt(const Bound& bound, std::function<void()> done);
  void close_unused_binds(const Options& former, const Bound& bound);
  void tell_doubts();
  void finish_reload(const std::optional<std::string>& problem, const Done& done);
  // shutdown.cpp
  void begin_shutdown();
  void drain_workers();
  void wait_for_connections();
  bool ends_fills();
  void finish();
  // views.cpp
  AdminActions make_actions();
  void register_collectors();
  boost::json::object status_view() const;
  boost::json::array backends_view() const;
  boost::json::object config_view() const;
  std::optional<std::string> set_backend_state(std::string_view pool, std::string_view backend, std::string_view text);

  const RunOptions run_;
  Log& log_;
  const Time started_;
  BufferBudget buffers_;
  net::Loop loop_;
  std::optional<net::ThreadPool> pool_;
  std::optional<net::Resolver> resolver_;
  std::optional<Backends> backends_;
  std::optional<metrics::Registry> registry_;
  std::unique_ptr<Metrics> metrics_;
  CacheKeeper cache_;
  std::optional<HealthWatch> health_;
  RequestPurges purges_;
  std::optional<net::Admission> admission_;
  std::optional<net::ListenSockets> sockets_;
  std::optional<AccessLog> access_log_;
  std::optional<AdminServer> admin_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::shared_ptr<const Snapshot> snapshot_;
  Bound bound_;
  boost::asio::signal_set signals_;
  boost::asio::steady_timer second_, shutdown_timer_;
  std::vector<std::uint64_t> watched_turns_;
  Time watchdog_fed_{};
  std::map<std::string, Time> tickets_not_before_;  // by file: when it may be read again
  bool reloading_ = false;
  std::vector<Done> reload_again_;
  bool ready_ = false;
  bool stopping_ = false;
  bool drained_ = false;  // every worker has stopped listening
  bool forced_ = false;
  Time give_up_{};
};

}  // namespace shellac::edge
