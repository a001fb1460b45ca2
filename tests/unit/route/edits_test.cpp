#include "route/fixture.hpp"

namespace shellac::route {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

Pairs edited(const EditOptions& options, const Pairs& before) {
  http::Fields fields;
  for (const auto& [name, value] : before) fields.add(name, value);
  const Edits edits(options);
  edits.apply(fields);
  Pairs after;
  for (const auto& field : fields) after.emplace_back(field.name, field.value);
  return after;
}

const Pairs kBefore{{"Server", "x"}, {"X-A", "1"}, {"x-b", "2"}, {"X-A", "3"}, {"Cookie", "c"}};

TEST(Edits, Remove) {
  EXPECT_EQ(edited({.remove = {"x-a"}}, kBefore), (Pairs{{"Server", "x"}, {"x-b", "2"}, {"Cookie", "c"}}));
  EXPECT_EQ(edited({.remove = {"X-*"}}, kBefore), (Pairs{{"Server", "x"}, {"Cookie", "c"}}));
  EXPECT_EQ(edited({.remove = {"*er", "COOKIE"}}, kBefore), (Pairs{{"X-A", "1"}, {"x-b", "2"}, {"X-A", "3"}}));
  EXPECT_EQ(edited({.remove = {"*"}}, kBefore), Pairs{});
  EXPECT_EQ(edited({.remove = {"X"}}, kBefore), kBefore);
  const std::string longer(300, 'Q');
  EXPECT_EQ(edited({.remove = {"q*"}}, {{longer, "1"}, {"a", "2"}}), (Pairs{{"a", "2"}}));
}

TEST(Edits, SetReplacesTheFirstAndRemovesTheOthers) {
  EXPECT_EQ(edited({.set = {{"X-A", "9"}}}, kBefore),
            (Pairs{{"Server", "x"}, {"X-A", "9"}, {"x-b", "2"}, {"Cookie", "c"}}));
  EXPECT_EQ(edited({.set = {{"X-New", "n"}}}, {{"A", "1"}}), (Pairs{{"A", "1"}, {"X-New", "n"}}));
}

TEST(Edits, AddAppendsALine) {
  EXPECT_EQ(edited({.add = {{"X-A", "9"}, {"X-A", "8"}}}, {{"X-A", "1"}}),
            (Pairs{{"X-A", "1"}, {"X-A", "9"}, {"X-A", "8"}}));
}

TEST(Edits, RemoveThenSetThenAdd) {
  const EditOptions options{.set = {{"X-A", "s"}}, .add = {{"X-A", "a"}}, .remove = {"X-*"}};
  EXPECT_EQ(edited(options, kBefore), (Pairs{{"Server", "x"}, {"Cookie", "c"}, {"X-A", "s"}, {"X-A", "a"}}));
}

TEST(Edits, NewFieldsKnowTheirIds) {
  http::Fields fields;
  const Edits edits({.set = {{"server", "s"}}, .add = {{"VIA", "v"}}});
  edits.apply(fields);
  EXPECT_EQ(fields.value(http::FieldId::server), "s");
  EXPECT_EQ(fields.value(http::FieldId::via), "v");
}

TEST(Edits, EmptyIsToldAndDoesNothing) {
  EXPECT_TRUE(Edits({}).empty());
  EXPECT_FALSE(Edits({.remove = {"a"}}).empty());
  EXPECT_EQ(edited({}, kBefore), kBefore);
}

}  // namespace
}  // namespace shellac::route
