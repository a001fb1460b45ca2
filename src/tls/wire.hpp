// The encrypted side of one connection: the transport, what came from it and what is to go out, and OpenSSL's view of
// both as a BIO.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "shellac/core/buffer.hpp"
#include "shellac/net/stream.hpp"
#include "tls/openssl.hpp"

namespace shellac::tls {

// Buffers are pooled, taken when there is something to hold and given back as soon as it is gone: an idle connection
// has none. Resource, at a fixed address (the BIO points here). Thread: the transport's loop.
class Wire {
 public:
  explicit Wire(std::unique_ptr<net::Stream> transport) : transport_(std::move(transport)) {}
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  net::Stream& transport() const { return *transport_; }
  net::Socket& socket() const { return transport_->socket(); }

  // A new BIO over this wire; whoever takes it frees it before the wire dies. Null when there is no memory.
  BIO* make_bio();

  // Copies received octets to `into`, after one read of the transport when none are left.
  net::IoResult take(std::span<char> into);
  // What the last take() that gave nothing said; `done` since mark().
  const net::IoResult& obstacle() const { return obstacle_; }
  void mark() { obstacle_ = {}; }
  // Octets that were received and not taken.
  bool has_input() const { return input_begin_ < input_end_; }
  // False when a read is known to give nothing without a new event.
  bool may_have_input() const { return has_input() || transport_->has_buffered_input() || socket().may_be_readable(); }
  // True once OpenSSL was told that the transport has ended.
  bool ended() const { return ended_; }
  // The first octets that ever came (at most 2).
  std::span<const unsigned char> first_octets() const { return {first_octets_, first_count_}; }

  // Appends all of `from` to what is to go out, or nothing (want_write, failed).
  net::IoResult put(std::span<const char> from);
  // Makes room for at least `least` more octets, in a buffer that would hold `wanted` (≤ 256 KiB are had in mind).
  // want_write when that many are already waiting; failed when the budget refuses a buffer.
  net::IoResult reserve(std::size_t least, std::size_t wanted);
  // Sends what is to go out: done when nothing is left.
  net::IoResult flush();
  std::size_t output_bytes() const { return output_end_ - output_begin_; }

 private:
  net::IoResult refill();
  bool take_output_buffer(std::size_t least, std::size_t wanted);
  std::size_t room() const { return output_.size() - output_end_; }

  std::unique_ptr<net::Stream> transport_;
  Buffer input_;
  std::size_t input_begin_ = 0;
  std::size_t input_end_ = 0;
  Buffer output_;
  std::size_t output_begin_ = 0;
  std::size_t output_end_ = 0;
  net::IoResult obstacle_;
  bool ended_ = false;
  unsigned char first_octets_[2] = {};
  std::uint8_t first_count_ = 0;
};

}  // namespace shellac::tls
