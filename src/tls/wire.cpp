#include "tls/wire.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "shellac/core/limits.hpp"

namespace shellac::tls {
namespace {

using net::IoResult;
using Status = net::IoResult::Status;

// One send per 64 KiB, or per 256 KiB when that much is at hand (speed.md: 850 and 772 µs per MiB).
constexpr std::size_t kOutputMax = 256 * 1024;
// The middle class of pooled buffers.
constexpr std::size_t kSmall = 16 * 1024;

IoResult refused() { return {Status::failed, 0, make_error_code(boost::system::errc::no_buffer_space)}; }

int read_bio(BIO* bio, char* into, std::size_t size, std::size_t* taken) {
  BIO_clear_retry_flags(bio);
  const IoResult result = static_cast<Wire*>(BIO_get_data(bio))->take({into, size});
  *taken = result.bytes;
  if (result.would_block()) BIO_set_retry_read(bio);
  return result.status == Status::done ? 1 : 0;
}

int write_bio(BIO* bio, const char* from, std::size_t size, std::size_t* taken) {
  BIO_clear_retry_flags(bio);
  const IoResult result = static_cast<Wire*>(BIO_get_data(bio))->put({from, size});
  *taken = result.status == Status::done ? size : 0;
  if (result.would_block()) BIO_set_retry_write(bio);
  return result.status == Status::done ? 1 : 0;
}

long control_bio(BIO* bio, int command, long, void*) {
  switch (command) {
    case BIO_CTRL_FLUSH:  // the stream flushes when OpenSSL has returned
      return 1;
    case BIO_CTRL_EOF:
      return static_cast<Wire*>(BIO_get_data(bio))->ended() ? 1 : 0;
    default:
      return 0;
  }
}

BIO_METHOD* make_method() {
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "shellac wire");
  if (method == nullptr) return nullptr;
  BIO_meth_set_read_ex(method, read_bio);
  BIO_meth_set_write_ex(method, write_bio);
  BIO_meth_set_ctrl(method, control_bio);
  return method;
}

}  // namespace

BIO* Wire::make_bio() {
  // OpenSSL never frees a method and neither do we: streams may outlive static destruction.
  static BIO_METHOD* const method = make_method();
  BIO* bio = method != nullptr ? BIO_new(method) : nullptr;
  if (bio == nullptr) return nullptr;
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  return bio;
}

IoResult Wire::refill() {
  input_begin_ = input_end_ = 0;
  if (ended_) return {Status::end};
  if (!input_) input_ = transport_->socket().loop().buffers().try_take(limits::kBodyBuffer);
  if (!input_) return refused();
  const IoResult result = transport_->try_read(input_.span());
  if (result.status != Status::done) {
    input_.reset();
    ended_ = result.status == Status::end;
    return result;
  }
  input_end_ = result.bytes;
  for (std::size_t i = 0; first_count_ < sizeof first_octets_ && i < input_end_; ++i)
    first_octets_[first_count_++] = static_cast<unsigned char>(input_.data()[i]);
  return result;
}

IoResult Wire::take(std::span<char> into) {
  if (!has_input()) {
    const IoResult result = refill();
    if (result.status != Status::done) return obstacle_ = result;
  }
  const std::size_t count = std::min(into.size(), input_end_ - input_begin_);
  std::memcpy(into.data(), input_.data() + input_begin_, count);
  input_begin_ += count;
  if (!has_input()) input_.reset();
  return {Status::done, count};
}

bool Wire::take_output_buffer(std::size_t least, std::size_t wanted) {
  BufferPool& pool = transport_->socket().loop().buffers();
  Buffer larger = pool.try_take(std::clamp(wanted, least, std::max(least, kOutputMax)));
  if (!larger && wanted > least) larger = pool.try_take(least);
  if (!larger) return false;
  const std::size_t held = output_bytes();
  if (held > 0) std::memcpy(larger.data(), output_.data() + output_begin_, held);
  output_ = std::move(larger);
  output_begin_ = 0;
  output_end_ = held;
  return true;
}

IoResult Wire::reserve(std::size_t least, std::size_t wanted) {
  if (room() >= least) return {};
  // A small beginning moves to a larger buffer rather than out on its own: one send for a head and its body.
  const std::size_t begun = output_bytes();
  if (begun > 0 && begun <= kSmall && output_.size() <= kSmall && take_output_buffer(begun + least, begun + wanted))
    return {};
  if (output_bytes() > 0) {
    const IoResult flushed = flush();
    if (flushed.status == Status::failed) return flushed;
  }
  if (output_bytes() == 0) return take_output_buffer(least, wanted) ? IoResult{} : refused();
  if (room() >= least) return {};
  // The transport is full. Moving pays only when it moves the smaller part.
  const std::size_t held = output_bytes();
  if (held > output_begin_ || output_.size() - held < least) return {Status::want_write};
  std::memmove(output_.data(), output_.data() + output_begin_, held);
  output_begin_ = 0;
  output_end_ = held;
  return {};
}

IoResult Wire::put(std::span<const char> from) {
  IoResult result = reserve(from.size(), from.size());
  // Handshakes and alerts may need a larger buffer than what was there; data was given its room before.
  if (result.would_block() && output_bytes() + from.size() <= kOutputMax) {
    const std::size_t needed = output_bytes() + from.size();
    result = take_output_buffer(needed, needed) ? IoResult{} : refused();
  }
  if (result.status != Status::done) return obstacle_ = result;
  std::memcpy(output_.data() + output_end_, from.data(), from.size());
  output_end_ += from.size();
  return result;
}

IoResult Wire::flush() {
  while (output_begin_ < output_end_) {
    const std::array<iovec, 1> rest{{{output_.data() + output_begin_, output_bytes()}}};
    const IoResult result = transport_->try_write(rest);
    if (result.status != Status::done) return result;
    output_begin_ += result.bytes;
  }
  output_.reset();
  output_begin_ = output_end_ = 0;
  return transport_->try_flush();
}

}  // namespace shellac::tls
