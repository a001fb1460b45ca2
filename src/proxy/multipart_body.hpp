// Several ranges of a stored body in one answer: multipart/byteranges (RFC 9110 §14.6).
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "shellac/cache/reader.hpp"
#include "shellac/core/arena.hpp"
#include "shellac/http/range.hpp"

namespace shellac::proxy {

// Views of `form` and the arena outlive it. Thread: its worker.
class MultipartBody final : public http::Body {
 public:
  MultipartBody(cache::ContentRef content, const http::RangeSelection& ranges, const http::MultipartForm& form,
                Arena& arena)
      : content_(std::move(content)), ranges_(ranges), form_(form), arena_(arena) {}
  std::optional<std::uint64_t> length() const override { return http::multipart_size(form_, ranges_); }
  http::Pull try_next(std::size_t max, Waiter& waiter) override;
  void stop_waiting() noexcept override {
    if (reader_) reader_->stop_waiting();
  }

 private:
  const cache::ContentRef content_;
  const http::RangeSelection ranges_;
  const http::MultipartForm form_;
  Arena& arena_;
  std::size_t next_ = 0;  // range
  std::optional<cache::Reader> reader_;
  bool reader_done_ = false;
  std::string_view text_;
};

}  // namespace shellac::proxy
