#include "bodies.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "shellac/core/limits.hpp"

namespace shellac::proxy {

using State = http::Pull::State;

http::Pull LimitedBody::try_next(std::size_t max, Waiter& waiter) {
  http::Pull pull = inner_.try_next(max, waiter);
  if (pull.size() > left_) {
    inner_.stop_waiting();
    return {State::failed, {}, Error{Side::client, Cause::too_large, false, {}, "reading the request's body"}};
  }
  left_ -= pull.size();
  return pull;
}

TimedBody::TimedBody(http::Body& inner, net::Loop& loop, Time end) : inner_(inner), deadline_(loop, *this) {
  deadline_.arm(std::max<Duration>(end - loop.now(), std::chrono::milliseconds(1)));
}

http::Pull TimedBody::try_next(std::size_t max, Waiter& waiter) {
  if (deadline_.expired()) {
    inner_.stop_waiting();
    return {State::failed, {}, Error{Side::self, Cause::timeout, false, {}, "keeping the route's timeout"}};
  }
  puller_ = &waiter;
  const http::Pull pull = inner_.try_next(max, *this);
  if (pull.state != State::pending) puller_ = nullptr;
  return pull;
}

void TimedBody::stop_waiting() noexcept {
  puller_ = nullptr;
  inner_.stop_waiting();
}

void TimedBody::wake() noexcept {
  if (Waiter* puller = std::exchange(puller_, nullptr)) puller->wake();
}

bool BufferedBody::keep(std::string_view data) {
  while (!data.empty()) {
    const std::size_t offset = static_cast<std::size_t>(size_ % limits::kBodyBuffer);
    if (offset == 0) {
      Buffer next = pool_.try_take(limits::kBodyBuffer);
      if (!next) return false;
      parts_.push_back(std::move(next));
    }
    const std::size_t taken = std::min(data.size(), limits::kBodyBuffer - offset);
    std::memcpy(parts_.back().data() + offset, data.data(), taken);
    size_ += taken;
    data.remove_prefix(taken);
  }
  return true;
}

net::Task<Result<>> BufferedBody::fill(net::Signal& signal, const net::Deadline& deadline) {
  while (!ended_ && size_ < max_) {
    const http::Pull pull =
        inner_.try_next(static_cast<std::size_t>(std::min<std::uint64_t>(max_ - size_, limits::kBodyBuffer)), signal);
    if (pull.state == State::failed) co_return pull.error;
    for (const std::string_view piece : pull.data)
      if (!keep(piece)) co_return Error{Side::self, Cause::limit, true, {}, "keeping the request's body"};
    ended_ = pull.state == State::end;
    if (pull.state != State::pending) continue;
    co_await signal.wait();
    if (!deadline.expired()) continue;
    inner_.stop_waiting();
    co_return Error{Side::client, Cause::timeout, true, {}, "reading the request's body"};
  }
  co_return Result<>{};
}

std::optional<std::uint64_t> BufferedBody::length() const {
  // A body that came in chunks but is whole has a length after all; with trailers it stays chunked.
  if (ended_ && inner_.trailers() == nullptr) return size_;
  return inner_.length();
}

http::Pull BufferedBody::try_next(std::size_t max, Waiter& waiter) {
  if (at_ < size_) {
    const std::size_t part = static_cast<std::size_t>(at_ / limits::kBodyBuffer);
    const std::size_t offset = static_cast<std::size_t>(at_ % limits::kBodyBuffer);
    const std::uint64_t here = std::min<std::uint64_t>({max, limits::kBodyBuffer - offset, size_ - at_});
    piece_ = {parts_[part].data() + offset, static_cast<std::size_t>(here)};
    at_ += here;
    return {ended_ && at_ == size_ ? State::end : State::more, {&piece_, 1}, {}};
  }
  if (ended_) return {State::end, {}, {}};
  return inner_.try_next(max, waiter);
}

http::Pull SlicedBody::try_next(std::size_t max, Waiter& waiter) {
  for (;;) {
    http::Pull pull = inner_.try_next(max, waiter);
    if (pull.state == http::Pull::State::failed || pull.state == http::Pull::State::pending) return pull;
    views_.clear();
    for (std::string_view part : pull.data) {
      const std::uint64_t skipped = std::min<std::uint64_t>(skip_, part.size());
      skip_ -= skipped;
      part = part.substr(skipped, size_ - given_);
      given_ += part.size();
      if (!part.empty()) views_.push_back(part);
    }
    if (given_ == size_) return {http::Pull::State::end, views_, {}};
    if (pull.state == http::Pull::State::end)
      return {http::Pull::State::failed, {}, {Side::backend, Cause::closed, false, {}, "reading the answer's body"}};
    if (!views_.empty()) return {http::Pull::State::more, views_, {}};
  }
}

}  // namespace shellac::proxy
