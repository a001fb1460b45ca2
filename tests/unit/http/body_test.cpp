#include "shellac/http/body.hpp"

#include <gtest/gtest.h>

#include <string>

namespace shellac::http {
namespace {

struct Deaf final : Waiter {
  void wake() noexcept override {}
};

std::string pulled(Body& body, std::size_t max, int& pulls) {
  Deaf waiter;
  std::string all;
  for (;;) {
    const Pull pull = body.try_next(max, waiter);
    ++pulls;
    EXPECT_LE(pull.size(), max);
    for (const std::string_view part : pull.data) all += part;
    if (pull.state == Pull::State::end) return all;
    EXPECT_EQ(pull.state, Pull::State::more);
    EXPECT_GT(pull.size(), 0u);
    if (pull.state != Pull::State::more || pull.size() == 0) return all;
  }
}

TEST(TextBody, IsPulledInPieces) {
  for (std::size_t max = 1; max <= 12; ++max) {
    TextBody body("hello world");
    EXPECT_EQ(body.length(), 11u);
    int pulls = 0;
    EXPECT_EQ(pulled(body, max, pulls), "hello world");
    EXPECT_EQ(pulls, static_cast<int>((11 + max - 1) / max));
    EXPECT_EQ(body.trailers(), nullptr);
  }
}

TEST(TextBody, Empty) {
  TextBody body("");
  EXPECT_EQ(body.length(), 0u);
  int pulls = 0;
  EXPECT_EQ(pulled(body, 10, pulls), "");
  EXPECT_EQ(pulls, 1);
}

TEST(Pull, SizeIsTheSum) {
  const std::string_view parts[] = {"ab", "", "cde"};
  Pull pull;
  EXPECT_EQ(pull.size(), 0u);
  pull.data = parts;
  EXPECT_EQ(pull.size(), 5u);
}

}  // namespace
}  // namespace shellac::http
