// Names of backends, resolved and resolved again off the workers.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "shellac/core/address.hpp"
#include "shellac/core/log.hpp"
#include "shellac/net/loop.hpp"
#include "shellac/net/pool.hpp"

namespace shellac::net {

// What a name means now. `problem` is empty, or says why there are no addresses.
struct LookupAnswer {
  std::vector<IpAddress> addresses;
  std::string problem;
};
using Lookup = std::function<LookupAnswer(const std::string& host)>;

// getaddrinfo(3): IPv4 and IPv6, only of families that this machine has addresses of. Blocks. Thread: any.
LookupAnswer look_up(const std::string& host);

// getaddrinfo on the pool, answers on the control loop. A name is asked again every 10 s (getaddrinfo tells no TTL); a
// failure keeps the addresses that were known and is logged when it begins and when it ends. Literal addresses and Unix
// paths are answered once, at once: before watch() returns. Thread: its loop, which must outlive the pool's last work.
class Resolver {
 public:
  // Called on the loop with a non-empty, sorted list without duplicates whenever it differs from the last one.
  using Handler = std::function<void(const std::vector<Endpoint>& endpoints)>;

  Resolver(Loop& loop, ThreadPool& pool, Log& log, Duration interval = std::chrono::seconds(10));
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // Asks somebody else than getaddrinfo, for names watched from now on. `lookup` runs on the pool.
  void set_lookup(Lookup lookup) { with_.lookup = std::move(lookup); }

  // Watches "host:port", "[v6]:port" or "unix:PATH" until the returned handle is destroyed; that may also happen inside
  // the handler, and after the resolver has gone. What is none of these is logged and never answered.
  class Watch {
   public:
    virtual ~Watch() = default;
  };
  std::unique_ptr<Watch> watch(const std::string& address, Handler handler);

 private:
  class WatchedName;
  class NameWatch;
  struct Environment {
    Loop& loop;
    ThreadPool& pool;
    Log& log;
    Duration interval;
    Lookup lookup;
  };
  Environment with_;
};

}  // namespace shellac::net
