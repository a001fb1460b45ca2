// The octets that an HTTP/1 peer has sent and nobody has used yet.
#pragma once

#include <string_view>

#include "shellac/core/buffer.hpp"
#include "shellac/net/stream.hpp"

namespace shellac::wire {

// Two pooled buffers: the head's, which stays where it is as long as views into it are in use (one exchange), and a
// larger one for the body. What is left at the end of an exchange begins the next head. Thread: its loop's.
class Input {
 public:
  // `head_buffer`: the size of the first buffer that a head is read into.
  Input(net::Stream& stream, std::size_t head_buffer) : stream_(stream), head_buffer_(head_buffer) {}

  std::string_view available() const { return {region().data() + begin_, end_ - begin_}; }
  bool empty() const { return begin_ == end_; }
  void consume(std::size_t bytes) { begin_ += bytes; }

  // Reads behind what is there, for a head that begins at available(); moves and grows the buffer as needed, so that
  // views die. `out_of_buffers` is set when the budget refused a buffer.
  net::IoResult read_head(std::size_t head_max);
  // Reads body octets, only when empty(); the head stays.
  net::IoResult read_body();
  bool out_of_buffers() const { return out_of_buffers_; }

  // The exchange is over: its head is not needed any more. Gives back whatever holds nothing.
  void end_exchange();
  // As end_exchange(), but the buffers stay alive with the caller, whose views point into them.
  void end_exchange_keeping(Buffer& head, Buffer& body);

 private:
  const Buffer& region() const { return in_body_ ? body_ : head_; }
  net::IoResult refuse();

  net::Stream& stream_;
  const std::size_t head_buffer_;
  Buffer head_, body_;
  bool in_body_ = false;  // begin_ and end_ count in body_
  bool out_of_buffers_ = false;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace shellac::wire
