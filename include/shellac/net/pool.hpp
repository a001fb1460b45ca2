// Threads for what blocks: files, getaddrinfo, password hashes.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace shellac::net {

// A few threads and a bounded queue. Thread: any. Destruction runs what is queued, then joins. Work that throws is
// counted as a bug.
class ThreadPool {
 public:
  explicit ThreadPool(unsigned threads, std::size_t queue_max = 10000);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // False when the queue is full or the pool is ending: then `work` does not run.
  bool try_run(std::function<void()> work);

 private:
  void run();
  void stop();
  const std::size_t queue_max_;
  std::mutex mutex_;
  std::condition_variable news_;
  std::deque<std::function<void()>> queue_;  // guarded by mutex_
  bool stopping_ = false;                    // guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace shellac::net
