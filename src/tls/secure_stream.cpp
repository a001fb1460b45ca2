#include "tls/secure_stream.hpp"

#include <openssl/err.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace shellac::tls {
namespace {

using net::IoResult;
using Status = net::IoResult::Status;
namespace errc = boost::system::errc;

// RFC 8446 §5.1: the most plaintext in one record.
constexpr std::size_t kRecord = 16 * 1024;
// What a record adds at most: header, nonce, tag or MAC and padding of a backend's old cipher.
constexpr std::size_t kRecordOverhead = 128;
// Records without data (key updates, tickets) between two with data. A backend sends a few tickets; more is a flood,
// and each would cost us a derivation of keys.
constexpr std::uint8_t kControlRecordsMax = 32;

constexpr unsigned char kHandshakeRecord = 22;
constexpr unsigned char kMajorVersion = 3;

// Cuts gathered parts into records: straight from a part that fills one, else joined in `scratch`, so that a head and
// the start of its body share a record.
class Slicer {
 public:
  explicit Slicer(std::span<const iovec> parts) : parts_(parts) {
    for (const iovec& part : parts) left_ += part.iov_len;
  }
  std::size_t left() const { return left_; }

  std::span<const char> next(std::span<char, kRecord> scratch) const {
    const std::size_t size = std::min(left_, kRecord);
    std::size_t index = index_;
    std::size_t offset = offset_;
    while (parts_[index].iov_len == offset) {
      ++index;
      offset = 0;
    }
    const char* first = static_cast<const char*>(parts_[index].iov_base) + offset;
    if (parts_[index].iov_len - offset >= size) return {first, size};
    for (std::size_t filled = 0; filled < size; ++index, offset = 0) {
      const std::size_t count = std::min(parts_[index].iov_len - offset, size - filled);
      if (count == 0) continue;
      std::memcpy(scratch.data() + filled, static_cast<const char*>(parts_[index].iov_base) + offset, count);
      filled += count;
    }
    return {scratch.data(), size};
  }

  void advance(std::size_t count) {
    left_ -= count;
    while (count > 0) {
      const std::size_t here = std::min(count, parts_[index_].iov_len - offset_);
      count -= here;
      offset_ += here;
      if (offset_ == parts_[index_].iov_len) {
        ++index_;
        offset_ = 0;
      }
    }
  }

 private:
  std::span<const iovec> parts_;
  std::size_t index_ = 0;
  std::size_t offset_ = 0;
  std::size_t left_ = 0;
};

std::size_t sealed_size(std::size_t plain) { return plain + (plain / kRecord + 1) * kRecordOverhead; }

}  // namespace

SecureStream::SecureStream(std::unique_ptr<net::Stream> transport, SSL_CTX* context, Role role)
    : wire_(std::move(transport)), ssl_(SSL_new(context)), role_(role) {
  BIO* bio = ssl_ ? wire_.make_bio() : nullptr;
  if (bio == nullptr) {
    ssl_.reset();
    return;
  }
  SSL_set_bio(ssl_.get(), bio, bio);
  // Without AUTO_RETRY a record that holds no data comes back to us, so that we can count them.
  SSL_clear_mode(ssl_.get(), SSL_MODE_AUTO_RETRY);
  if (role == Role::server)
    SSL_set_accept_state(ssl_.get());
  else
    SSL_set_connect_state(ssl_.get());
}

IoResult SecureStream::fail(boost::system::error_code code, std::string_view reason) {
  error_ = code;
  failure_ = reason;
  return {Status::failed, 0, code};
}

// Not a TLS record at all: very likely plain HTTP. Told apart here, since OpenSSL knows only some methods.
bool SecureStream::met_plain_text() const {
  const auto first = wire_.first_octets();
  return role_ == Role::server &&
         ((!first.empty() && first[0] != kHandshakeRecord) || (first.size() > 1 && first[1] != kMajorVersion));
}

IoResult SecureStream::fail_from_openssl(int ssl_error) {
  const IoResult obstacle = wire_.obstacle();
  if (obstacle.status == Status::failed) {
    ERR_clear_error();
    const bool refused = obstacle.code == make_error_code(errc::no_buffer_space);
    return fail(obstacle.code, refused ? "no buffer" : "connection lost");
  }
  if (wire_.ended()) {
    ERR_clear_error();
    return fail(make_error_code(errc::connection_reset), "closed by peer");
  }
  if (!handshake_done_ && met_plain_text()) {
    ERR_clear_error();
    return fail(make_error_code(errc::protocol_error), "not tls");
  }
  const bool from_queue = ssl_error == SSL_ERROR_SSL;
  const std::string_view reason = take_openssl_reason();
  return fail(make_error_code(errc::protocol_error), from_queue ? reason : "unknown reason");
}

IoResult SecureStream::try_handshake() {
  if (error_) return {Status::failed, 0, error_};
  if (!ssl_) return fail(make_error_code(errc::not_enough_memory), "no memory");
  if (handshake_done_) return try_flush();
  for (;;) {
    ERR_clear_error();
    wire_.mark();
    const int result = SSL_do_handshake(ssl_.get());
    const int ssl_error = result == 1 ? SSL_ERROR_NONE : SSL_get_error(ssl_.get(), result);
    if (ssl_error != SSL_ERROR_NONE && ssl_error != SSL_ERROR_WANT_READ && ssl_error != SSL_ERROR_WANT_WRITE) {
      // An alert may have been written; whoever does not speak TLS gets none.
      if (!met_plain_text()) wire_.flush();
      return fail_from_openssl(ssl_error);
    }
    const IoResult flushed = wire_.flush();
    if (flushed.status == Status::failed) return fail(flushed.code, "connection lost");
    if (ssl_error == SSL_ERROR_NONE) {
      handshake_done_ = true;
      control_records_ = 0;
      return flushed;
    }
    // The peer may wait for what could not be sent yet: that comes first.
    if (flushed.would_block()) return flushed;
    // OpenSSL waits for a whole record header; what is no TLS may be shorter and never come to it.
    if (met_plain_text()) return fail(make_error_code(errc::protocol_error), "not tls");
    if (ssl_error == SSL_ERROR_WANT_READ && wire_.obstacle().would_block()) return {Status::want_read};
    if (++control_records_ > kControlRecordsMax) return fail(make_error_code(errc::protocol_error), "no progress");
  }
}

// What a read that gave no data means. `done` = nothing yet, but try again at once.
IoResult SecureStream::after_read(int ssl_error) {
  switch (ssl_error) {
    case SSL_ERROR_WANT_READ:
      if (wire_.obstacle().would_block()) return {Status::want_read};
      if (++control_records_ > kControlRecordsMax)
        return fail(make_error_code(errc::protocol_error), "too many control records");
      return {};
    case SSL_ERROR_WANT_WRITE:
      return {Status::want_write};
    case SSL_ERROR_ZERO_RETURN:
      ended_ = true;
      return {Status::end};
    default:
      return fail_from_openssl(ssl_error);
  }
}

IoResult SecureStream::try_read(std::span<char> into) {
  if (error_) return {Status::failed, 0, error_};
  if (ended_) return {Status::end};
  if (into.empty()) return {};
  if (SSL_pending(ssl_.get()) == 0 && !wire_.may_have_input()) return {Status::want_read};
  const std::size_t output_before = wire_.output_bytes();
  std::size_t got = 0;
  IoResult outcome;
  // A record at a time while octets are at hand, so that a large buffer is filled by one call.
  while (got < into.size()) {
    ERR_clear_error();
    wire_.mark();
    std::size_t count = 0;
    if (SSL_read_ex(ssl_.get(), into.data() + got, into.size() - got, &count) == 1) {
      got += count;
      control_records_ = 0;
      if (!has_buffered_input()) break;
      continue;
    }
    outcome = after_read(SSL_get_error(ssl_.get(), 0));
    if (outcome.status != Status::done) break;
  }
  // Answers to key updates, and alerts.
  if (wire_.output_bytes() != output_before) wire_.flush();
  if (got > 0) return {Status::done, got};
  return outcome;
}

IoResult SecureStream::try_write(std::span<const iovec> from) {
  if (error_) return {Status::failed, 0, error_};
  std::array<char, kRecord> scratch;
  Slicer slicer(from);
  std::size_t taken = 0;
  while (slicer.left() > 0) {
    const std::span<const char> slice = slicer.next(scratch);
    // With room for the whole record OpenSSL never stops inside one, so the caller may come back with other data.
    const IoResult room = wire_.reserve(slice.size() + kRecordOverhead, sealed_size(slicer.left()));
    if (room.status == Status::failed) {
      const bool refused = room.code == make_error_code(errc::no_buffer_space);
      fail(room.code, refused ? "no buffer" : "connection lost");
    }
    if (room.status != Status::done) return taken > 0 ? IoResult{Status::done, taken} : room;
    ERR_clear_error();
    wire_.mark();
    std::size_t count = 0;
    if (SSL_write_ex(ssl_.get(), slice.data(), slice.size(), &count) != 1) {
      const int ssl_error = SSL_get_error(ssl_.get(), 0);
      const bool blocked = ssl_error == SSL_ERROR_WANT_WRITE;
      const IoResult outcome = blocked ? IoResult{Status::want_write} : fail_from_openssl(ssl_error);
      return taken > 0 ? IoResult{Status::done, taken} : outcome;
    }
    taken += count;
    slicer.advance(count);
  }
  return {Status::done, taken};
}

IoResult SecureStream::try_flush() {
  if (error_) return {Status::failed, 0, error_};
  const IoResult flushed = wire_.flush();
  if (flushed.status == Status::failed) return fail(flushed.code, "connection lost");
  return flushed;
}

void SecureStream::finish_writing() noexcept {
  if (!finished_ && ssl_ && !error_ && handshake_done_) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }
  finished_ = true;
  if (wire_.output_bytes() > 0) wire_.flush();
  wire_.transport().finish_writing();
}

bool SecureStream::has_buffered_input() const {
  return ssl_ && !error_ && !ended_ && (SSL_pending(ssl_.get()) > 0 || wire_.has_input());
}

void SecureStream::release_buffers() noexcept {
  // Ours are given back by themselves; OpenSSL's too (SSL_MODE_RELEASE_BUFFERS), but for what a handshake left.
  if (ssl_) SSL_free_buffers(ssl_.get());
  wire_.transport().release_buffers();
}

}  // namespace shellac::tls
