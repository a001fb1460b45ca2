// The seam between pure areas and those who sleep.
#pragma once

namespace shellac {

// Somebody who waits. Pure areas (http bodies, cache, balance) keep pointers to waiters and wake them when there is
// news; they never know what a coroutine or a thread is. A wake is a hint: the waiter asks again, and any number of
// wakes before it does so are one.
// Thread: wake() may be called from any thread. Whoever keeps a pointer drops it before the waiter dies.
class Waiter {
 public:
  virtual void wake() noexcept = 0;

 protected:
  ~Waiter() = default;
};

}  // namespace shellac
