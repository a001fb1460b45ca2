#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <exception>
#include <system_error>

#include "shellac/core/bug.hpp"
#include "shellac/net/listen.hpp"

namespace shellac::net {
namespace {

// Accepts in one go before the connections of this worker get their turn.
constexpr int kBatch = 64;
// How long nothing is tried after descriptors or memory ran out; also how long a free place may go unnoticed at most.
constexpr Duration kPause = std::chrono::milliseconds(100);
constexpr Duration kComplaintInterval = std::chrono::seconds(1);
// A queue holds up to its backlog (4096); twice that bounds a drain into which new connections keep running.
constexpr int kDrainMax = 8192;

}  // namespace

Acceptor::Acceptor(Loop& loop, std::shared_ptr<BoundAddress> bound, unsigned worker_index, Admission& admission,
                   Log& log, Handler handler)
    : loop_(loop),
      bound_(std::move(bound)),
      fd_(bound_->fd(worker_index)),
      admission_(admission),
      log_(log),
      handler_(std::move(handler)),
      news_(loop),
      pause_(loop, news_) {
  task_.start(run());
  news_.wake();  // the loop does the rest: nobody is accepted inside the constructor
}

Acceptor::~Acceptor() { stop(); }

void Acceptor::stop() {
  if (stopped_) return;
  stopped_ = true;
  pause_.disarm();
  admission_.forget(news_);
  if (watched_) loop_.remove(fd_);
}

void Acceptor::drain_and_stop() {
  if (stopped_) return;
  for (int i = 0; i < kDrainMax; ++i) {
    admission_.enter();
    const Accepted accepted = accept_one();
    if (accepted != Accepted::one) admission_.leave();
    if (accepted != Accepted::one && accepted != Accepted::failed) break;
  }
  // At once: until the last acceptor lets go of the bind, this queue would go on filling. Other processes may listen on
  // a shared socket, and it has only one queue for all our workers.
  if (!bound_->is_shared()) ::shutdown(fd_, SHUT_RD);
  stop();
}

void Acceptor::on_events(std::uint32_t) noexcept { news_.wake(); }

Task<void> Acceptor::run() {
  for (;;) {
    co_await news_.wait();
    if (!watched_) watch();
    while (accept_some()) co_await yield(news_);
  }
}

void Acceptor::watch() {
  if (stopped_) return;
  // A shared descriptor stands in every worker's set; as far as the kernel can, it wakes only one of them.
  const std::uint32_t exclusive = bound_->is_shared() ? EPOLLEXCLUSIVE : 0U;
  watched_ = loop_.add(fd_, *this, EPOLLIN | exclusive);
  if (watched_) return;
  complain("watching", errno);
  pause_.arm(kPause);
}

// True when the batch is used up and more may wait. The set is edge-triggered: whoever returns false has seen the queue
// empty, or has made sure of being woken.
bool Acceptor::accept_some() {
  if (stopped_ || (exhausted_ && pause_.armed())) return false;
  exhausted_ = false;
  for (int i = 0; i < kBatch; ++i) {
    if (!try_enter()) return false;
    const Accepted accepted = accept_one();
    if (accepted != Accepted::one) admission_.leave();
    if (stopped_ || accepted == Accepted::none_waiting) return false;
    if (accepted == Accepted::broken) {
      stop();
      return false;
    }
    if (accepted == Accepted::exhausted) {
      exhausted_ = true;
      pause_.arm(kPause);
      return false;
    }
  }
  return true;
}

bool Acceptor::try_enter() {
  if (admission_.try_enter()) return true;
  admission_.wait(news_);
  if (admission_.try_enter()) return true;
  // Whoever was woken for a free place may have stopped since; the deadline makes up for that.
  pause_.arm(kPause);
  return false;
}

Acceptor::Accepted Acceptor::accept_one() {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  UniqueFd fd(::accept4(fd_, reinterpret_cast<sockaddr*>(&address), &length, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (fd) {
    hand_over(std::move(fd), Endpoint::from(reinterpret_cast<const sockaddr*>(&address), length));
    return Accepted::one;
  }
  const int error = errno;
  switch (error) {
    case EAGAIN:
      return Accepted::none_waiting;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      complain("accepting", error);
      return Accepted::exhausted;
    case EBADF:
    case EINVAL:
    case ENOTSOCK:
      log_.error("{}: accepting: {}; nothing more is accepted there", to_string(bound_->actual()),
                 std::generic_category().message(error));
      return Accepted::broken;
    // accept(2): that connection's own error (ECONNABORTED, EPROTO, ENETDOWN, …), or a signal. The next one may be
    // fine.
    default:
      return Accepted::failed;
  }
}

void Acceptor::hand_over(UniqueFd fd, Endpoint peer) {
  Endpoint local = bound_->actual();
  if (bound_->is_wildcard()) {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &length) == 0)
      local = Endpoint::from(reinterpret_cast<const sockaddr*>(&address), length);
  }
  try {
    handler_(std::move(fd), std::move(peer), std::move(local));
  } catch (const std::exception& failure) {
    note_bug("net/acceptor", failure.what());
    admission_.leave();
  } catch (...) {
    note_bug("net/acceptor", "the handler threw something that is no std::exception");
    admission_.leave();
  }
}

void Acceptor::complain(const char* doing, int error) {
  const Time now = loop_.now();
  if (last_complaint_ != Time{} && now - last_complaint_ < kComplaintInterval) return;
  last_complaint_ = now;
  log_.error("{}: {}: {}; paused", to_string(bound_->actual()), doing, std::generic_category().message(error));
}

}  // namespace shellac::net
