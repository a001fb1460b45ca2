#include "shellac/net/pool.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <memory>
#include <stdexcept>

#include "net/bug_count.hpp"

namespace shellac::net {
namespace {

// Keeps one thread of a pool busy until it is opened.
class Gate {
 public:
  explicit Gate(ThreadPool& pool) {
    std::promise<void> started;
    EXPECT_TRUE(pool.try_run([&started, open = opened_.get_future().share()] {
      started.set_value();
      open.wait();
    }));
    started.get_future().wait();
  }
  void open() { opened_.set_value(); }

 private:
  std::promise<void> opened_;
};

TEST(ThreadPool, RunsWorkOnItsThreads) {
  ThreadPool pool(2);
  std::promise<std::thread::id> told;
  ASSERT_TRUE(pool.try_run([&] { told.set_value(std::this_thread::get_id()); }));
  EXPECT_NE(told.get_future().get(), std::this_thread::get_id());
}

TEST(ThreadPool, UsesAllItsThreads) {
  ThreadPool pool(2);
  Gate busy(pool);
  std::promise<void> done;
  ASSERT_TRUE(pool.try_run([&] { done.set_value(); }));
  done.get_future().wait();
  busy.open();
}

TEST(ThreadPool, OneThreadKeepsTheOrder) {
  std::vector<int> order;
  {
    ThreadPool pool(1);
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(pool.try_run([&order, i] { order.push_back(i); }));
  }
  ASSERT_EQ(order.size(), 100U);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(ThreadPool, RefusesWhatTheQueueCannotHold) {
  std::atomic<int> ran{0};
  {
    ThreadPool pool(1, 2);
    Gate busy(pool);
    EXPECT_TRUE(pool.try_run([&] { ++ran; }));
    EXPECT_TRUE(pool.try_run([&] { ++ran; }));
    EXPECT_FALSE(pool.try_run([&] { ran += 100; }));
    busy.open();
  }
  EXPECT_EQ(ran, 2);
}

TEST(ThreadPool, DestructionRunsWhatIsQueuedAndRefusesMore) {
  std::atomic<int> ran{0};
  std::atomic<bool> refused{false};
  auto pool = std::make_unique<ThreadPool>(2);
  Gate first(*pool), second(*pool);
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(pool->try_run([&] { ++ran; }));
  ThreadPool& its = *pool;
  ASSERT_TRUE(pool->try_run([&] {
    // Destruction has begun at the latest when it refuses.
    while (its.try_run([&] { ++ran; })) --ran;
    refused = true;
  }));
  std::thread destroyer([&] { pool.reset(); });
  first.open();
  second.open();
  destroyer.join();
  EXPECT_TRUE(refused);
  EXPECT_EQ(ran, 50);
}

TEST(ThreadPool, CountsWorkThatThrowsAndGoesOn) {
  const std::uint64_t before = bug_count("net/pool");
  {
    ThreadPool pool(1);
    ASSERT_TRUE(pool.try_run([] { throw std::runtime_error("on purpose"); }));
    ASSERT_TRUE(pool.try_run([] { throw 1; }));  // NOLINT: no std::exception
    std::promise<void> done;
    ASSERT_TRUE(pool.try_run([&] { done.set_value(); }));
    done.get_future().wait();
  }
  EXPECT_EQ(bug_count("net/pool"), before + 2);
}

}  // namespace
}  // namespace shellac::net
