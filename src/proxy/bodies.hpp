// Bodies around others: limited, timed, and read ahead.
#pragma once

#include <vector>

#include "shellac/core/buffer.hpp"
#include "shellac/http/body.hpp"
#include "shellac/net/loop.hpp"

namespace shellac::proxy {

// Fails with Cause::too_large once more than `max` octets have come (`max_body` of a body that does not tell its
// length).
class LimitedBody final : public http::Body {
 public:
  LimitedBody(http::Body& inner, Bytes max) : inner_(inner), left_(max.count) {}
  std::optional<std::uint64_t> length() const override { return inner_.length(); }
  http::Pull try_next(std::size_t max, Waiter& waiter) override;
  void stop_waiting() noexcept override { inner_.stop_waiting(); }
  const http::Fields* trailers() const override { return inner_.trailers(); }

 private:
  http::Body& inner_;
  std::uint64_t left_;
};

// Fails with Cause::timeout (Side::self) when `end` comes before the body's own end: a route's timeout while the answer
// flows. Who sleeps for lack of octets is woken for that. Thread: its loop's.
class TimedBody final : public http::Body, private Waiter {
 public:
  TimedBody(http::Body& inner, net::Loop& loop, Time end);
  ~TimedBody() override { stop_waiting(); }
  std::optional<std::uint64_t> length() const override { return inner_.length(); }
  http::Pull try_next(std::size_t max, Waiter& waiter) override;
  void stop_waiting() noexcept override;
  const http::Fields* trailers() const override { return inner_.trailers(); }

 private:
  void wake() noexcept override;
  http::Body& inner_;
  net::Deadline deadline_;
  Waiter* puller_ = nullptr;
};

// A range of a body that is relayed as it comes: what lies before it is dropped, and the rest is not waited for.
class SlicedBody final : public http::Body {
 public:
  SlicedBody(http::Body& inner, std::uint64_t first, std::uint64_t size) : inner_(inner), skip_(first), size_(size) {}
  std::optional<std::uint64_t> length() const override { return size_; }
  http::Pull try_next(std::size_t max, Waiter& waiter) override;
  void stop_waiting() noexcept override { inner_.stop_waiting(); }

 private:
  http::Body& inner_;
  std::uint64_t skip_;
  const std::uint64_t size_;
  std::uint64_t given_ = 0;
  std::vector<std::string_view> views_;
};

// Holds the begin of a body (`buffer_request`), so that a backend is chosen only when a slow client has sent it, and so
// that a request whose whole body is at hand can be sent again. What is longer follows from the client.
class BufferedBody final : public http::Body {
 public:
  BufferedBody(http::Body& inner, BufferPool& pool, Bytes max) : inner_(inner), pool_(pool), max_(max.count) {}

  // Reads ahead until `max` octets or the end are here. An error is the client's (or Cause::limit: no buffer); it took
  // too long when `deadline`, which wakes `signal`, has passed.
  net::Task<Result<>> fill(net::Signal& signal, const net::Deadline& deadline);
  // All of it is here: rewind() lets it be pulled again.
  bool is_whole() const { return ended_; }
  void rewind() { at_ = 0; }

  std::optional<std::uint64_t> length() const override;
  http::Pull try_next(std::size_t max, Waiter& waiter) override;
  void stop_waiting() noexcept override { inner_.stop_waiting(); }
  const http::Fields* trailers() const override { return inner_.trailers(); }

 private:
  bool keep(std::string_view data);

  http::Body& inner_;
  BufferPool& pool_;
  const std::uint64_t max_;
  std::vector<Buffer> parts_;  // each filled to its end but the last
  std::uint64_t size_ = 0;
  std::uint64_t at_ = 0;
  std::string_view piece_;
  bool ended_ = false;
};

}  // namespace shellac::proxy
