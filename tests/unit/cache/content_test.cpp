#include "shellac/cache/content.hpp"

#include <gtest/gtest.h>

#include <string>

#include "body_of.hpp"

namespace shellac::cache::test {
namespace {

using Append = Content::Append;
using Mode = Content::Mode;

struct Body : testing::Test {
  Pages pages{8_MiB};
  Bell bell;

  ContentRef make(std::optional<std::uint64_t> expected, Mode mode = Mode::stored) {
    return Content::make(pages, mode, expected);
  }
  Append append(const ContentRef& content, std::size_t count) {
    return content->try_append(octets(content->size(), count), bell);
  }
};

TEST_F(Body, KnownLengthIsReadWhole) {
  for (const std::size_t length : {0, 1, 1000, 4000, 4096, 16385, 65000, 65536, 65537, 340'992, 1'000'000}) {
    const ContentRef content = make(length);
    for (std::size_t at = 0; at < length; at += 30'000)
      ASSERT_EQ(append(content, std::min<std::size_t>(30'000, length - at)), Append::done);
    EXPECT_TRUE(content->finish()) << length;
    EXPECT_EQ(content->expected(), length);
    EXPECT_EQ(read_all(content, {}), octets(0, length)) << length;
  }
  EXPECT_EQ(pages.used().count, 0u);
}

TEST_F(Body, UnknownLengthIsReadWhole) {
  for (const std::size_t length : {0, 1, 4097, 70'000, 1'000'000}) {
    const ContentRef content = make(std::nullopt);
    for (std::size_t at = 0; at < length; at += 3000)
      ASSERT_EQ(append(content, std::min<std::size_t>(3000, length - at)), Append::done);
    EXPECT_FALSE(content->expected());
    EXPECT_TRUE(content->finish());
    EXPECT_EQ(content->expected(), length);
    EXPECT_EQ(read_all(content, {}), octets(0, length)) << length;
  }
  EXPECT_EQ(pages.used().count, 0u);
}

}  // namespace
}  // namespace shellac::cache::test
