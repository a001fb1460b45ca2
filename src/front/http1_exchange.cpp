#include "http1_exchange.hpp"

#include "shellac/core/bug.hpp"
#include "shellac/core/limits.hpp"

namespace shellac::front {
namespace {

using Status = net::IoResult::Status;
using State = http::Pull::State;

}  // namespace

Http1Exchange::Http1Exchange(Setting setting) : setting_(setting), head_complete_(setting.context.loop.now()) {}

void Http1Exchange::refuse(Refused why) {
  refused_ = why;
  head_.keep_alive = false;
  head_complete_ = loop().now();
}

void Http1Exchange::accept() {
  head_complete_ = loop().now();
  if (!head_.has_body()) return;
  body_.emplace(wire::BodySource::Setting{setting_.input, setting_.stream, setting_.listener.options.timeouts.body,
                                          Side::client, "reading the request's body"},
                head_.framing, head_.content_length);
  // RFC 9110 §10.1.1: a client that has begun its body does not wait, so nobody needs to ask for it.
  if (!setting_.input.empty()) head_.expect_continue = false;
  if (head_.expect_continue) body_->expect_continue();
}

std::uint64_t Http1Exchange::body_bytes_in() const {
  if (upgraded_) return upgraded_->received();
  return body_ ? body_->received() : 0;
}

http::Body& Http1Exchange::upgraded_input() {
  if (!upgraded_)
    upgraded_.emplace(wire::BodySource::Setting{setting_.input, setting_.stream, Duration::zero(), Side::client,
                                                "reading from the tunnel's client"},
                      http::Framing::until_close, 0);
  return *upgraded_;
}

bool Http1Exchange::is_gone() const {
  return aborted_ || !setting_.stream.socket().is_open() || setting_.stream.socket().is_broken();
}

// The writer's place is free as long as nothing is being written, and it hears of a broken connection, too.
void Http1Exchange::watch_client(Waiter* waiter) noexcept {
  if (waiter != nullptr)
    setting_.stream.socket().wait_write(*waiter);
  else
    setting_.stream.socket().forget_write();
}

void Http1Exchange::reset() noexcept {
  aborted_ = true;
  setting_.stream.socket().abort();
}

Http1Exchange::Finish Http1Exchange::finish() {
  setting_.deadline.disarm();
  setting_.stream.socket().forget();
  if (aborted_) return Finish::abort;
  if (BUG_IF(!responded_, "front/http1")) return Finish::abort;
  return keep_ ? Finish::keep : Finish::close;
}

void Http1Exchange::Output::advance(std::size_t bytes) {
  while (bytes > 0) {
    iovec& part = parts_[first_];
    const std::size_t taken = std::min(bytes, part.iov_len);
    part.iov_base = static_cast<char*>(part.iov_base) + taken;
    part.iov_len -= taken;
    bytes -= taken;
    if (part.iov_len == 0) ++first_;
  }
  if (empty()) clear();
}

// RFC 9112 §6: how the end of this response is told on this connection.
http::WireFraming Http1Exchange::choose_framing(const http::ResponseHead& head, const http::Body* body) {
  http::WireFraming framing;
  const bool body_unread = body_ && !body_->is_complete();
  framing.close = !head_.keep_alive || setting_.context.draining || refused_ || body_unread;
  framing.keep_alive = head_.version == http::Version::http10 && !framing.close;
  if (head.status == 101) {
    framing.close = framing.keep_alive = false;
    return framing;
  }
  if (http::is_bodyless(head_.known, head.status)) return framing;
  if (body == nullptr) {
    framing.kind = http::Framing::length;
  } else if (const auto length = body->length()) {
    framing.kind = http::Framing::length;
    framing.length = *length;
  } else if (head_.version == http::Version::http10) {
    framing.kind = http::Framing::until_close;
    framing.close = true;
    framing.keep_alive = false;
  } else {
    framing.kind = http::Framing::chunked;
  }
  return framing;
}

bool Http1Exchange::write_head(const http::ResponseHead& head, const http::WireFraming& framing) {
  const std::size_t size = http::head_size_max(head, framing);
  if (!head_text_ || head_text_.size() < size) head_text_ = loop().buffers().try_take(size);
  if (!head_text_) return false;
  const bool tells_length = framing.kind == http::Framing::none && head.framing == http::Framing::length &&
                            (head_.known == http::Method::head || head.status == 304);
  head_size_ = http::write_head(head, framing, tells_length ? &head.content_length : nullptr, head_text_.span());
  output_.clear();
  output_.add({head_text_.data(), head_size_});
  return true;
}

net::Task<Result<>> Http1Exchange::inform(const http::ResponseHead& head) {
  if (head_.version == http::Version::http10) co_return Result<>{};  // RFC 9110 §15.2
  if (head.status == 100 && body_) body_->forget_continue();
  Result<> result;
  const http::WireFraming no_body;
  if (!write_head(head, no_body)) {
    result = Error{Side::self, Cause::limit, false, {}, "sending an interim answer"};
    co_return result;
  }
  const Written written = co_await write_out();
  if (written != Written::ok) result = Error{Side::client, Cause::reset, false, {}, "sending an interim answer"};
  co_return result;
}

net::Task<Sent> Http1Exchange::respond(http::ResponseHead& head, http::Body* body) {
  if (BUG_IF(responded_, "front/http1")) co_return Sent{Sent::End::client_reset};
  responded_ = true;
  watch_client(nullptr);
  if (body_) body_->forget_continue();
  http::WireFraming framing = choose_framing(head, body);
  if (head.status == 101) framing.upgrade = head.fields.value(http::FieldId::upgrade);
  keep_ = !framing.close && head.status != 101;
  if (!write_head(head, framing)) {
    reset();
    co_return Sent{Sent::End::client_reset, 0, {Side::self, Cause::limit, false, {}, "writing the head"}};
  }
  if (framing.kind == http::Framing::none && head.status != 101) body = nullptr;
  if (head.status == 101) framing.kind = http::Framing::until_close;
  co_return co_await send(body, framing);
}

Sent Http1Exchange::broken(Sent::End end, Error error) {
  // A reset, not an orderly end: a length that is not reached and a missing last chunk would tell it, but an answer
  // that ends with the connection would look whole.
  reset();
  return {end, 0, error};
}

net::Task<Sent> Http1Exchange::send(http::Body* body, http::WireFraming framing) {
  const bool chunked = framing.kind == http::Framing::chunked;
  std::uint64_t sent = 0;
  std::size_t burst = 0;
  bool head_sent = false;
  std::string last_chunk;
  for (bool more = body != nullptr; more || !output_.empty();) {
    if (more) {
      const http::Pull pull = body->try_next(limits::kFairShare, setting_.signal);
      if (pull.state == State::failed && !head_sent && !upgraded_) {
        output_.clear();
        responded_ = false;
        co_return Sent{Sent::End::body_failed, 0, pull.error, true};
      }
      if (pull.state == State::failed) {
        // What was sent before is the client's to keep.
        Sent result = broken(Sent::End::body_failed, pull.error);
        result.body_bytes = sent;
        co_return result;
      }
      add_pieces(pull, chunked);
      if (pull.size() > 0) last_sent_ = loop().now();
      sent += pull.size();
      burst += pull.size();
      if (pull.state == State::end) {
        more = false;
        if (chunked) last_chunk = http::write_last_chunk(body->trailers());
        output_.add(last_chunk);
      }
      if (pull.state == State::pending && output_.empty()) {
        const Sent::End end = co_await wait_for_body();
        if (end == Sent::End::completed) continue;
        body->stop_waiting();
        Sent result = broken(end, {});
        result.body_bytes = sent;
        co_return result;
      }
      // While the body was pending it may have woken the signal; write_out() asks the socket, not the signal.
    }
    head_sent = true;
    const Written written = co_await write_out();
    if (written != Written::ok) {
      if (body != nullptr) body->stop_waiting();
      Sent result = broken(written == Written::timeout ? Sent::End::client_timeout : Sent::End::client_reset, {});
      result.body_bytes = sent;
      co_return result;
    }
    if (more && burst >= limits::kFairShare) {
      burst = 0;
      co_await net::yield(setting_.signal);
    }
  }
  head_text_.reset();
  if (upgraded_) setting_.stream.finish_writing();  // the client may go on sending
  if (framing.kind == http::Framing::length && body != nullptr && BUG_IF(sent != framing.length, "front/http1")) {
    Sent result = broken(Sent::End::body_failed, {});
    result.body_bytes = sent;
    co_return result;
  }
  co_return Sent{Sent::End::completed, sent, {}};
}

void Http1Exchange::add_pieces(const http::Pull& pull, bool chunked) {
  const std::size_t size = pull.size();
  if (size == 0) return;
  if (chunked) output_.add({chunk_size_.data(), http::write_chunk_size(size, chunk_size_)});
  for (const std::string_view piece : pull.data) output_.add(piece);
  if (chunked) output_.add(http::kChunkEnd);
}

// The body has nothing now. A tunnel that is silent in both directions for too long ends; everything else has its
// deadline where the body comes from.
net::Task<Sent::End> Http1Exchange::wait_for_body() {
  auto& [stream, client, listener, context, signal, deadline, input] = setting_;
  const auto quiet = [this] { return loop().now() - std::max(last_sent_, upgraded_->last_activity()); };
  if (upgraded_)
    deadline.arm(std::max<Duration>(listener.options.timeouts.tunnel - quiet(), std::chrono::milliseconds(1)));
  watch_client(&signal);
  co_await signal.wait();
  watch_client(nullptr);
  if (upgraded_ && deadline.expired()) {
    deadline.disarm();
    if (quiet() >= listener.options.timeouts.tunnel) co_return Sent::End::client_timeout;
  }
  if (is_gone()) co_return Sent::End::client_reset;
  co_return Sent::End::completed;
}

net::Task<Http1Exchange::Written> Http1Exchange::write_out() {
  auto& [stream, client, listener, context, signal, deadline, input] = setting_;
  deadline.disarm();
  for (std::uint64_t written = stream.socket().written();;) {
    const net::IoResult result = output_.empty() ? stream.try_flush() : stream.try_write(output_.pending());
    if (result.status == Status::done) {
      if (output_.empty()) break;
      output_.advance(result.bytes);
      continue;
    }
    if (!result.would_block()) co_return Written::reset;
    if (stream.socket().written() != written) {
      written = stream.socket().written();
      deadline.disarm();  // progress
    }
    if (deadline.expired()) {
      deadline.disarm();
      co_return Written::timeout;
    }
    // A tunnel has one rule for both directions.
    const auto& timeouts = listener.options.timeouts;
    if (!deadline.armed()) deadline.arm(upgraded_ ? timeouts.tunnel : timeouts.send);
    stream.socket().wait(result.status, signal);
    co_await signal.wait();
    if (!stream.socket().is_open()) co_return Written::reset;
  }
  deadline.disarm();
  co_return Written::ok;
}

}  // namespace shellac::front
