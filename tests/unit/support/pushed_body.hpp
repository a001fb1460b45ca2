// A body that the test feeds piece by piece.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "shellac/http/body.hpp"

namespace shellac::test {

// Keeps the contract of http::Body as strictly as a real one. Whoever pulls from a coroutine is woken by put(),
// finish() and fail(), which therefore belong into DrivenLoop::on_loop().
class PushedBody final : public http::Body {
 public:
  // Without a length, what is told is that it is not known.
  explicit PushedBody(std::optional<std::uint64_t> length = std::nullopt) : length_(length) {}

  void put(std::string_view piece) {
    waiting_ += piece;
    wake();
  }
  void finish() {
    ended_ = true;
    wake();
  }
  void add_trailer(std::string_view name, std::string_view value) { trailers_.add(name, value); }
  void fail(const Error& error) {
    failure_ = error;
    wake();
  }
  std::uint64_t pulled() const { return pulled_; }
  bool is_awaited() const { return waiter_ != nullptr; }

  std::optional<std::uint64_t> length() const override { return length_; }
  http::Pull try_next(std::size_t max, Waiter& waiter) override {
    using State = http::Pull::State;
    waiter_ = nullptr;
    if (failure_) return {State::failed, {}, *failure_};
    current_ = waiting_.substr(0, max);
    waiting_.erase(0, current_.size());
    pulled_ += current_.size();
    piece_ = current_;
    const bool last = ended_ && waiting_.empty();
    if (!current_.empty()) return {last ? State::end : State::more, {&piece_, 1}, {}};
    if (last) return {State::end, {}, {}};
    waiter_ = &waiter;
    return {State::pending, {}, {}};
  }
  void stop_waiting() noexcept override { waiter_ = nullptr; }
  const http::Fields* trailers() const override { return trailers_.empty() ? nullptr : &trailers_; }

 private:
  void wake() {
    if (Waiter* waiter = std::exchange(waiter_, nullptr)) waiter->wake();
  }
  const std::optional<std::uint64_t> length_;
  std::string waiting_, current_;
  std::string_view piece_;
  http::Fields trailers_;
  std::uint64_t pulled_ = 0;
  bool ended_ = false;
  std::optional<Error> failure_;
  Waiter* waiter_ = nullptr;
};

}  // namespace shellac::test
