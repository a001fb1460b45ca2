#include "shellac/net/loop.hpp"

#include <sys/epoll.h>

#include <boost/asio/post.hpp>
#include <cerrno>
#include <system_error>

#include "shellac/core/bug.hpp"

namespace shellac::net {
namespace {

// How often in a row the set is polled before Asio's own work gets its turn.
constexpr int kPollsPerTurn = 16;

int make_set() {
  const int fd = ::epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
  return fd;
}

// The root of a task that nobody awaits: owns itself, frees itself at its end.
struct Detached {
  struct promise_type {
    static void* operator new(std::size_t bytes) { return allocate_frame(bytes); }
    static void operator delete(void* frame, std::size_t bytes) noexcept { free_frame(frame, bytes); }
    Detached get_return_object() noexcept { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { note_bug("net/task", "exception escaped a task"); }
  };
};

Detached run_detached(Task<void> task) { co_await task; }

}  // namespace

Loop::Loop(unsigned shard, BufferBudget& budget)
    : shard_(shard), work_(context_.get_executor()), set_(context_, make_set()), tick_(context_), buffers_(budget) {
  refresh_clock();
  arm_set();
}

Loop::~Loop() = default;

void Loop::refresh_clock() {
  now_ = Clock::now();
  wall_now_ = std::chrono::system_clock::now();
}

void Loop::run() {
  owner_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  refresh_clock();
  while (!context_.stopped()) {
    try {
      context_.run();
    } catch (const std::exception& error) {
      note_bug("net/loop", error.what());
    }
  }
  trim_frames();
}

void Loop::stop() { context_.stop(); }

void Loop::post(std::function<void()> work) {
  boost::asio::post(context_, [this, work = std::move(work)] {
    turns_.fetch_add(1, std::memory_order_relaxed);
    refresh_clock();
    work();
    run_ready();
  });
}

bool Loop::add(int fd, Pollable& pollable, std::uint32_t events) {
  epoll_event event{};
  event.events = events | EPOLLET;
  event.data.ptr = &pollable;
  return ::epoll_ctl(set_.native_handle(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void Loop::remove(int fd) noexcept { ::epoll_ctl(set_.native_handle(), EPOLL_CTL_DEL, fd, nullptr); }

void Loop::start(Task<void> task) { run_detached(std::move(task)); }

void Loop::arm_set() {
  set_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
    if (error) return;
    on_set_ready();
  });
}

void Loop::on_set_ready() {
  turns_.fetch_add(1, std::memory_order_relaxed);
  for (int i = 0; i < kPollsPerTurn; ++i) {
    refresh_clock();
    if (!poll_set()) break;
    run_ready();
  }
  // What is still ready in the set makes the wait complete at once: the level is checked when it is armed.
  arm_set();
}

// One epoll_wait that does not block. Events only note and wake; whoever was woken runs after the whole batch.
bool Loop::poll_set() {
  epoll_event events[kBatch];
  const int count = ::epoll_wait(set_.native_handle(), events, kBatch, 0);
  for (int i = 0; i < count; ++i) static_cast<Pollable*>(events[i].data.ptr)->on_events(events[i].events);
  return count > 0;
}

void Loop::run_ready() {
  // Those who are woken meanwhile have their turn in the next round, so that nobody starves the set.
  Link round;
  while (ready_.linked()) {
    if (!round.linked()) {
      round.next = ready_.next;
      round.previous = ready_.previous;
      round.next->previous = &round;
      round.previous->next = &round;
      ready_.next = ready_.previous = &ready_;
    }
    while (round.linked()) static_cast<Signal*>(round.next)->resume();
  }
}

void Loop::arm_tick() {
  if (tick_armed_) return;
  tick_armed_ = true;
  tick_.expires_after(kTick);
  tick_.async_wait([this](const boost::system::error_code& error) {
    tick_armed_ = false;
    if (error) return;
    refresh_clock();
    on_tick();
    run_ready();
  });
}

void Loop::on_tick() {
  turns_.fetch_add(1, std::memory_order_relaxed);
  const auto current = static_cast<std::uint64_t>(now_.time_since_epoch() / kTick);
  // After a long stall every slot is looked at once, not once per missed tick.
  std::uint64_t from = wheel_tick_ + 1;
  if (current >= kWheelSlots && from < current - kWheelSlots + 1) from = current - kWheelSlots + 1;
  for (std::uint64_t tick = from; tick <= current; ++tick) {
    Link& slot = wheel_[tick % kWheelSlots];
    for (Link* node = slot.next; node != &slot;) {
      auto& deadline = static_cast<Deadline&>(*node);
      node = node->next;
      if (deadline.due_tick_ > current) continue;  // a later round of the wheel
      deadline.disarm();
      deadline.expired_ = true;
      deadline.waiter_.wake();  // only notes: nothing is resumed or destroyed here
    }
  }
  wheel_tick_ = current;
  if (deadlines_ > 0) arm_tick();
}

// The signal waits in a list that it leaves by itself when it dies.
void Loop::wake_later(Signal& signal) {
  later_.append(signal);
  if (std::exchange(later_posted_, true)) return;
  boost::asio::post(context_, [this] {
    later_posted_ = false;
    refresh_clock();
    while (later_.linked()) {
      auto& next = static_cast<Signal&>(*later_.next);
      next.unlink();
      next.wake_here();
    }
    run_ready();
  });
}

void Loop::wake_from_elsewhere(Signal& signal) noexcept {
  const std::lock_guard lock(mailbox_mutex_);
  if (signal.in_mailbox_.load(std::memory_order_relaxed)) return;
  signal.in_mailbox_.store(true, std::memory_order_relaxed);
  mailbox_.push_back(&signal);
  if (mailbox_posted_) return;
  mailbox_posted_ = true;
  // One post, hence one write to Asio's eventfd, per batch of wakes.
  boost::asio::post(context_, [this] {
    refresh_clock();
    drain_mailbox();
    run_ready();
  });
}

void Loop::forget_mail(Signal& signal) noexcept {
  const std::lock_guard lock(mailbox_mutex_);
  std::erase(mailbox_, &signal);
}

void Loop::drain_mailbox() {
  std::vector<Signal*> mail;
  {
    const std::lock_guard lock(mailbox_mutex_);
    mail.swap(mailbox_);
    mailbox_posted_ = false;
    for (Signal* signal : mail) signal->in_mailbox_.store(false, std::memory_order_relaxed);
  }
  for (Signal* signal : mail) signal->wake_here();  // only marks; nobody dies before run_ready()
}

}  // namespace shellac::net
