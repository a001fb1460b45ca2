#include "edge/access_ring.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace shellac::edge {
namespace {

proxy::RequestRecord record(int status, std::string_view path) {
  proxy::RequestRecord made;
  made.status = status;
  made.path = path;
  made.user_agent = "agent";
  return made;
}

std::vector<std::string> take_paths(AccessRing& ring) {
  std::vector<std::string> paths;
  ring.consume([&](const proxy::RequestRecord& each) { paths.emplace_back(each.path); });
  return paths;
}

TEST(AccessRing, CopiesEveryText) {
  AccessRing ring;
  proxy::RequestRecord made;
  std::string texts[17];
  std::string_view* const views[17] = {&made.id,      &made.listener,  &made.tls,          &made.protocol, &made.method,
                                       &made.scheme,  &made.host,      &made.path,         &made.route,    &made.pool,
                                       &made.backend, &made.zone,      &made.cache_reason, &made.sticky,   &made.reason,
                                       &made.referer, &made.user_agent};
  for (std::size_t i = 0; i < 17; ++i) *views[i] = texts[i] = std::string(i + 1, static_cast<char>('a' + i));
  made.bytes_out = 7;
  ASSERT_TRUE(ring.try_push(made));
  for (auto& text : texts) text.assign(text.size(), '?');  // what the views pointed to is somebody else's now
  int seen = 0;
  ring.consume([&](const proxy::RequestRecord& each) {
    ++seen;
    const std::string_view copies[17] = {each.id,      each.listener,  each.tls,          each.protocol, each.method,
                                         each.scheme,  each.host,      each.path,         each.route,    each.pool,
                                         each.backend, each.zone,      each.cache_reason, each.sticky,   each.reason,
                                         each.referer, each.user_agent};
    for (std::size_t i = 0; i < 17; ++i) EXPECT_EQ(copies[i], std::string(i + 1, static_cast<char>('a' + i)));
    EXPECT_EQ(each.bytes_out, 7u);
  });
  EXPECT_EQ(seen, 1);
  EXPECT_TRUE(take_paths(ring).empty());
}

TEST(AccessRing, RefusesWhatDoesNotFit) {
  AccessRing ring(8192);
  int pushed = 0;
  while (ring.try_push(record(pushed, "/path"))) ++pushed;
  EXPECT_GT(pushed, 8);
  EXPECT_LT(pushed, 40);
  EXPECT_FALSE(ring.try_push(record(0, "/path")));
  EXPECT_EQ(take_paths(ring).size(), static_cast<std::size_t>(pushed));
  EXPECT_TRUE(ring.try_push(record(0, "/path")));
  EXPECT_FALSE(ring.try_push(record(0, std::string(2048, 'x'))));  // a quarter of the ring is for nobody
}

TEST(AccessRing, KnowsWhenItIsHalfFull) {
  AccessRing ring(8192);
  EXPECT_FALSE(ring.is_half_full());
  int pushed = 0;
  while (!ring.is_half_full() && ring.try_push(record(0, "/"))) ++pushed;
  EXPECT_GT(pushed, 4);
  EXPECT_TRUE(ring.try_push(record(0, "/")));
  take_paths(ring);
  EXPECT_FALSE(ring.is_half_full());
}

// Sizes that come to lie in every way across the ring's end.
TEST(AccessRing, GoesRound) {
  AccessRing ring(8192);
  for (std::size_t i = 0; i < 5000; ++i) {
    const std::string path(i * 37 % 900, static_cast<char>('a' + i % 26));
    ASSERT_TRUE(ring.try_push(record(0, path)));
    if (i % 2 == 0) {
      ASSERT_TRUE(ring.try_push(record(0, "/second")));
    }
    const auto paths = take_paths(ring);
    ASSERT_EQ(paths.size(), i % 2 == 0 ? 2u : 1u);
    ASSERT_EQ(paths[0], path);
  }
}

TEST(AccessRing, HandsOverBetweenThreads) {
  AccessRing ring(16384);
  constexpr int kRecords = 20000;
  std::thread producer([&] {
    for (int i = 0; i < kRecords; ++i) {
      const std::string path = std::to_string(i);
      while (!ring.try_push(record(i, path))) std::this_thread::yield();
    }
  });
  int next = 0;
  while (next < kRecords) {
    ring.consume([&](const proxy::RequestRecord& each) {
      EXPECT_EQ(each.status, next);
      EXPECT_EQ(each.path, std::to_string(next));
      ++next;
    });
  }
  producer.join();
}

}  // namespace
}  // namespace shellac::edge
