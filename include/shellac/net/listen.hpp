// Listening sockets: they belong to the process, not to a configuration.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "shellac/core/address.hpp"
#include "shellac/core/error.hpp"
#include "shellac/core/log.hpp"
#include "shellac/net/admission.hpp"
#include "shellac/net/loop.hpp"
#include "shellac/net/stream.hpp"

namespace shellac::net {

// One bound address: one SO_REUSEPORT socket per worker for TCP; one socket on which every worker accepts for Unix
// paths and for descriptors inherited through LISTEN_FDS. Resource; closing is its destruction. Thread: control (fd():
// any).
class BoundAddress {
 public:
  ~BoundAddress();
  BoundAddress(const BoundAddress&) = delete;
  BoundAddress& operator=(const BoundAddress&) = delete;

  const Endpoint& wanted() const { return wanted_; }  // as configured, port 0 included
  const Endpoint& actual() const { return actual_; }  // as bound
  bool is_shared() const { return shared_; }
  bool is_wildcard() const;  // what is accepted there has a local address of its own
  // The descriptor that worker `index` (from 0) accepts on.
  int fd(unsigned index) const { return fds_[shared_ ? 0 : index].get(); }
  // Root's way to hand the file of a Unix socket that we made to the user that the process becomes.
  void give_to(uid_t user, gid_t group) const;

 private:
  friend class ListenSockets;
  BoundAddress() = default;
  Endpoint wanted_, actual_;
  bool shared_ = false;
  std::vector<UniqueFd> fds_;
  // A Unix path that we made is removed at the end, if it is still the same file.
  bool unlink_ = false;
  dev_t device_{};
  ino_t inode_{};
};

// All of them. Thread: control.
class ListenSockets {
 public:
  // Takes what the service manager passed (sd_listen_fds(3): LISTEN_PID, LISTEN_FDS from descriptor 3), matched to
  // binds by address. The variables are removed from the environment.
  explicit ListenSockets(unsigned workers, int backlog = 4096);

  // The bound address for `endpoint`, new or the one that is there already (port 0 matches by its `key`: listener name
  // and position). IPV6_V6ONLY always. A foreign owner of the port is noticed before binding (a bind without
  // SO_REUSEPORT is tried first), a stale Unix path is removed, a live one is "in use". Error text names the address.
  // New sockets listen at once.
  struct Outcome {
    std::shared_ptr<BoundAddress> bound;
    std::string problem;
  };
  Outcome open(const Endpoint& endpoint, const std::string& key);
  // Forgets a bind that nobody uses any more; its sockets close when the last acceptor has let go of it. The key counts
  // for port 0 only, as in open(): a reload that failed may have opened the address under another one.
  void close(const Endpoint& endpoint, const std::string& key);

  // Inherited addresses that no open() has asked for: nobody accepts there.
  std::vector<Endpoint> unclaimed() const;

 private:
  struct Entry {
    std::string key;
    std::shared_ptr<BoundAddress> bound;
  };
  // Kept for the life of the process, so that a bind which a reload removes can come back with another one.
  struct Inherited {
    Endpoint endpoint;
    UniqueFd fd;
    bool claimed = false;
  };
  void inherit();
  // Each returns what went wrong, or an empty text.
  std::string open_tcp(BoundAddress& bound) const;
  std::string open_unix(BoundAddress& bound) const;
  std::string claim(Inherited& inherited, BoundAddress& bound) const;
  bool overlaps_own(const Endpoint& endpoint) const;

  const unsigned workers_;
  const int backlog_;
  std::vector<Entry> entries_;
  std::vector<Inherited> inherited_;
};

// Accepts on one bound address for one worker. Accepting pauses while Admission is full and resumes by itself;
// descriptor exhaustion (EMFILE, ENFILE, ENOBUFS, ENOMEM) pauses for 100 ms and is logged at most once a second: it
// never spins. Accepted sockets are non-blocking, close-on-exec, TCP_NODELAY. Resource. Thread: its loop.
class Acceptor final : private Pollable {
 public:
  // Whoever is handed a connection calls admission.leave() when it ends. A handler that throws (a bug, which is
  // counted) has not taken it: the acceptor leaves. The handler may stop the acceptor but not destroy it.
  using Handler = std::function<void(UniqueFd fd, Endpoint peer, Endpoint local)>;
  Acceptor(Loop& loop, std::shared_ptr<BoundAddress> bound, unsigned worker_index, Admission& admission, Log& log,
           Handler handler);
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  // Accepts until the queue is empty and then no more: before its socket is closed, so that nobody who is waiting in
  // the queue is reset. Goes beyond the limit of Admission if it must. A socket that is not shared ends here, for every
  // process that has it: who hands its sockets to a successor uses stop().
  void drain_and_stop();
  // Stops at once, leaves the queue as it is.
  void stop();

 private:
  enum class Accepted : std::uint8_t { one, failed, none_waiting, exhausted, broken };

  void on_events(std::uint32_t events) noexcept override;
  Task<void> run();
  void watch();
  bool accept_some();
  Accepted accept_one();
  void hand_over(UniqueFd fd, Endpoint peer);
  bool try_enter();
  void complain(const char* doing, int error);

  Loop& loop_;
  const std::shared_ptr<BoundAddress> bound_;
  const int fd_;
  Admission& admission_;
  Log& log_;
  const Handler handler_;
  Signal news_;  // connections wait, a place came free, or a pause is over
  Deadline pause_;
  bool watched_ = false;
  bool exhausted_ = false;  // the pause is one that new connections do not end
  bool stopped_ = false;
  Time last_complaint_{};
  Child task_;  // run(); the last member, so that it goes first
};

}  // namespace shellac::net
