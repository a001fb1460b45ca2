// One worker: a thread with its loop, its client and backend connections.
#pragma once

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "shellac/front/frontend.hpp"
#include "shellac/net/loop.hpp"
#include "shellac/proxy/proxy.hpp"

namespace shellac::edge {

// Thread: control, but for what runs on the loop.
class Worker {
 public:
  struct Shared {
    BufferBudget& buffers;
    net::ThreadPool& files;
    front::Frontend::Shared front;
    proxy::Metrics& proxy;
    proxy::RecordSink& sink;
    proxy::TrafficReports& reports;
    proxy::PurgeBus& purges;
  };
  Worker(unsigned index, const Shared& shared);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Takes over a configuration; `done` runs on the worker's loop once it is in force there.
  void adopt(std::shared_ptr<const proxy::Config> config, std::vector<front::Frontend::Place> places,
             std::function<void()> done);
  void drain(std::function<void()> done);
  void abort_all();
  // Stops the loop and waits for its thread. What is posted to the loop from then on does not run.
  void join();
  net::Loop& loop() { return loop_; }
  const net::Loop& loop() const { return loop_; }
  std::uint32_t fills() const { return proxy_.fills(); }
  void abort_fills();
  std::uint64_t in_flight() const { return proxy_.in_flight(); }

 private:
  net::Loop loop_;
  proxy::Proxy proxy_;
  front::Frontend frontend_;
  std::thread thread_;
};

}  // namespace shellac::edge
