// A loop that a test's own thread turns until something has happened: no second thread, no sleep.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <utility>

#include "shellac/core/buffer.hpp"
#include "shellac/net/loop.hpp"

namespace shellac::test {

// What a test waits for at most; only a failure takes so long.
inline constexpr auto kPatience = std::chrono::seconds(20);

class DrivenLoop {
 public:
  explicit DrivenLoop(Bytes buffers = 64_MiB) : budget_(buffers), loop_(1, budget_) {
    // One turn of run() makes this thread the loop's own, so that a wake is what it is on a worker.
    loop_.post([this] { loop_.stop(); });
    loop_.run();
    loop_.context().restart();
  }

  net::Loop& loop() { return loop_; }
  BufferBudget& budget() { return budget_; }

  // Everything that is ready.
  void turn() { loop_.context().poll(); }
  // Turns until `condition` holds; false when it does not in time.
  [[nodiscard]] bool until(const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    for (;;) {
      turn();
      if (condition()) return true;
      if (std::chrono::steady_clock::now() > end) return false;
      loop_.context().run_one_for(std::chrono::milliseconds(1));
    }
  }
  // Runs `work` where the loop runs its own: with a fresh clock, and with everybody woken that it wakes.
  void on_loop(std::function<void()> work) {
    bool done = false;
    loop_.post([&] {
      work();
      done = true;
    });
    EXPECT_TRUE(until([&] { return done; }));
  }
  // Lets a moment of the loop's clock pass.
  [[nodiscard]] bool pass(std::chrono::milliseconds time) {
    const auto end = std::chrono::steady_clock::now() + time;
    return until([&] { return std::chrono::steady_clock::now() >= end; });
  }

 private:
  BufferBudget budget_;
  net::Loop loop_;
};

}  // namespace shellac::test
