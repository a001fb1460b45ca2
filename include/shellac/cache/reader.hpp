// Who reads a stored body, also while it still arrives.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "shellac/cache/content.hpp"
#include "shellac/http/body.hpp"

namespace shellac::cache {

// Reads [first, last] of a content; it lives in the reading exchange's frame and allocates nothing. Octets that have
// not arrived are pending; in a window those before `first` are passed over. When the transfer fails, a reader gets
// what has arrived and then the writer's error, unless that was all it wanted. Thread: its worker.
class Reader final : public http::Body {
 public:
  // `first` and `last` inclusive; to the end when `last` is absent or beyond it.
  struct Span {
    std::uint64_t first = 0;
    std::optional<std::uint64_t> last;
  };
  Reader(ContentRef content, Span span);
  ~Reader() override;

  // False: there is no content, or it is a window that has given octets up already; nothing can be pulled.
  bool has_opened() const { return content_.get() != nullptr; }
  // Known when the content's length is, or when everything up to `last` has arrived.
  std::optional<std::uint64_t> length() const override;
  http::Pull try_next(std::size_t max, Waiter& waiter) override;
  void stop_waiting() noexcept override;

 private:
  friend class Content;
  static constexpr std::size_t kViewsMax = 8;

  bool try_open();
  void detach();
  http::Pull look(std::size_t max);

  ContentRef content_;
  const std::uint64_t first_;
  std::uint64_t stop_;        // one past the last octet wanted; the largest number: to the end
  std::uint64_t position_;    // of the next octet
  std::uint64_t held_;        // where the views of the last pull begin: nothing from there on may be given up
  std::uint32_t extent_ = 0;  // where `position_` is, once `has_place_`
  bool has_place_ = false;
  bool is_attached_ = false;  // opened while the content grew; then the rest is guarded by the content's mutex
  Waiter* waiter_ = nullptr;
  Reader* previous_ = nullptr;
  Reader* next_ = nullptr;
  std::array<std::string_view, kViewsMax> views_{};
};

}  // namespace shellac::cache
