#include "proxy/bodies.hpp"

#include <gtest/gtest.h>

#include "shellac/core/limits.hpp"
#include "support/driven_loop.hpp"
#include "support/pushed_body.hpp"

namespace shellac::proxy {
namespace {

using State = http::Pull::State;

struct CountingWaiter final : Waiter {
  int wakes = 0;
  void wake() noexcept override { ++wakes; }
};

class BodiesTest : public ::testing::Test {
 protected:
  // Pulls until the body is pending, has failed or is over.
  State drain(http::Body& body, std::size_t max = 7) {
    for (;;) {
      const http::Pull pull = body.try_next(max, waiter_);
      EXPECT_LE(pull.size(), max);
      for (const std::string_view piece : pull.data) text_ += piece;
      if (pull.state == State::failed) failure_ = pull.error;
      if (pull.state != State::more) return pull.state;
    }
  }
  // Reads ahead; the result is there when it is through.
  std::optional<Result<>> fill(BufferedBody& body) {
    filled_.reset();
    driver_.on_loop([&] { driver_.loop().start(run_fill(body)); });
    return filled_;
  }
  net::Task<void> run_fill(BufferedBody& body) { filled_.emplace(co_await body.fill(signal_, deadline_)); }

  test::DrivenLoop driver_;
  CountingWaiter waiter_;
  net::Signal signal_{driver_.loop()};
  net::Deadline deadline_{driver_.loop(), signal_};
  std::optional<Result<>> filled_;
  std::string text_;
  Error failure_;
};

TEST_F(BodiesTest, ALimitIsReachedButNotCrossed) {
  for (const std::size_t size : {0u, 9u, 10u, 11u, 20u}) {
    test::PushedBody inner(std::nullopt);
    LimitedBody body(inner, 10_B);
    inner.put(std::string(size, 'x'));
    inner.finish();
    const State end = drain(body);
    EXPECT_EQ(end, size <= 10 ? State::end : State::failed) << size;
    if (end == State::failed) {
      EXPECT_EQ(failure_.cause, Cause::too_large);
      EXPECT_EQ(failure_.side, Side::client);
    }
  }
}

TEST_F(BodiesTest, ALimitChangesNothingElse) {
  test::PushedBody inner(5);
  LimitedBody body(inner, 10_B);
  EXPECT_EQ(body.length(), 5u);
  EXPECT_EQ(drain(body), State::pending);
  inner.put("hello");
  EXPECT_EQ(waiter_.wakes, 1);
  inner.add_trailer("A", "b");
  inner.finish();
  EXPECT_EQ(drain(body), State::end);
  EXPECT_EQ(text_, "hello");
  ASSERT_NE(body.trailers(), nullptr);
  EXPECT_EQ(body.trailers()->find("A")->value, "b");
  test::PushedBody waiting(std::nullopt);
  LimitedBody other(waiting, 10_B);
  EXPECT_EQ(drain(other), State::pending);
  other.stop_waiting();
  EXPECT_FALSE(waiting.is_awaited());
}

TEST_F(BodiesTest, ATimedBodyEndsInTime) {
  test::PushedBody inner(std::nullopt);
  TimedBody body(inner, driver_.loop(), driver_.loop().now() + std::chrono::milliseconds(100));
  inner.put("part");
  EXPECT_EQ(drain(body), State::pending);
  ASSERT_TRUE(driver_.until([&] { return waiter_.wakes == 1; })) << "who sleeps is woken";
  EXPECT_EQ(drain(body), State::failed);
  EXPECT_EQ(text_, "part");
  EXPECT_EQ(failure_.side, Side::self);
  EXPECT_EQ(failure_.cause, Cause::timeout);
  EXPECT_FALSE(inner.is_awaited());
}

TEST_F(BodiesTest, ATimedBodyWhoseTimeIsOverAlready) {
  test::PushedBody inner(std::nullopt);
  TimedBody body(inner, driver_.loop(), driver_.loop().now() - std::chrono::seconds(1));
  EXPECT_EQ(drain(body), State::pending);
  ASSERT_TRUE(driver_.until([&] { return waiter_.wakes == 1; }));
  EXPECT_EQ(drain(body), State::failed);
}

TEST_F(BodiesTest, ATimedBodyThatIsInTime) {
  test::PushedBody inner(4);
  TimedBody body(inner, driver_.loop(), driver_.loop().now() + std::chrono::hours(1));
  EXPECT_EQ(body.length(), 4u);
  EXPECT_EQ(drain(body), State::pending);
  inner.put("text");
  EXPECT_EQ(waiter_.wakes, 1);
  inner.finish();
  EXPECT_EQ(drain(body), State::end);
  EXPECT_EQ(text_, "text");
}

TEST_F(BodiesTest, AShortBodyIsReadWholeAndMayBeReadAgain) {
  test::PushedBody inner(std::nullopt);
  BufferedBody body(inner, driver_.loop().buffers(), 100_B);
  inner.put("some ");
  EXPECT_FALSE(fill(body)) << "the end is not here yet";
  driver_.on_loop([&] {
    inner.put("text");
    inner.finish();
  });
  EXPECT_TRUE(filled_);
  EXPECT_TRUE(body.is_whole());
  EXPECT_EQ(body.length(), 9u) << "a length after all";
  for (int i = 0; i < 3; ++i) {
    text_.clear();
    body.rewind();
    EXPECT_EQ(drain(body), State::end);
    EXPECT_EQ(text_, "some text");
  }
  EXPECT_EQ(drain(body), State::end);
  EXPECT_EQ(text_, "some text") << "nothing behind the end";
}

TEST_F(BodiesTest, ALongBodyFollowsFromItsSource) {
  test::PushedBody inner(10);
  BufferedBody body(inner, driver_.loop().buffers(), 4_B);
  inner.put("012345");
  EXPECT_TRUE(fill(body));
  EXPECT_FALSE(body.is_whole());
  EXPECT_EQ(inner.pulled(), 4u);
  EXPECT_EQ(body.length(), 10u);
  EXPECT_EQ(drain(body), State::pending);
  inner.put("6789");
  inner.finish();
  EXPECT_EQ(drain(body), State::end);
  EXPECT_EQ(text_, "0123456789");
}

TEST_F(BodiesTest, WithTrailersTheLengthStaysUntold) {
  test::PushedBody inner(std::nullopt);
  BufferedBody body(inner, driver_.loop().buffers(), 100_B);
  inner.put("x");
  inner.add_trailer("A", "b");
  inner.finish();
  EXPECT_TRUE(fill(body));
  EXPECT_TRUE(body.is_whole());
  EXPECT_FALSE(body.length());
  EXPECT_NE(body.trailers(), nullptr);
}

TEST_F(BodiesTest, AnEmptyBodyIsWhole) {
  test::PushedBody inner(std::nullopt);
  BufferedBody body(inner, driver_.loop().buffers(), 100_B);
  inner.finish();
  EXPECT_TRUE(fill(body));
  EXPECT_TRUE(body.is_whole());
  EXPECT_EQ(body.length(), 0u);
  EXPECT_EQ(drain(body), State::end);
  EXPECT_EQ(driver_.budget().used().count, 0u);
}

TEST_F(BodiesTest, SeveralBuffersAndTheirReturn) {
  std::string large;
  for (int i = 0; large.size() < 200'000; ++i) large += std::to_string(i);
  {
    test::PushedBody inner(std::nullopt);
    BufferedBody body(inner, driver_.loop().buffers(), 1_MiB);
    inner.put(large);
    inner.finish();
    EXPECT_TRUE(fill(body));
    EXPECT_EQ(driver_.budget().used().count, 4 * limits::kBodyBuffer);
    EXPECT_EQ(drain(body, 10'000), State::end);
    EXPECT_EQ(text_, large);
  }
  EXPECT_EQ(driver_.budget().used().count, 0u);
}

TEST_F(BodiesTest, WhatEndsReadingAhead) {
  {
    test::PushedBody inner(std::nullopt);
    BufferedBody body(inner, driver_.loop().buffers(), 100_B);
    inner.fail({Side::client, Cause::protocol, false, {}, "testing"});
    const auto result = fill(body);
    ASSERT_TRUE(result && result->has_error());
    EXPECT_EQ(result->error().cause, Cause::protocol);
  }
  {
    driver_.budget().set_max({0});
    test::PushedBody inner(std::nullopt);
    BufferedBody body(inner, driver_.loop().buffers(), 100_B);
    inner.put("x");
    const auto result = fill(body);
    ASSERT_TRUE(result && result->has_error());
    EXPECT_EQ(result->error().cause, Cause::limit);
    EXPECT_EQ(result->error().side, Side::self);
  }
}

}  // namespace
}  // namespace shellac::proxy
