#include "tls/name_table.hpp"

#include <gtest/gtest.h>

namespace shellac::tls {
namespace {

constexpr int kRsa = 1;
constexpr int kEcdsa = 2;

std::vector<std::size_t> found(const NameTable& table, std::string_view name) {
  const auto group = table.find(name);
  return group ? table.groups()[*group] : std::vector<std::size_t>{};
}
using Indexes = std::vector<std::size_t>;

TEST(NameTable, ExactBeatsWildcardAndWildcardIsOneLabel) {
  const NameTable table({{{"*.example.com"}, kRsa}, {{"www.example.com"}, kRsa}, {{"example.com"}, kRsa}});
  EXPECT_EQ(found(table, "www.example.com"), Indexes{1});
  EXPECT_EQ(found(table, "img.example.com"), Indexes{0});
  EXPECT_EQ(found(table, "example.com"), Indexes{2});
  for (const char* none : {"a.b.example.com", ".example.com", "com", "", "*.example.com", "wwwexample.com", "."})
    EXPECT_FALSE(table.find(none)) << none;
}

TEST(NameTable, BothKindsForOneName) {
  const NameTable table({{{"a.example", "b.example"}, kRsa}, {{"a.example"}, kEcdsa}});
  EXPECT_EQ(found(table, "a.example"), (Indexes{0, 1}));
  EXPECT_EQ(found(table, "b.example"), Indexes{0});
  EXPECT_EQ(table.groups().front(), (Indexes{0, 1}));
}

TEST(NameTable, FirstOfAKindHasTheName) {
  const NameTable table({{{"a.example"}, kRsa}, {{"a.example", "b.example"}, kRsa}});
  EXPECT_EQ(found(table, "a.example"), Indexes{0});
  EXPECT_EQ(found(table, "b.example"), Indexes{1});
}

TEST(NameTable, DefaultIsTheFirstEvenWithoutNames) {
  const NameTable table({{{}, kRsa}, {{"a.example"}, kRsa}});
  EXPECT_EQ(table.groups().front(), Indexes{0});
  EXPECT_EQ(found(table, "a.example"), Indexes{1});
  EXPECT_TRUE(NameTable().groups().empty());
}

TEST(NameTable, LongNames) {
  const NameTable table({{{"*.example.com"}, kRsa}});
  EXPECT_TRUE(table.find(std::string(200, 'a') + ".example.com"));
  EXPECT_FALSE(table.find("a." + std::string(70000, 'b') + ".example.com"));
}

}  // namespace
}  // namespace shellac::tls
