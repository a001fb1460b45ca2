// One thread's event loop: an Asio io_context with an edge-triggered set of sockets nested in it.
//
// Asio alone costs an epoll_ctl or a useless recv per wait (reference: docs/architecture.md, "Loop"). Data sockets are
// registered once, edge-triggered, in a set of our own whose descriptor Asio watches; timers, posts, admin connections
// and signals stay Asio's. Sockets remember whether they are readable or writable, so that a wait is no system call.
#pragma once

#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "shellac/core/buffer.hpp"
#include "shellac/core/units.hpp"
#include "shellac/core/waiter.hpp"
#include "shellac/net/pollable.hpp"
#include "shellac/net/task.hpp"

namespace shellac::net {

class Deadline;
class Signal;

// Intrusive doubly linked ring; an unlinked node points to itself.
struct Link {
  Link* previous = this;
  Link* next = this;
  Link() = default;
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  ~Link() { unlink(); }
  bool linked() const { return next != this; }
  void unlink() noexcept {
    previous->next = next;
    next->previous = previous;
    previous = next = this;
  }
  void append(Link& node) noexcept {
    node.unlink();
    node.previous = previous;
    node.next = this;
    previous->next = &node;
    previous = &node;
  }
};

// Thread: the one that calls run(), unless a member says "any thread". Outlives all that lives on it.
class Loop {
 public:
  // `shard` numbers the loops: 0 is control, workers count from 1; metrics use it.
  Loop(unsigned shard, BufferBudget& budget);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  boost::asio::io_context& context() { return context_; }
  unsigned shard() const { return shard_; }
  BufferPool& buffers() { return buffers_; }

  // Read once per turn of the loop; good to a millisecond or the length of one turn.
  Time now() const { return now_; }
  WallTime wall_now() const { return wall_now_; }

  // Runs until stop(). Any exception that escapes a handler is counted as a bug and the loop goes on.
  void run();
  // Any thread.
  void stop();
  // Runs `work` on this loop, in order of posting. Any thread.
  void post(std::function<void()> work);
  // Turns of the loop so far; the watchdog asks whether it has moved. Any thread.
  std::uint64_t turns() const { return turns_.load(std::memory_order_relaxed); }
  bool is_this_thread() const { return owner_.load(std::memory_order_relaxed) == std::this_thread::get_id(); }

  // Registers a descriptor in the edge-triggered set. `events` as of epoll_ctl(2); EPOLLET is added. Returns false with
  // errno set when the kernel refuses. remove() before the descriptor is closed.
  bool add(int fd, Pollable& pollable, std::uint32_t events);
  void remove(int fd) noexcept;

  // Starts a task that nobody awaits; it belongs to the loop until it ends. An exception is counted as a bug.
  // Prefer a TaskGroup, which can be waited for.
  void start(Task<void> task);

 private:
  friend class Deadline;
  friend class Signal;

  static constexpr int kBatch = 128;
  static constexpr std::size_t kWheelSlots = 512;
  static constexpr Duration kTick = std::chrono::milliseconds(50);

  void arm_set();
  void on_set_ready();
  bool poll_set();
  void run_ready();
  void arm_tick();
  void on_tick();
  void wake_later(Signal& signal);
  void wake_from_elsewhere(Signal& signal) noexcept;
  void forget_mail(Signal& signal) noexcept;
  void drain_mailbox();
  void refresh_clock();

  const unsigned shard_;
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  boost::asio::posix::stream_descriptor set_;  // the nested epoll set
  boost::asio::steady_timer tick_;
  BufferPool buffers_;
  Time now_{};
  WallTime wall_now_{};
  std::atomic<std::uint64_t> turns_{0};
  std::atomic<std::thread::id> owner_{};

  Link ready_;  // signals to resume after this batch
  Link later_;  // signals to wake when everybody else has had a turn
  bool later_posted_ = false;
  std::array<Link, kWheelSlots> wheel_;  // deadlines by expiry tick modulo slots
  std::uint64_t wheel_tick_ = 0;         // the last tick that was swept
  std::size_t deadlines_ = 0;            // armed ones
  bool tick_armed_ = false;

  std::mutex mailbox_mutex_;
  std::vector<Signal*> mailbox_;  // woken from other threads; guarded by mailbox_mutex_
  bool mailbox_posted_ = false;   // guarded by mailbox_mutex_
};

// What a coroutine sleeps on: any number of wakes before the next wait are one. At most one coroutine waits.
// Thread: wait on its loop; wake() from any thread. A wake from another thread must have returned before the signal
// dies (whoever keeps the pointer holds its lock while waking, or hands it over to its loop).
class Signal final : public Waiter, private Link {
 public:
  explicit Signal(Loop& loop) : loop_(loop) {}
  ~Signal();
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

  void wake() noexcept override;
  Loop& loop() const { return loop_; }
  // Wakes it when the others of its loop have had a turn. Thread: its loop.
  void wake_later() { loop_.wake_later(*this); }

  // co_await signal.wait(): resumes after a wake; at once when one is pending.
  auto wait() noexcept {
    struct Awaiter {
      Signal& signal;
      bool await_ready() const noexcept {
        if (!signal.woken_) return false;
        signal.woken_ = false;
        signal.unlink();
        return true;
      }
      void await_suspend(std::coroutine_handle<> handle) const noexcept { signal.sleeper_ = handle; }
      void await_resume() const noexcept {}
    };
    return Awaiter{*this};
  }

 private:
  friend class Loop;
  void wake_here() noexcept;
  void resume() noexcept;

  Loop& loop_;
  std::coroutine_handle<> sleeper_;
  bool woken_ = false;
  std::atomic<bool> in_mailbox_{false};  // written under the loop's mailbox_mutex_
};

// Lets the other connections of this loop have their turn: co_await yield(signal).
Task<void> yield(Signal& signal);

// A moment after which somebody is woken. Coarse: it fires up to two ticks (100 ms) late, never early.
// Thread: its loop.
class Deadline : private Link {
 public:
  Deadline(Loop& loop, Waiter& waiter) : loop_(loop), waiter_(waiter) {}
  ~Deadline() { disarm(); }
  // Counts from now; replaces what was armed. Zero or less = never.
  void arm(Duration after);
  void disarm() noexcept;
  bool armed() const { return armed_; }
  // When it fires, or fired; meaningful once armed.
  Time due() const { return due_; }
  // True from the firing until the next arm() or disarm().
  bool expired() const { return expired_; }

 private:
  friend class Loop;
  Loop& loop_;
  Waiter& waiter_;
  Time due_{};
  std::uint64_t due_tick_ = 0;
  bool armed_ = false;
  bool expired_ = false;
};

// A task that runs beside its owner's own work: started by hand, asked whether it is done, and ended on the way by
// destroying it (it must be asleep then, which it is whenever somebody else runs). Thread: its loop.
class Child {
 public:
  Child() = default;
  // Runs the task up to its first wait. One task per Child.
  void start(Task<void> task) {
    task_ = std::move(task);
    task_.start();
  }
  bool is_running() const { return task_.is_started() && !task_.is_done(); }
  void cancel() { task_ = {}; }

 private:
  Task<void> task_;
};

// Tasks that somebody answers for: spawned here, counted here, waited for before the owner goes. Thread: its loop.
class TaskGroup {
 public:
  explicit TaskGroup(Loop& loop) : loop_(loop), idle_(loop) {}
  ~TaskGroup();
  // Starts the task at once, up to its first wait.
  void spawn(Task<void> task);
  std::size_t size() const { return running_; }
  // Returns when no task is left. One waiter.
  Task<void> wait_empty();

 private:
  Task<void> guard(Task<void> task);
  Loop& loop_;
  Signal idle_;
  std::size_t running_ = 0;
};

}  // namespace shellac::net
