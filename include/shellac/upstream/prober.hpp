// Asks one server again and again whether it is well.
#pragma once

#include <memory>

#include "shellac/balance/health.hpp"
#include "shellac/net/loop.hpp"
#include "shellac/upstream/connector.hpp"
#include "shellac/upstream/pool.hpp"

namespace shellac::upstream {

// Who hears what probes find. Implemented by edge. Thread: control.
class ProbeSink {
 public:
  virtual void on_probe(const Pool& pool, std::size_t backend, balance::ProbeResult result) = 0;
  // Until the next probe of that server; less than `interval` while its verdict is changing.
  virtual Duration next_probe(const Pool& pool, std::size_t backend) = 0;

 protected:
  ~ProbeSink() = default;
};

// Probes every backend of one pool, each in a task of its own, over fresh connections with the same TLS and PROXY
// settings as traffic, counted in `connections.max`. A server whose every connection is busy is not probed and not
// judged. Destroying it ends the tasks. Thread: control.
class PoolProber {
 public:
  // `pool` has a probe. Both references outlive the prober.
  PoolProber(net::Loop& loop, std::shared_ptr<const Pool> pool, ProbeSink& sink);
  ~PoolProber();
  PoolProber(const PoolProber&) = delete;
  PoolProber& operator=(const PoolProber&) = delete;

 private:
  class Run;
  net::Loop& loop_;
  const std::shared_ptr<const Pool> pool_;
  ProbeSink& sink_;
  Connector connector_;
  std::vector<std::unique_ptr<Run>> runs_;
};

}  // namespace shellac::upstream
