#include "shellac/wire/body_source.hpp"

#include <chrono>
#include <memory>
#include <optional>

#include "shellac/core/limits.hpp"
#include "wire/fixture.hpp"

namespace shellac::wire {
namespace {

using http::Framing;
using State = http::Pull::State;
using std::chrono::milliseconds;

struct CountingWaiter final : Waiter {
  int wakes = 0;
  void wake() noexcept override { ++wakes; }
};

class BodySourceTest : public WireTest {
 protected:
  BodySource& body(Framing framing, std::uint64_t length = 0, Duration patience = std::chrono::seconds(30)) {
    body_.reset();
    return body_.emplace(BodySource::Setting{input_, *stream_, patience, Side::client, "reading a test's body"},
                         framing, length);
  }
  // Pulls until it is pending, has failed or is over; the text so far is in text_.
  State pull(std::size_t max = 100'000) {
    for (;;) {
      const http::Pull pull = body_->try_next(max, waiter_);
      EXPECT_LE(pull.size(), max);
      for (const std::string_view piece : pull.data) text_ += piece;
      if (pull.state == State::failed) {
        EXPECT_EQ(pull.error.side, Side::client);
        failure_ = pull.error.cause;
      }
      if (pull.state != State::more) return pull.state;
    }
  }
  [[nodiscard]] bool woken() {
    return driver_.until([&] { return waiter_.wakes > 0; });
  }

  Input input_{*stream_, limits::kHeadBuffer};
  CountingWaiter waiter_;
  std::optional<BodySource> body_;
  std::string text_;
  Cause failure_ = Cause::internal;
};

TEST_F(BodySourceTest, ALengthIsReadToItsEndAndNoFurther) {
  body(Framing::length, 5);
  EXPECT_EQ(body_->length(), 5u);
  arrive("hellonext");
  EXPECT_EQ(pull(), State::end);
  EXPECT_EQ(text_, "hello");
  EXPECT_TRUE(body_->is_complete());
  EXPECT_EQ(body_->received(), 5u);
  EXPECT_EQ(input_.available(), "next");
}

TEST_F(BodySourceTest, ChunksAndTrailers) {
  body(Framing::chunked);
  EXPECT_FALSE(body_->length());
  arrive("5\r\nhello\r\n0\r\nDigest: x\r\n\r\nnext");
  EXPECT_EQ(body_->trailers(), nullptr);
  EXPECT_EQ(pull(), State::end);
  EXPECT_EQ(text_, "hello");
  ASSERT_NE(body_->trailers(), nullptr);
  EXPECT_EQ(body_->trailers()->find("Digest")->value, "x");
  EXPECT_EQ(input_.available(), "next");
}

TEST_F(BodySourceTest, ChunksSplitAtEveryByte) {
  body(Framing::chunked);
  const std::string wire = "5;a=b\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\nA: b\r\n\r\n";
  for (std::size_t i = 0; i < wire.size(); ++i) {
    EXPECT_EQ(pull(), State::pending) << i;
    arrive(wire.substr(i, 1));
  }
  EXPECT_EQ(pull(), State::end);
  EXPECT_EQ(text_, "hello0123456789abcdef");
}

TEST_F(BodySourceTest, ATunnelLastsUntilThePeerEnds) {
  body(Framing::until_close);
  arrive("some");
  EXPECT_EQ(pull(), State::pending);
  arrive(" more");
  peer_->finish();
  ASSERT_TRUE(woken());
  EXPECT_EQ(pull(), State::end);
  EXPECT_EQ(text_, "some more");
}

TEST_F(BodySourceTest, NeverMoreThanWasAsked) {
  body(Framing::length, 10);
  arrive("0123456789");
  const http::Pull first = body_->try_next(3, waiter_);
  EXPECT_EQ(first.data[0], "012");
  EXPECT_EQ(first.state, State::more);
  EXPECT_EQ(pull(4), State::end);
  EXPECT_EQ(text_, "3456789");
}

// What came with the head is used first.
TEST_F(BodySourceTest, TheBeginIsInTheHeadsBuffer) {
  arrive("head|hel");
  ASSERT_EQ(input_.read_head(1024).status, Status::done);
  input_.consume(5);
  body(Framing::length, 5);
  EXPECT_EQ(pull(), State::pending);
  EXPECT_EQ(text_, "hel");
  arrive("lo");
  EXPECT_EQ(pull(), State::end);
  EXPECT_EQ(text_, "hello");
}

TEST_F(BodySourceTest, NewsWakeOnceAndOnlyWhoWaits) {
  body(Framing::length, 10);
  EXPECT_EQ(pull(), State::pending);
  EXPECT_EQ(waiter_.wakes, 0);
  arrive("01");
  ASSERT_TRUE(woken());
  arrive("23");
  EXPECT_EQ(waiter_.wakes, 1);
  EXPECT_EQ(pull(), State::pending);
  body_->stop_waiting();
  arrive("45");
  EXPECT_EQ(waiter_.wakes, 1);
}

TEST_F(BodySourceTest, Breaks) {
  struct Row {
    Framing framing;
    std::uint64_t length;
    const char* text;
    Cause cause;
  };
  for (const Row& row :
       {Row{Framing::length, 5, "hell", Cause::closed}, Row{Framing::chunked, 0, "", Cause::closed},
        Row{Framing::chunked, 0, "5\r\nhello\r\n", Cause::closed},
        Row{Framing::chunked, 0, "5\r\nhello!", Cause::protocol}, Row{Framing::chunked, 0, "5\nhello", Cause::protocol},
        Row{Framing::chunked, 0, "-1\r\n", Cause::protocol},
        Row{Framing::chunked, 0, "0\r\nA : b\r\n\r\n", Cause::protocol}}) {
    auto [ours, theirs] = test::make_socket_pair();
    net::PlainStream stream(driver_.loop(), std::move(ours));
    test::Peer peer(driver_, std::move(theirs));
    Input input(stream, limits::kHeadBuffer);
    body_.emplace(BodySource::Setting{input, stream, Duration::zero(), Side::client, "reading"}, row.framing,
                  row.length);
    peer.send(row.text);
    peer.finish();
    driver_.turn();
    EXPECT_EQ(pull(), State::failed) << row.text;
    EXPECT_EQ(failure_, row.cause) << row.text;
    EXPECT_FALSE(body_->is_complete());
    body_.reset();
  }
}

TEST_F(BodySourceTest, AbortedByAnotherItFails) {
  body(Framing::length, 5);
  EXPECT_EQ(pull(), State::pending);
  stream_->socket().abort();
  EXPECT_EQ(waiter_.wakes, 1);
  EXPECT_EQ(pull(), State::failed);
  EXPECT_EQ(failure_, Cause::cancelled);
}

TEST_F(BodySourceTest, WithoutABufferItIsALimit) {
  body(Framing::length, 5);
  driver_.budget().set_max({0});
  arrive("hello");
  EXPECT_EQ(pull(), State::failed);
  EXPECT_EQ(failure_, Cause::limit);
}

TEST_F(BodySourceTest, PatienceEnds) {
  body(Framing::length, 5, milliseconds(100));
  EXPECT_EQ(pull(), State::pending);
  ASSERT_TRUE(woken());
  EXPECT_EQ(pull(), State::failed);
  EXPECT_EQ(failure_, Cause::timeout);
}

TEST_F(BodySourceTest, ProgressRenewsPatience) {
  body(Framing::length, 100, milliseconds(1000));
  const Time begin = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - begin < milliseconds(2500)) {
    arrive(text_.size() < 90 ? "x" : "");
    ASSERT_EQ(pull(), State::pending);
    ASSERT_TRUE(driver_.pass(milliseconds(50)));
  }
  EXPECT_GT(text_.size(), 2u);
}

// A puller that was busy elsewhere for long (its own reader was slow) finds what came in time.
TEST_F(BodySourceTest, WhatHasComeIsNotLateBecauseNobodyPulled) {
  body(Framing::length, 5, milliseconds(50));
  EXPECT_EQ(pull(), State::pending);
  arrive("hello");
  ASSERT_TRUE(driver_.pass(milliseconds(300)));
  EXPECT_EQ(pull(), State::end);
  EXPECT_EQ(text_, "hello");
}

// Its deadline has woken the puller, not the socket, which must not know it any more afterwards.
TEST_F(BodySourceTest, OneThatIsLateLeavesNothingBehind) {
  auto late = std::make_unique<BodySource>(
      BodySource::Setting{input_, *stream_, milliseconds(50), Side::client, "reading a test's body"}, Framing::length,
      5);
  EXPECT_EQ(late->try_next(10, waiter_).state, State::pending);
  ASSERT_TRUE(woken());
  late.reset();
  body(Framing::length, 5);
  arrive("hello");
  EXPECT_EQ(pull(), State::end);
}

TEST_F(BodySourceTest, NoPatienceIsForEver) {
  body(Framing::until_close, 0, Duration::zero());
  EXPECT_EQ(pull(), State::pending);
  ASSERT_TRUE(driver_.pass(milliseconds(300)));
  EXPECT_EQ(waiter_.wakes, 0);
}

TEST_F(BodySourceTest, ALargeBodyPassesThroughOneBuffer) {
  const std::string large(1'000'000, 'x');
  body(Framing::length, large.size());
  std::size_t sent = 0;
  ASSERT_TRUE(driver_.until([&] {
    sent += peer_->send_some(std::string_view(large).substr(sent));
    driver_.turn();
    const State state = pull();
    EXPECT_LE(buffers(), limits::kBodyBuffer);
    return state != State::pending;
  }));
  EXPECT_EQ(text_, large);
}

}  // namespace
}  // namespace shellac::wire
