// A message body that is pulled, in both directions and by every protocol.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "shellac/core/error.hpp"
#include "shellac/core/waiter.hpp"
#include "shellac/http/fields.hpp"

namespace shellac::http {

// What one pull gave. The views stay valid until the next pull or the body's end of life.
struct Pull {
  enum class State : std::uint8_t {
    more,     // `data` is not empty; there may be more
    end,      // `data` (may be empty) was the last; trailers are final
    pending,  // nothing now; the waiter is woken when there is news
    failed,   // `error` tells; the message is broken and must not look whole to its reader
  };
  State state = State::end;
  std::span<const std::string_view> data;
  Error error{};

  std::size_t size() const {
    std::size_t sum = 0;
    for (std::string_view part : data) sum += part.size();
    return sum;
  }
};

// Whoever pulls does the awaiting. After `end` or `failed` nothing may be pulled any more.
// Thread: the puller's. The waiter is kept only while the last answer was `pending`; stop_waiting() forgets it, and so
// does the destructor.
class Body {
 public:
  Body() = default;
  Body(const Body&) = delete;
  Body& operator=(const Body&) = delete;
  virtual ~Body() = default;

  // The exact length when it is known before the end.
  virtual std::optional<std::uint64_t> length() const { return std::nullopt; }
  // At most `max` octets.
  virtual Pull try_next(std::size_t max, Waiter& waiter) = 0;
  virtual void stop_waiting() noexcept {}
  // RFC 9110 §6.5; null when there are none. Valid after `end`.
  virtual const Fields* trailers() const { return nullptr; }
};

// A body that is at hand. Resource.
class TextBody final : public Body {
 public:
  explicit TextBody(std::string text) : text_(std::move(text)), view_(text_) {}
  std::optional<std::uint64_t> length() const override { return text_.size(); }
  Pull try_next(std::size_t max, Waiter&) override;

 private:
  std::string text_;
  std::string_view view_;
  std::string_view piece_;
};

}  // namespace shellac::http
