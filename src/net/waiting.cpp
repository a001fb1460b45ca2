// Signals, deadlines and task groups: how coroutines sleep and end.
#include "shellac/core/bug.hpp"
#include "shellac/net/loop.hpp"

namespace shellac::net {

Signal::~Signal() {
  if (in_mailbox_.load(std::memory_order_relaxed)) loop_.forget_mail(*this);
}

void Signal::wake() noexcept {
  if (loop_.is_this_thread())
    wake_here();
  else
    loop_.wake_from_elsewhere(*this);
}

void Signal::wake_here() noexcept {
  if (woken_) return;
  woken_ = true;
  if (sleeper_) loop_.ready_.append(*this);
}

void Signal::resume() noexcept {
  unlink();
  woken_ = false;
  std::exchange(sleeper_, nullptr).resume();
}

Task<void> yield(Signal& signal) {
  // A wake that another source sends meanwhile ends the pause early; that is harmless.
  signal.wake_later();
  co_await signal.wait();
}

void Deadline::arm(Duration after) {
  disarm();
  if (after <= Duration::zero()) return;
  if (loop_.deadlines_ == 0) {
    // The wheel stood still while it was empty.
    loop_.wheel_tick_ = static_cast<std::uint64_t>(loop_.now_.time_since_epoch() / Loop::kTick);
  }
  due_ = loop_.now_ + after;
  due_tick_ = static_cast<std::uint64_t>(due_.time_since_epoch() / Loop::kTick) + 1;
  loop_.wheel_[due_tick_ % Loop::kWheelSlots].append(*this);
  armed_ = true;
  ++loop_.deadlines_;
  loop_.arm_tick();
}

void Deadline::disarm() noexcept {
  expired_ = false;
  if (!armed_) return;
  armed_ = false;
  unlink();
  --loop_.deadlines_;
}

TaskGroup::~TaskGroup() { (void)BUG_IF(running_ != 0, "net/task_group"); }

Task<void> TaskGroup::guard(Task<void> task) {
  struct Leave {
    TaskGroup& group;
    ~Leave() {
      if (--group.running_ == 0) group.idle_.wake();
    }
  } leave{*this};
  try {
    co_await task;
  } catch (const std::exception& error) {
    note_bug("net/task", "exception escaped a task");
  }
}

void TaskGroup::spawn(Task<void> task) {
  ++running_;
  loop_.start(guard(std::move(task)));
}

Task<void> TaskGroup::wait_empty() {
  while (running_ > 0) co_await idle_.wait();
}

}  // namespace shellac::net
