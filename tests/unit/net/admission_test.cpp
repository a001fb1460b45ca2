#include "shellac/net/admission.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace shellac::net {
namespace {

IpAddress ip(std::string_view text) {
  const auto parsed = parse_ip(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(IpAddress{});
}

struct CountingWaiter final : Waiter {
  std::atomic<int> wakes{0};
  void wake() noexcept override { ++wakes; }
};

TEST(Admission, HasAsManyPlacesAsItSays) {
  Admission admission({.connections = 2, .connections_per_client = 1});
  EXPECT_TRUE(admission.try_enter());
  EXPECT_TRUE(admission.try_enter());
  EXPECT_FALSE(admission.try_enter());
  EXPECT_EQ(admission.connections(), 2U);
  admission.leave();
  EXPECT_TRUE(admission.try_enter());
  EXPECT_FALSE(admission.try_enter());
}

TEST(Admission, EnterGoesBeyondTheLimitAndIsCounted) {
  Admission admission({.connections = 1, .connections_per_client = 1});
  admission.enter();
  admission.enter();
  EXPECT_EQ(admission.connections(), 2U);
  admission.leave();
  EXPECT_FALSE(admission.try_enter());
  admission.leave();
  EXPECT_TRUE(admission.try_enter());
}

TEST(Admission, LimitsChangeWhileConnectionsLive) {
  Admission admission({.connections = 2, .connections_per_client = 2});
  const IpAddress client = ip("192.0.2.1");
  ASSERT_TRUE(admission.try_enter() && admission.try_enter());
  ASSERT_TRUE(admission.try_enter_client(client) && admission.try_enter_client(client));

  admission.set_limits({.connections = 1, .connections_per_client = 1});
  admission.leave();
  admission.leave_client(client);
  EXPECT_FALSE(admission.try_enter());
  EXPECT_FALSE(admission.try_enter_client(client));

  admission.set_limits({.connections = 2, .connections_per_client = 2});
  EXPECT_TRUE(admission.try_enter());
  EXPECT_TRUE(admission.try_enter_client(client));
  EXPECT_FALSE(admission.try_enter_client(client));
}

TEST(Admission, CountsEachClientForItself) {
  Admission admission({.connections = 10, .connections_per_client = 1});
  EXPECT_TRUE(admission.try_enter_client(ip("192.0.2.1")));
  EXPECT_FALSE(admission.try_enter_client(ip("192.0.2.1")));
  EXPECT_FALSE(admission.try_enter_client(ip("::ffff:192.0.2.1")));
  EXPECT_TRUE(admission.try_enter_client(ip("192.0.2.2")));
  EXPECT_TRUE(admission.try_enter_client(ip("::1")));
}

TEST(Admission, CountsIpv6ByTheFirst64Bits) {
  Admission admission({.connections = 10, .connections_per_client = 1});
  EXPECT_TRUE(admission.try_enter_client(ip("2001:db8:0:1::1")));
  EXPECT_FALSE(admission.try_enter_client(ip("2001:db8:0:1:ffff::2")));
  EXPECT_TRUE(admission.try_enter_client(ip("2001:db8:0:2::1")));
  admission.leave_client(ip("2001:db8:0:1:abcd::3"));
  EXPECT_TRUE(admission.try_enter_client(ip("2001:db8:0:1::1")));
}

TEST(Admission, RemembersNobodyWhoHasLeftOrWasRefused) {
  Admission admission({.connections = 10, .connections_per_client = 2});
  for (int i = 0; i < 300; ++i) {
    const IpAddress client = ip("198.51.100." + std::to_string(i % 256));
    ASSERT_TRUE(admission.try_enter_client(client));
    admission.leave_client(client);
  }
  EXPECT_EQ(admission.clients(), 0U);
  admission.set_limits({.connections = 10, .connections_per_client = 0});
  EXPECT_FALSE(admission.try_enter_client(ip("192.0.2.1")));
  EXPECT_EQ(admission.clients(), 0U);
}

TEST(Admission, WakesTheLongestWaitingOncePerPlace) {
  Admission admission({.connections = 2, .connections_per_client = 1});
  ASSERT_TRUE(admission.try_enter() && admission.try_enter());
  CountingWaiter first, second;
  admission.wait(first);
  admission.wait(second);
  admission.wait(first);
  admission.leave();
  EXPECT_EQ(first.wakes, 1);
  EXPECT_EQ(second.wakes, 0);
  admission.leave();
  EXPECT_EQ(first.wakes, 1);
  EXPECT_EQ(second.wakes, 1);
}

TEST(Admission, WakesAllWhenLimitsChangeAndNoneThatAreForgotten) {
  Admission admission({.connections = 1, .connections_per_client = 1});
  ASSERT_TRUE(admission.try_enter());
  CountingWaiter stays, goes, other;
  admission.wait(goes);
  admission.wait(stays);
  admission.wait(other);
  admission.forget(goes);
  admission.set_limits({.connections = 3, .connections_per_client = 1});
  EXPECT_EQ(goes.wakes, 0);
  EXPECT_EQ(stays.wakes, 1);
  EXPECT_EQ(other.wakes, 1);
  admission.leave();
  EXPECT_EQ(stays.wakes, 1);
}

TEST(Admission, IsExactUnderManyThreads) {
  constexpr std::uint32_t kMax = 3;
  Admission admission({.connections = kMax, .connections_per_client = 2});
  std::atomic<int> inside{0}, inside_client{0};
  std::atomic<bool> crossed{false};
  const auto work = [&](int self) {
    const IpAddress shared = ip("192.0.2.1"), own = ip("198.51.100." + std::to_string(self));
    for (int i = 0; i < 3000; ++i) {
      if (!admission.try_enter()) continue;
      if (++inside > static_cast<int>(kMax)) crossed = true;
      if (admission.try_enter_client(shared)) {
        if (++inside_client > 2) crossed = true;
        --inside_client;
        admission.leave_client(shared);
      }
      if (!admission.try_enter_client(own)) crossed = true;
      admission.leave_client(own);
      --inside;
      admission.leave();
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(work, i);
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(crossed);
  EXPECT_EQ(admission.connections(), 0U);
  EXPECT_EQ(admission.clients(), 0U);
}

// The promise behind wait(): register, try again, sleep; and no place that comes free is slept through.
TEST(Admission, LosesNoWakeBetweenTryingAndWaiting) {
  Admission admission({.connections = 1, .connections_per_client = 1});
  for (int round = 0; round < 500; ++round) {
    ASSERT_TRUE(admission.try_enter());
    std::thread leaver([&] { admission.leave(); });
    CountingWaiter waiter;
    admission.wait(waiter);
    const bool entered = admission.try_enter();
    leaver.join();
    admission.forget(waiter);
    ASSERT_TRUE(entered || waiter.wakes == 1) << round;
    if (entered) admission.leave();
  }
}

}  // namespace
}  // namespace shellac::net
