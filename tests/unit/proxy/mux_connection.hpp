// A multiplexed session in memory: many exchanges at the same time over one connection, as HTTP/2 will have them.
//
// The test plays the client: it opens streams, sends pieces of their bodies, opens and closes their windows, resets
// them. What the session would write goes into one list of frames in the order of writing, so that a test sees how
// streams interleave.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "shellac/front/exchange.hpp"
#include "shellac/http/parser.hpp"
#include "shellac/net/loop.hpp"
#include "support/driven_loop.hpp"
#include "support/pushed_body.hpp"

namespace shellac::proxy {

class MuxConnection;

// One exchange of the connection. Members below "the client" are the test's verbs.
class MuxStream final : public front::Exchange {
 public:
  static constexpr std::size_t kOpen = std::numeric_limits<std::size_t>::max();
  struct Opening {
    std::string head;                         // as HTTP/1.1 would have it
    bool streams_body = false;                // a body follows, of a length that is not told
    std::size_t window = kOpen;               // octets of the answer's body that may be sent
    std::optional<front::Refused> refused{};  // what the session refused
    bool is_http1 = false;
    Duration send_timeout{};  // without a window for so long, the session gives up
  };
  MuxStream(MuxConnection& connection, unsigned id, Opening opening);

  // The client.
  test::PushedBody& body() { return *body_; }
  test::PushedBody& tunnel() { return tunnel_; }
  // What it sends breaks off.
  void fail(Cause cause) {
    const Error error{Side::client, cause, false, {}, "reading the request's body"};
    if (body_) body_->fail(error);
    tunnel_.fail(error);
  }
  void grant(std::size_t octets) {
    window_ += octets;
    signal_.wake();
  }
  void cancel() {  // as RST_STREAM from the client
    gone_ = true;
    fail(Cause::reset);
    if (Waiter* watcher = std::exchange(watcher_, nullptr)) watcher->wake();
    signal_.wake();
  }

  // What the client sees.
  int status() const { return status_; }
  const std::string& field(const std::string& name) { return fields_[name]; }
  bool has_field(const std::string& name) const { return fields_.contains(name); }
  const std::string& text() const { return text_; }
  const std::string& trailers() const { return trailer_text_; }
  const std::vector<int>& interim() const { return interim_; }
  std::optional<std::uint64_t> told_length() const { return told_length_; }
  bool is_complete() const { return complete_; }
  bool was_reset() const { return reset_; }
  bool is_over() const { return over_; }

  // front::Exchange
  net::Loop& loop() override;
  const front::Client& client() const override;
  http::RequestHead& request() override { return head_; }
  Arena& arena() override { return arena_; }
  const std::optional<front::Refused>& refused() const override { return opening_.refused; }
  Time head_complete() const override { return head_complete_; }
  http::Body* request_body() override { return body_.get(); }
  std::uint64_t body_bytes_in() const override { return body_ ? body_->pulled() : 0; }
  http::Body& upgraded_input() override { return tunnel_; }
  bool is_gone() const override { return gone_ || reset_; }
  bool is_cut_by_shutdown() const override;
  void watch_client(Waiter* waiter) noexcept override { watcher_ = waiter; }
  net::Task<Result<>> inform(const http::ResponseHead& head) override;
  net::Task<front::Sent> respond(http::ResponseHead& head, http::Body* body) override;
  void reset() noexcept override;

 private:
  friend class MuxConnection;
  void note_head(const http::ResponseHead& head, const http::Body* body);
  void note_end(const http::Body* body);

  MuxConnection& connection_;
  const unsigned id_;
  const Opening opening_;
  http::RequestHead head_;
  Arena arena_;
  std::unique_ptr<test::PushedBody> body_;
  test::PushedBody tunnel_;
  Time head_complete_{};
  net::Signal signal_;  // the stream's own: a connection's signal has room for one sleeper only
  net::Deadline deadline_;
  Waiter* watcher_ = nullptr;
  std::size_t window_;
  bool gone_ = false;
  bool reset_ = false;
  bool responded_ = false;
  bool complete_ = false;
  bool over_ = false;

  int status_ = 0;
  std::map<std::string, std::string> fields_;
  std::vector<int> interim_;
  std::optional<std::uint64_t> told_length_;
  std::string text_, trailer_text_;
};

class MuxConnection {
 public:
  MuxConnection(test::DrivenLoop& driver, front::ExchangeHandler& handler)
      : driver_(driver), handler_(handler), group_(driver.loop()) {
    client_.listener = "mux";
  }
  // The client goes away; every exchange ends for that.
  ~MuxConnection() { close(); }
  void close() {
    for (auto& stream : streams_)
      if (!stream->is_over()) driver_.on_loop([&] { stream->cancel(); });
    EXPECT_TRUE(driver_.until([&] { return group_.size() == 0; })) << "an exchange does not end";
  }

  // The daemon goes away, and does not wait for its clients any longer.
  void cut() {
    cut_ = true;
    close();
  }

  MuxStream& open(MuxStream::Opening opening) {
    streams_.push_back(
        std::make_unique<MuxStream>(*this, static_cast<unsigned>(streams_.size() + 1), std::move(opening)));
    MuxStream& stream = *streams_.back();
    driver_.on_loop([&] { group_.spawn(serve(stream)); });
    return stream;
  }
  MuxStream& get(const std::string& path) { return open({.head = "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n"}); }
  MuxStream& post(const std::string& path) {
    return open({.head = "POST " + path + " HTTP/1.1\r\nHost: a\r\n\r\n", .streams_body = true});
  }
  front::Client& client() { return client_; }
  net::Loop& loop() { return driver_.loop(); }

  // One frame: which stream, and an octet count of its body (0 for a head or an end).
  struct Frame {
    unsigned stream;
    std::size_t octets;
  };
  const std::vector<Frame>& frames() const { return frames_; }

 private:
  friend class MuxStream;
  net::Task<void> serve(MuxStream& stream) {
    co_await handler_.handle(stream);
    stream.over_ = true;
    // What the handler registered would dangle from here on.
    EXPECT_EQ(stream.watcher_, nullptr);
    EXPECT_FALSE(stream.body_ && stream.body_->is_awaited());
    EXPECT_FALSE(stream.tunnel_.is_awaited());
    EXPECT_TRUE(stream.responded_ || stream.reset_) << "neither answered nor reset";
  }

  test::DrivenLoop& driver_;
  front::ExchangeHandler& handler_;
  front::Client client_;
  std::vector<std::unique_ptr<MuxStream>> streams_;
  std::vector<Frame> frames_;
  bool cut_ = false;
  net::TaskGroup group_;
};

inline MuxStream::MuxStream(MuxConnection& connection, unsigned id, Opening opening)
    : connection_(connection),
      id_(id),
      opening_(std::move(opening)),
      head_complete_(connection.loop().now()),
      signal_(connection.loop()),
      deadline_(connection.loop(), signal_),
      window_(opening_.window) {
  const auto refusal = http::parse_request(opening_.head, head_);
  EXPECT_TRUE(!refusal || opening_.refused) << "the test's own request is malformed: " << opening_.head;
  if (!opening_.is_http1) head_.version = http::Version::http2;
  head_.scheme = "https";
  if (opening_.streams_body) head_.framing = http::Framing::chunked;
  if (head_.has_body())
    body_ = std::make_unique<test::PushedBody>(
        head_.framing == http::Framing::length ? std::optional(head_.content_length) : std::nullopt);
}

inline net::Loop& MuxStream::loop() { return connection_.loop(); }
inline bool MuxStream::is_cut_by_shutdown() const { return connection_.cut_; }
inline const front::Client& MuxStream::client() const { return connection_.client_; }

inline net::Task<Result<>> MuxStream::inform(const http::ResponseHead& head) {
  EXPECT_FALSE(responded_);
  EXPECT_TRUE(head.status >= 100 && head.status < 200) << head.status;
  Result<> result;
  if (gone_)
    result = Error{Side::client, Cause::reset, false, {}, "sending an interim answer"};
  else
    interim_.push_back(head.status);
  co_return result;
}

inline void MuxStream::note_head(const http::ResponseHead& head, const http::Body* body) {
  status_ = head.status;
  for (const http::Field& field : head.fields) {
    std::string& value = fields_[std::string(field.name)];
    value = value.empty() ? std::string(field.value) : value + ", " + std::string(field.value);
  }
  if (body != nullptr)
    told_length_ = body->length();
  else if (head.framing == http::Framing::length)
    told_length_ = head.content_length;
  connection_.frames_.push_back({id_, 0});
}

inline void MuxStream::note_end(const http::Body* body) {
  complete_ = true;
  connection_.frames_.push_back({id_, 0});
  if (body == nullptr || body->trailers() == nullptr) return;
  for (const http::Field& field : *body->trailers())
    trailer_text_ += std::string(field.name) + ": " + std::string(field.value) + "\n";
}

inline net::Task<front::Sent> MuxStream::respond(http::ResponseHead& head, http::Body* body) {
  using End = front::Sent::End;
  EXPECT_FALSE(responded_);
  responded_ = true;
  watcher_ = nullptr;
  bool head_sent = false;
  std::uint64_t sent = 0;
  while (body != nullptr) {
    if (gone_ || deadline_.expired()) {
      const End end = gone_ ? End::client_reset : End::client_timeout;
      body->stop_waiting();
      reset();
      co_return front::Sent{end, sent, {}};
    }
    if (window_ == 0) {
      if (!std::exchange(head_sent, true)) note_head(head, body);
      if (!deadline_.armed()) deadline_.arm(opening_.send_timeout);
      co_await signal_.wait();
      continue;
    }
    deadline_.disarm();
    const http::Pull pull = body->try_next(std::min<std::size_t>(window_, 16384), signal_);
    if (pull.state == http::Pull::State::failed && !head_sent) {
      responded_ = false;
      co_return front::Sent{End::body_failed, 0, pull.error, true};
    }
    if (!std::exchange(head_sent, true)) note_head(head, body);
    if (pull.state == http::Pull::State::failed) {
      reset();
      co_return front::Sent{End::body_failed, sent, pull.error};
    }
    for (const std::string_view piece : pull.data) text_ += piece;
    if (pull.size() > 0) connection_.frames_.push_back({id_, pull.size()});
    if (window_ != kOpen) window_ -= pull.size();
    sent += pull.size();
    if (pull.state == http::Pull::State::end) break;
    if (pull.state == http::Pull::State::pending)
      co_await signal_.wait();
    else
      co_await net::yield(signal_);  // one frame each, in turn
  }
  if (gone_) co_return front::Sent{End::client_reset, sent, {}};
  if (!head_sent) note_head(head, body);
  note_end(body);
  co_return front::Sent{End::completed, sent, {}};
}

inline void MuxStream::reset() noexcept { reset_ = true; }

}  // namespace shellac::proxy
