// A loop on a thread of its own, for tests of what lives on one.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "shellac/core/buffer.hpp"
#include "shellac/net/loop.hpp"

namespace shellac::net {

// What a test waits for at most; only a failure takes so long.
inline constexpr auto kPatience = std::chrono::seconds(20);

class LoopThread {
 public:
  LoopThread() : loop_(1, budget_), thread_([this] { loop_.run(); }) {}
  ~LoopThread() {
    loop_.stop();
    thread_.join();
  }
  Loop& loop() { return loop_; }

  // Runs `work` on the loop and waits for its end.
  void call(const std::function<void()>& work) {
    std::promise<void> done;
    loop_.post([&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }
  // Lets everything that is ready now have its turn.
  void settle() {
    for (int i = 0; i < 3; ++i) call([] {});
  }

 private:
  BufferBudget budget_{64_MiB};
  Loop loop_;
  std::thread thread_;
};

// What happened on a loop, told to the test's thread. Thread: any.
template <class T>
class Inbox {
 public:
  void put(T item) {
    const std::lock_guard lock(mutex_);
    items_.push_back(std::move(item));
    news_.notify_all();
  }
  // False when there are not so many in time.
  bool wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    return news_.wait_for(lock, kPatience, [&] { return items_.size() >= count; });
  }
  std::size_t size() {
    const std::lock_guard lock(mutex_);
    return items_.size();
  }
  std::vector<T> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(items_, {});
  }

 private:
  std::mutex mutex_;
  std::condition_variable news_;
  std::vector<T> items_;
};

}  // namespace shellac::net
