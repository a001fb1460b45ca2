// RFC 9211: what became of a request.
#include "shellac/cache/cache_status.hpp"

#include <gtest/gtest.h>

#include <array>

namespace shellac::cache {
namespace {

using Forward = CacheStatus::Forward;

std::string written(const CacheStatus& status) {
  std::array<char, kCacheStatusMax> room;
  return std::string(write_cache_status(status, room));
}

TEST(CacheStatus, Lines) {
  CacheStatus status;
  EXPECT_EQ(written(status), "shellac");
  status.hit = true;
  status.ttl = std::chrono::milliseconds(2900);
  EXPECT_EQ(written(status), "shellac; hit; ttl=2");
  status.ttl = std::chrono::milliseconds(-100);
  EXPECT_EQ(written(status), "shellac; hit; ttl=-1");
  status = {};
  status.forward = Forward::uri_miss;
  status.forward_status = 200;
  status.stored = status.collapsed = true;
  status.detail = "too_large";
  EXPECT_EQ(written(status), "shellac; fwd=uri-miss; fwd-status=200; stored; collapsed; detail=too_large");
  status.detail = "no token";
  EXPECT_EQ(written(status), "shellac; fwd=uri-miss; fwd-status=200; stored; collapsed");
}

TEST(CacheStatus, Reasons) {
  const auto word = [](Forward forward) {
    CacheStatus status;
    status.forward = forward;
    return written(status);
  };
  EXPECT_EQ(word(forward_of(Bypass::method)), "shellac; fwd=method");
  EXPECT_EQ(word(forward_of(Bypass::cookie)), "shellac; fwd=bypass");
  EXPECT_EQ(word(forward_of(Bypass::no_store)), "shellac; fwd=request");
  EXPECT_EQ(word(forward_of(Miss::vary)), "shellac; fwd=vary-miss");
  EXPECT_EQ(word(forward_of(Miss::stale)), "shellac; fwd=stale");
  EXPECT_EQ(word(forward_of(Miss::partial)), "shellac; fwd=partial");
  EXPECT_EQ(word(forward_of(Miss::none)), "shellac; fwd=miss");
}

TEST(CacheStatus, NeverPastItsRoom) {
  CacheStatus status;
  status.forward = Forward::uri_miss;
  for (std::size_t size = 0; size < 40; ++size) {
    std::array<char, 40> room;
    const auto text = write_cache_status(status, std::span(room).first(size));
    EXPECT_LE(text.size(), size);
    EXPECT_TRUE(text.empty() || text == "shellac" || text == "shellac; fwd=uri-miss") << text;
  }
}

}  // namespace
}  // namespace shellac::cache
