// Byte streams as the data path sees them: try first, wait only when it would block.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "shellac/core/address.hpp"
#include "shellac/core/error.hpp"
#include "shellac/net/loop.hpp"

namespace shellac::net {

// What one attempt gave. `bytes` counts only with done.
struct IoResult {
  enum class Status : std::uint8_t { done, want_read, want_write, end, failed };
  Status status = Status::done;
  std::size_t bytes = 0;
  boost::system::error_code code{};
  bool would_block() const { return status == Status::want_read || status == Status::want_write; }
};

// A file descriptor, owned. Value that moves.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept;
  ~UniqueFd();
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

// A connected (or connecting) non-blocking stream socket in its loop's edge-triggered set. Resource.
// Thread: its loop. One reader and one writer may wait at a time; both may be the same waiter.
class Socket final : public Pollable {
 public:
  Socket(Loop& loop, UniqueFd fd);
  ~Socket();
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  Loop& loop() const { return loop_; }
  int fd() const { return fd_.get(); }
  bool is_open() const { return static_cast<bool>(fd_); }

  // Into all of `into`; `end` when the peer has finished sending.
  IoResult try_read(std::span<char> into);
  // Gathers; may take a part only. At most IOV_MAX parts are looked at.
  IoResult try_write(std::span<const iovec> from);
  // Registers who is woken when reading (writing) may succeed. Kept until the next event or forget().
  void wait_read(Waiter& waiter) { reader_ = &waiter; }
  void wait_write(Waiter& waiter) { writer_ = &waiter; }
  void wait(IoResult::Status want, Waiter& waiter) {
    want == IoResult::Status::want_write ? wait_write(waiter) : wait_read(waiter);
  }
  void forget() noexcept { reader_ = writer_ = nullptr; }
  void forget_read() noexcept { reader_ = nullptr; }
  void forget_write() noexcept { writer_ = nullptr; }

  // Octets that the kernel took so far: a writer's progress, also when a stream above keeps octets back (TLS).
  std::uint64_t written() const { return written_; }
  // False when a read is known to give nothing yet (no system call).
  bool may_be_readable() const { return readable_; }
  // True when nothing has arrived, asked of the kernel where the flag does not know: for connections that should be
  // idle.
  bool is_quiet() noexcept;
  // The peer reset the connection, or both directions are finished. A peer that only finished sending does not count.
  bool is_broken() const { return broken_; }
  // True once the set has told anything: for a connecting socket, that the outcome is known.
  bool has_seen_events() const { return seen_; }
  // The outcome of a non-blocking connect, once an event was seen.
  boost::system::error_code connect_result() const;

  void shutdown_write() noexcept;
  void close() noexcept;
  // Closes with a reset, so that the peer cannot take what it got for whole, and wakes who waits: further attempts
  // fail.
  void abort() noexcept;

 private:
  void on_events(std::uint32_t events) noexcept override;

  Loop& loop_;
  UniqueFd fd_;
  Waiter* reader_ = nullptr;
  Waiter* writer_ = nullptr;
  std::uint64_t written_ = 0;
  bool readable_ = true;
  bool writable_ = true;
  bool peer_ended_ = false;
  bool broken_ = false;
  bool seen_ = false;
};

// A Socket, or TLS over one. Implementations: PlainStream here, ServerStream and ClientStream in tls.
// The contract of try_write: `done` means that `bytes` octets were taken; they may still sit in the stream's own buffer
// (TLS) until try_flush() says done. A writer flushes before it waits for anything else.
class Stream {
 public:
  Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  virtual ~Stream() = default;

  virtual Socket& socket() = 0;
  virtual IoResult try_read(std::span<char> into) = 0;
  virtual IoResult try_write(std::span<const iovec> from) = 0;
  virtual IoResult try_flush() { return {}; }
  // Says that nothing more will be written (TLS close_notify, then FIN). Best effort, does not wait.
  virtual void finish_writing() noexcept = 0;
  // After try_read said `end`: false when the peer did not say so itself (TLS without close_notify), so that the end
  // may be anybody's work and nothing tells whether something was cut off.
  virtual bool ended_cleanly() const { return true; }
  // True when try_read may give something without a new event (decrypted bytes wait inside).
  virtual bool has_buffered_input() const { return false; }
  // Gives pooled buffers back while the connection is idle.
  virtual void release_buffers() noexcept {}
};

class PlainStream final : public Stream {
 public:
  PlainStream(Loop& loop, UniqueFd fd) : socket_(loop, std::move(fd)) {}
  Socket& socket() override { return socket_; }
  IoResult try_read(std::span<char> into) override { return socket_.try_read(into); }
  IoResult try_write(std::span<const iovec> from) override { return socket_.try_write(from); }
  void finish_writing() noexcept override { socket_.shutdown_write(); }

 private:
  Socket socket_;
};

// Starts a non-blocking connect to an IP or Unix endpoint. The socket is connected when it becomes writable and
// connect_result() is clear. TCP_NODELAY is set.
Result<UniqueFd> start_connect(const Endpoint& to);

}  // namespace shellac::net
