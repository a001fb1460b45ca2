#include "shellac/upstream/exchange.hpp"

#include <algorithm>
#include <array>

#include "shellac/core/limits.hpp"
#include "shellac/http/head_scan.hpp"
#include "shellac/http/parser.hpp"
#include "shellac/http/writer.hpp"

namespace shellac::upstream {
namespace {

using Status = net::IoResult::Status;
using State = http::Pull::State;

// What a piece costs beside its octets, in octets: many tiny ones use up a turn, too.
constexpr std::size_t kPieceCost = 1024;

void drop_front(std::span<iovec> parts, std::size_t bytes) {
  for (iovec& part : parts) {
    const std::size_t taken = std::min(bytes, part.iov_len);
    part.iov_base = static_cast<char*>(part.iov_base) + taken;
    part.iov_len -= taken;
    bytes -= taken;
  }
}

}  // namespace

// Gives the connection back as soon as the answer is whole, while the client may still be reading it.
class BackendExchange::ResponseBody final : public wire::BodySource {
 public:
  ResponseBody(BackendExchange& exchange, Setting setting, http::Framing framing, std::uint64_t length)
      : BodySource(setting, framing, length), exchange_(exchange) {}

  http::Pull try_next(std::size_t max, shellac::Waiter& waiter) override {
    const http::Pull pull = BodySource::try_next(max, waiter);
    // The other direction of a tunnel may have more to say.
    if (pull.state == State::end && exchange_.head_.status != 101) exchange_.release();
    return pull;
  }

 private:
  BackendExchange& exchange_;
};

BackendExchange::BackendExchange(Setting setting) : setting_(setting) {}

BackendExchange::~BackendExchange() {
  sender_.cancel();
  if (body_ && connection_) body_->stop_waiting();
}

Error BackendExchange::broken(Cause cause, boost::system::error_code code, const char* doing) const {
  return {Side::backend, cause, false, code, doing};
}

net::Task<Result<>> BackendExchange::start(Reservation& reservation, const Request& request) {
  started_ = setting_.loop.now();
  method_ = request.head.known;
  asked_upgrade_ = !request.head.upgrade.empty();
  last_ = request.last;
  // Named: g++ 12 destroys an aggregate that is made inside a co_await expression twice.
  const Connector::Wanted wanted{setting_.pool, setting_.backend, request.head.authority, request.client,
                                 request.local, setting_.caller,  setting_.signal};
  auto acquired = co_await setting_.connector.acquire(reservation, wanted);
  if (!acquired) co_return acquired.error();
  connection_ = std::move(*acquired);
  reused_ = connection_->was_used();
  if (!reused_) connect_time_ = setting_.loop.now() - started_;
  auto sent = co_await send_head(request);
  if (!sent) co_return sent.error();
  if (request.body != nullptr) {
    sending_ = true;
    sent_whole_ = false;
    holding_ = request.head.expect_continue;
    sender_.start(send_body(*request.body, request.body->length() ? Framing::plain : Framing::chunked));
  }
  co_return Result<>{};
}

net::Task<Result<>> BackendExchange::send_head(const Request& request) {
  http::WireFraming framing;
  if (request.body != nullptr) {
    const auto length = request.body->length();
    framing.kind = length ? http::Framing::length : http::Framing::chunked;
    framing.length = length.value_or(0);
  } else if (request.head.framing == http::Framing::length) {
    framing.kind = http::Framing::length;  // "Content-Length: 0" of a POST means something
  }
  framing.upgrade = request.head.upgrade;
  framing.close = request.last;
  Buffer text = setting_.loop.buffers().try_take(http::head_size_max(request.head, framing) + request.target.size());
  if (!text) co_return Error{Side::self, Cause::limit, true, {}, "taking a buffer"};
  std::string_view left(text.data(), http::write_head(request.head, request.target, framing, text.span()));
  net::Deadline deadline(setting_.loop, setting_.signal);
  for (;;) {
    const iovec part{const_cast<char*>(left.data()), left.size()};
    const net::IoResult sent =
        left.empty() ? connection_->stream().try_flush() : connection_->stream().try_write({&part, 1});
    if (sent.status == Status::done) {
      if (left.empty()) co_return Result<>{};
      left.remove_prefix(sent.bytes);
    }
    if (sent.status == Status::failed) co_return broken(cause_of(sent.code), sent.code, "sending the request's head");
    if (!sent.would_block()) continue;
    if (!deadline.armed()) deadline.arm(setting_.pool.options.timeouts.between_bytes);
    connection_->stream().socket().wait(sent.status, setting_.signal);
    setting_.caller.watch(setting_.signal);
    co_await setting_.signal.wait();
    if (const auto error = check_wait(deadline)) co_return *error;
  }
}

// After a wake: why there is no point in waiting on.
std::optional<Error> BackendExchange::check_wait(const net::Deadline& deadline) const {
  if (send_error_) return send_error_;
  if (const auto why = setting_.caller.gave_up())
    return Error{Side::client, *why, false, {}, "waiting for the backend"};
  if (deadline.expired()) return broken(Cause::timeout, {}, "waiting for the backend");
  return std::nullopt;
}

net::Task<void> BackendExchange::hold_back(net::Signal& signal) {
  net::Deadline patience(setting_.loop, signal);
  patience.arm(limits::kContinueWait);
  holder_ = &signal;
  while (holding_ && !patience.expired()) co_await signal.wait();
  holder_ = nullptr;
  holding_ = false;
}

// Runs beside read_head() and the answer's body. A backend that does not take the rest of the body may still answer, so
// a failed write ends the sending only; a body that breaks ends the exchange.
net::Task<void> BackendExchange::send_body(http::Body& body, Framing framing) {
  net::Signal signal(setting_.loop);
  struct Forget {
    http::Body& body;
    ~Forget() { body.stop_waiting(); }
  } forget{body};
  if (holding_) co_await hold_back(signal);
  std::size_t burst = 0;
  for (bool more = true; more;) {
    const http::Pull pull = body.try_next(limits::kFairShare, signal);
    if (pull.state == State::pending) {
      co_await signal.wait();
      continue;
    }
    if (pull.state == State::failed) {
      send_error_ = pull.error;
      if (framing != Framing::tunnel) connection_->stream().socket().abort();
      break;
    }
    more = pull.state == State::more;
    const bool sent = co_await send_piece(signal, pull, framing == Framing::chunked);
    if (!sent) break;
    burst += pull.size() + kPieceCost;
    if (more && burst >= limits::kFairShare) {
      burst = 0;
      co_await net::yield(signal);
    }
    if (more) continue;
    // Only behind the last octet: the answer may come, and be whole, while the last chunk waits for room.
    bool whole = true;
    if (framing == Framing::chunked) {
      const std::string last = http::write_last_chunk(body.trailers());
      const std::array<std::string_view, 3> texts{last};
      whole = co_await write(signal, texts);
    }
    sent_whole_ = whole;
    if (framing == Framing::tunnel) connection_->stream().finish_writing();
  }
  sending_ = false;
  setting_.signal.wake();
}

// Each piece leaves with its chunk framing in one write: a body of tiny chunks must not cost three for each.
net::Task<bool> BackendExchange::send_piece(net::Signal& signal, const http::Pull& pull, bool chunked) {
  const std::size_t size = pull.size();
  if (size == 0) co_return true;
  std::array<char, 24> chunk_size;
  std::string_view before;
  if (chunked) before = {chunk_size.data(), http::write_chunk_size(size, chunk_size)};
  for (const std::string_view& piece : pull.data) {
    const bool is_last = &piece == &pull.data.back();
    const std::array<std::string_view, 3> texts{before, piece, chunked && is_last ? http::kChunkEnd : ""};
    const bool sent = co_await write(signal, texts);
    if (!sent) co_return false;
    before = {};
  }
  co_return true;
}

net::Task<bool> BackendExchange::write(net::Signal& signal, std::array<std::string_view, 3> texts) {
  net::Stream& stream = connection_->stream();
  net::Deadline deadline(setting_.loop, signal);
  std::array<iovec, 3> parts;
  for (std::size_t i = 0; i < parts.size(); ++i) parts[i] = {const_cast<char*>(texts[i].data()), texts[i].size()};
  std::uint64_t written = stream.socket().written();
  for (std::span<iovec> left = parts;;) {
    while (!left.empty() && left.front().iov_len == 0) left = left.subspan(1);
    const net::IoResult sent = left.empty() ? stream.try_flush() : stream.try_write(left);
    if (sent.status == Status::done) {
      if (left.empty()) co_return true;
      drop_front(left, sent.bytes);
      continue;
    }
    if (!sent.would_block()) co_return false;
    if (stream.socket().written() != written) {
      written = stream.socket().written();
      deadline.disarm();  // progress
    }
    if (deadline.expired()) co_return false;
    // A tunnel may be quiet as long as the client's session says (timeouts.tunnel); what was taken is never lost.
    const bool tunnel = head_.status == 101;
    if (!tunnel && !deadline.armed()) deadline.arm(setting_.pool.options.timeouts.between_bytes);
    stream.socket().wait(sent.status, signal);
    co_await signal.wait();
    stream.socket().forget_write();  // the signal goes with the sender
  }
}

net::Task<Result<>> BackendExchange::read_head() {
  if (!connection_) co_return broken(Cause::internal, {}, "reading the answer's head");
  wire::Input& input = connection_->input();
  http::HeadScan scan(http::HeadScan::Kind::response, {limits::kBackendHeadMax, limits::kBackendFieldsMax, 0});
  net::Deadline deadline(setting_.loop, setting_.signal);
  for (;;) {
    if (!input.empty()) {
      const auto state = scan.scan(input.available());
      if (state == http::HeadScan::State::refused)
        co_return broken(Cause::protocol, {}, http::to_string(scan.refusal()).data());
      if (state == http::HeadScan::State::complete)
        co_return take_head(input.available().substr(0, scan.size()), scan.size());
    }
    const net::IoResult read = input.read_head(limits::kBackendHeadMax);
    if (read.status == Status::done) {
      if (!std::exchange(received_, true)) first_byte_time_ = setting_.loop.now() - started_;
      continue;
    }
    if (send_error_) co_return *send_error_;
    if (read.status == Status::end) co_return broken(Cause::closed, {}, "reading the answer's head");
    if (read.status == Status::failed)
      co_return broken(input.out_of_buffers() ? Cause::limit : cause_of(read.code), read.code,
                       "reading the answer's head");
    // While the body is on its way the backend is busy receiving: its time to answer begins afterwards.
    if (sending_)
      deadline.disarm();
    else if (!deadline.armed())
      deadline.arm(setting_.pool.options.timeouts.first_byte);
    connection_->stream().socket().wait(read.status, setting_.signal);
    setting_.caller.watch(setting_.signal);
    co_await setting_.signal.wait();
    if (const auto error = check_wait(deadline)) co_return *error;
  }
}

Result<> BackendExchange::take_head(std::string_view text, std::size_t size) {
  head_ = {};
  const auto refusal = http::parse_response(text, method_, head_);
  connection_->input().consume(size);
  if (refusal) return broken(Cause::protocol, {}, http::to_string(*refusal).data());
  if (head_.status == 101) {
    if (!asked_upgrade_) return broken(Cause::protocol, {}, "switching protocols unasked");
    return {};
  }
  if (head_.status < 200) {
    if (++interim_ > limits::kInterimMax)
      return broken(Cause::protocol, {}, http::to_string(http::Refusal::interim_flood).data());
    if (head_.status == 100) {
      holding_ = false;
      if (holder_ != nullptr) holder_->wake();
    }
    return {};
  }
  if (http::is_bodyless(method_, head_.status)) {
    // What is behind such a head would be taken for the next answer's.
    if (!connection_->input().empty()) return broken(Cause::protocol, {}, "a body where there is none");
    release();
  } else if (head_.framing == http::Framing::length && head_.content_length == 0) {
    release();
  } else {
    body_ = std::make_unique<ResponseBody>(*this,
                                           wire::BodySource::Setting{connection_->input(), connection_->stream(),
                                                                     setting_.pool.options.timeouts.between_bytes,
                                                                     Side::backend, "reading the answer's body", true},
                                           head_.framing, head_.content_length);
  }
  return {};
}

http::Body* BackendExchange::body() { return body_.get(); }

void BackendExchange::accept_tunnel(http::Body& client_octets) {
  body_ = std::make_unique<ResponseBody>(
      *this,
      wire::BodySource::Setting{connection_->input(), connection_->stream(), Duration::zero(), Side::backend,
                                "reading from the tunnel's backend"},
      http::Framing::until_close, 0);
  head_.keep_alive = false;
  sending_ = true;
  sender_.start(send_body(client_octets, Framing::tunnel));
}

// The answer is whole. Its text stays with us; the connection goes back, unless one side is not done with it: behind a
// request that was given up on the way, the next one would be read as its rest.
void BackendExchange::release() {
  if (!connection_) return;
  const bool reusable = head_.keep_alive && sent_whole_ && !last_ && connection_->input().empty();
  sender_.cancel();
  holder_ = nullptr;
  sending_ = false;
  connection_->input().end_exchange_keeping(kept_head_, kept_body_);
  if (reusable)
    setting_.connector.give_back(std::move(connection_), setting_.pool);
  else
    connection_.reset();
}

}  // namespace shellac::upstream
