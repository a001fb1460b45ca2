#include "tls/ticket_keys.hpp"

#include <gtest/gtest.h>

#include "support/temp_dir.hpp"

namespace shellac::tls {
namespace {

const std::string kFirst(64, 'a');
const std::string kSecond(64, 'b');

bool opens(TicketKeys& keys, const TicketKey& key) {
  bool is_newest = false;
  const auto found = keys.impl().find(key.name.data(), is_newest);
  return found && found->cipher == key.cipher && found->mac == key.mac;
}

TEST(TicketKeys, FileErrorsKeepTheOldKeys) {
  const test::TempDir dir;
  std::string nine;
  for (char c = 'a'; c < 'j'; ++c) nine += std::string(40, c) + "\n";
  const std::pair<std::string, std::string> table[] = {
      {"", "holds no key"},
      {"\n# a comment that is longer than thirty-two bytes\n", "holds no key"},
      {"short\n", "line 1 of"},
      {kFirst + "\n\n   " + std::string(31, 'x') + "   \n", "line 3 of"},
      {kFirst + "\n" + std::string(31, 'x') + "\r\n", "has 31 bytes"},
      {nine, "line 9 of"},
      {nine, "expected at most 8"},
  };
  TicketKeys keys;
  const TicketKey before = keys.impl().newest();
  for (const auto& [text, expected] : table) {
    const auto problem = keys.load(dir.write("tickets.keys", text));
    ASSERT_TRUE(problem) << text;
    EXPECT_NE(problem->find(expected), std::string::npos) << *problem;
  }
  EXPECT_TRUE(keys.load(dir.path("missing")).value_or("").ends_with("does not exist"));
  EXPECT_TRUE(keys.load(dir.path()).value_or("").ends_with("is not a regular file"));
  EXPECT_EQ(keys.impl().newest().name, before.name);
  EXPECT_EQ(keys.impl().keys.size(), 1u);
}

TEST(TicketKeys, OneFileGivesEveryEdgeTheSameKeys) {
  const test::TempDir dir;
  TicketKeys one, two;
  ASSERT_EQ(one.load(dir.write("one", "# newest first\n" + kFirst + "\n" + kSecond)), std::nullopt);
  ASSERT_EQ(two.load(dir.write("two", kSecond + "\r\n\r\n\t" + kFirst + " \r\n")), std::nullopt);
  EXPECT_TRUE(opens(two, one.impl().newest()));
  EXPECT_TRUE(opens(one, two.impl().newest()));
  EXPECT_NE(one.impl().newest().name, two.impl().newest().name);
  const TicketKey key = one.impl().newest();
  EXPECT_NE(key.cipher, key.mac);
}

TEST(TicketKeys, RotationKeepsThreeGenerations) {
  TicketKeys keys;
  const TicketKey first = keys.impl().newest();
  const Time since = keys.newest_since();
  for (int i = 0; i < 3; ++i) {
    keys.rotate();
    EXPECT_TRUE(opens(keys, first)) << i;
  }
  EXPECT_GE(keys.newest_since(), since);
  EXPECT_NE(keys.impl().newest().name, first.name);
  keys.rotate();
  EXPECT_FALSE(opens(keys, first));
}

}  // namespace
}  // namespace shellac::tls
