#include "worker.hpp"

#include <pthread.h>

#include <string>

namespace shellac::edge {

Worker::Worker(unsigned index, const Shared& shared)
    : loop_(index + 1, shared.buffers),
      proxy_({loop_, shared.files, shared.sink, shared.proxy, shared.reports, shared.purges}),
      frontend_(loop_, index, proxy_, shared.front),
      thread_([this, index] {
        ::pthread_setname_np(::pthread_self(), ("worker" + std::to_string(index)).c_str());
        loop_.run();
      }) {}

Worker::~Worker() { join(); }

void Worker::join() {
  loop_.stop();
  if (thread_.joinable()) thread_.join();
}

void Worker::adopt(std::shared_ptr<const proxy::Config> config, std::vector<front::Frontend::Place> places,
                   std::function<void()> done) {
  loop_.post([this, config = std::move(config), places = std::move(places), done = std::move(done)]() mutable {
    proxy_.adopt(std::move(config));
    frontend_.adopt(std::move(places));
    done();
  });
}

void Worker::drain(std::function<void()> done) {
  loop_.post([this, done = std::move(done)] {
    frontend_.drain();
    done();
  });
}

void Worker::abort_fills() {
  loop_.post([this] { proxy_.abort_fills(); });
}

void Worker::abort_all() {
  loop_.post([this] { frontend_.abort_all(); });
}

}  // namespace shellac::edge
