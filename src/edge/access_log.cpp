#include "shellac/edge/access_log.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "access_file.hpp"
#include "access_ring.hpp"

namespace shellac::edge {
namespace {

// Between two rounds of the writer when no ring is half full: how stale the file is at most.
constexpr int kNapMs = 50;
// Lines that go out in one write.
constexpr std::size_t kBatch = 64 * 1024;

struct Target {
  std::unique_ptr<AccessFile> file;  // null: nothing is written
  AccessFormat format = AccessFormat::off;
};

}  // namespace

struct AccessLog::Impl {
  class Sink final : public proxy::RecordSink {
   public:
    explicit Sink(Impl& log) : log_(log) {}
    void record(const proxy::RequestRecord& record) noexcept override;

    AccessRing ring;
    std::atomic<std::uint64_t> dropped{0};

   private:
    Impl& log_;
  };

  Impl(unsigned workers, Log& to);
  ~Impl();

  void wake_writer() noexcept;
  void replace(Target target);
  void run();
  void round();
  void drain();
  void write_batch();

  Log& log;
  std::vector<std::unique_ptr<Sink>> sinks;
  net::UniqueFd wake_event;
  std::atomic<bool> woken{false};  // an event is on its way: further ones need not be
  std::atomic<bool> enabled{false};
  std::atomic<bool> stopping{false};
  std::atomic<std::uint64_t> dropped_by_writer{0};

  std::mutex mutex;
  // Guarded by mutex. The last is what was configured last; one before it is a file that was switched off before the
  // writer came to it, and still gets what was recorded for it.
  std::vector<Target> next;
  AccessLogOptions options;          // guarded by mutex; what was configured last
  std::uint64_t flushes_wanted = 0;  // guarded by mutex
  std::uint64_t flushes_done = 0;    // guarded by mutex
  std::condition_variable flushed;

  // The writer's own.
  Target current;
  std::string batch;
  std::uint64_t lost = 0;  // since the file began to fail
  std::thread writer;
};

void AccessLog::Impl::Sink::record(const proxy::RequestRecord& record) noexcept {
  if (!log_.enabled.load(std::memory_order_relaxed)) return;
  const bool kept = ring.try_push(record);
  if (!kept) dropped.store(dropped.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  if (!kept || ring.is_half_full()) log_.wake_writer();
}

AccessLog::Impl::Impl(unsigned workers, Log& to) : log(to), wake_event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!wake_event) throw std::system_error(errno, std::generic_category(), "eventfd");
  for (unsigned i = 0; i < workers; ++i) sinks.push_back(std::make_unique<Sink>(*this));
  // Signals are for the threads that wait for them, and a broken pipe is an error of write(2), not a signal.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  writer = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

AccessLog::Impl::~Impl() {
  stopping.store(true);
  wake_writer();
  writer.join();
}

void AccessLog::Impl::wake_writer() noexcept {
  if (woken.exchange(true)) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_event.get(), &one, sizeof one);
}

void AccessLog::Impl::run() {
  for (bool stop = false; !stop;) {
    pollfd poll{wake_event.get(), POLLIN, 0};
    ::poll(&poll, 1, current.file ? kNapMs : -1);
    std::uint64_t events = 0;
    [[maybe_unused]] const ssize_t got = ::read(wake_event.get(), &events, sizeof events);
    // In this order: who finds `woken` still set has done before what this round is to see.
    woken.store(false);
    stop = stopping.load();
    round();
  }
}

void AccessLog::Impl::round() {
  std::unique_lock lock(mutex);
  std::vector<Target> targets = std::exchange(next, {});
  const std::uint64_t wanted = flushes_wanted;
  lock.unlock();

  drain();
  for (Target& target : targets) {
    current = std::move(target);
    lost = 0;
    drain();  // without a file before, records waited in the rings
  }

  lock.lock();
  flushes_done = wanted;
  flushed.notify_all();
}

void AccessLog::Impl::drain() {
  if (!current.file) return;
  for (const auto& sink : sinks)
    sink->ring.consume([this](const proxy::RequestRecord& record) {
      current.format == AccessFormat::json ? format_json(record, batch) : format_combined(record, batch);
      batch += '\n';
      if (batch.size() >= kBatch) write_batch();
    });
  write_batch();
}

// A disk that fails costs lines, never a worker's time: they are counted and gone.
void AccessLog::Impl::write_batch() {
  if (batch.empty()) return;
  const std::size_t failed = current.file->write(batch);
  if (failed > 0 && lost == 0)
    log.error("access log {}: {}; lines are dropped", current.file->name(),
              std::generic_category().message(current.file->error()));
  if (failed == 0 && lost > 0) {
    log.info("access log {}: written again; {} lines were dropped", current.file->name(), lost);
    lost = 0;
  }
  lost += failed;
  dropped_by_writer.fetch_add(failed, std::memory_order_relaxed);
  batch.clear();
}

void AccessLog::Impl::replace(Target target) {
  const bool on = target.file != nullptr;
  {
    const std::lock_guard lock(mutex);
    // What waits in the rings goes to the newest file; at most one file and one "off" wait.
    std::erase_if(next, [on](const Target& waiting) { return on || !waiting.file; });
    next.push_back(std::move(target));
  }
  enabled.store(on, std::memory_order_relaxed);
  wake_writer();
}

AccessLog::AccessLog(unsigned workers, Log& log) : impl_(std::make_unique<Impl>(workers, log)) {}

AccessLog::~AccessLog() = default;

std::optional<std::string> AccessLog::configure(const AccessLogOptions& options) {
  Target target;
  if (options.format != AccessFormat::off) {
    try {
      target = {std::make_unique<AccessFile>(options.file), options.format};
    } catch (const std::system_error& error) {
      return "access log " + options.file + ": " + error.code().message();
    }
  }
  impl_->replace(std::move(target));
  const std::lock_guard lock(impl_->mutex);
  impl_->options = options;
  return std::nullopt;
}

std::optional<std::string> AccessLog::reopen() {
  AccessLogOptions options;
  {
    const std::lock_guard lock(impl_->mutex);
    options = impl_->options;
  }
  if (!enabled()) return std::nullopt;
  return configure(options);
}

void AccessLog::flush() {
  std::unique_lock lock(impl_->mutex);
  const std::uint64_t mine = ++impl_->flushes_wanted;
  impl_->wake_writer();
  impl_->flushed.wait(lock, [&] { return impl_->flushes_done >= mine; });
}

proxy::RecordSink& AccessLog::sink(unsigned index) { return *impl_->sinks.at(index); }

bool AccessLog::enabled() const { return impl_->enabled.load(std::memory_order_relaxed); }

std::uint64_t AccessLog::dropped() const {
  std::uint64_t sum = impl_->dropped_by_writer.load(std::memory_order_relaxed);
  for (const auto& sink : impl_->sinks) sum += sink->dropped.load(std::memory_order_relaxed);
  return sum;
}

}  // namespace shellac::edge
