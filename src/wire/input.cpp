#include "shellac/wire/input.hpp"

#include <algorithm>
#include <cstring>

#include "shellac/core/limits.hpp"

namespace shellac::wire {

net::IoResult Input::refuse() {
  out_of_buffers_ = true;
  return {net::IoResult::Status::failed, 0, make_error_code(boost::system::errc::no_buffer_space)};
}

net::IoResult Input::read_head(std::size_t head_max) {
  auto& pool = stream_.socket().loop().buffers();
  if (!head_) {
    head_ = pool.try_take(head_buffer_);
    if (!head_) return refuse();
    begin_ = end_ = 0;
  }
  if (end_ == head_.size() && begin_ > 0) {
    std::memmove(head_.data(), head_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == head_.size()) {
    // The scan refuses a head above head_max before it gets here again, so growth is bounded.
    const std::size_t next = std::min(head_.size() * 4, limits::kBodyBuffer * 4);
    if (head_.size() > head_max + limits::kHeadBuffer || next == head_.size()) return refuse();
    Buffer larger = pool.try_take(next);
    if (!larger) return refuse();
    std::memcpy(larger.data(), head_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    head_ = std::move(larger);
  }
  const net::IoResult result = stream_.try_read(head_.span().subspan(end_));
  if (result.status == net::IoResult::Status::done) end_ += result.bytes;
  return result;
}

net::IoResult Input::read_body() {
  if (!body_) {
    body_ = stream_.socket().loop().buffers().try_take(limits::kBodyBuffer);
    if (!body_) return refuse();
  }
  in_body_ = true;
  begin_ = end_ = 0;
  const net::IoResult result = stream_.try_read(body_.span());
  if (result.status == net::IoResult::Status::done) end_ = result.bytes;
  return result;
}

void Input::end_exchange() {
  if (in_body_ && !empty()) {
    head_ = std::move(body_);  // pipelined requests that came with the body
  } else if (empty()) {
    head_.reset();
    begin_ = end_ = 0;
  }
  body_.reset();
  in_body_ = false;
}

// REQUIRES: nothing is left over; what a peer sends behind its message ends the connection.
void Input::end_exchange_keeping(Buffer& head, Buffer& body) {
  head = std::move(head_);
  body = std::move(body_);
  begin_ = end_ = 0;
  in_body_ = false;
}

}  // namespace shellac::wire
