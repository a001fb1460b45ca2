#include "shellac/http/fields.hpp"

#include <gtest/gtest.h>

#include <cctype>
#include <string>
#include <vector>

#include "http/fixture.hpp"

namespace shellac::http {
namespace {

constexpr int kIds = static_cast<int>(FieldId::x_request_id) + 1;

std::vector<std::string> members(std::string_view list) {
  std::vector<std::string> out;
  for_each_member(list, [&](std::string_view member) {
    out.emplace_back(member);
    return true;
  });
  return out;
}
using List = std::vector<std::string>;

TEST(Fields, EveryKnownNameIsFoundInAnyCase) {
  for (int i = 1; i < kIds; ++i) {
    const auto id = static_cast<FieldId>(i);
    const std::string name(field_name(id));
    ASSERT_FALSE(name.empty()) << i;
    std::string upper = name, lower = name;
    for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    EXPECT_EQ(field_id(name), id) << name;
    EXPECT_EQ(field_id(upper), id) << name;
    EXPECT_EQ(field_id(lower), id) << name;
  }
  EXPECT_EQ(field_name(FieldId::other), "");
}

TEST(Fields, NamesThatAreNearlyKnownAreOther) {
  EXPECT_EQ(field_id(""), FieldId::other);
  EXPECT_EQ(field_id("X"), FieldId::other);
  EXPECT_EQ(field_id(std::string(1000, 'a')), FieldId::other);
  for (int i = 1; i < kIds; ++i) {
    const std::string name(field_name(static_cast<FieldId>(i)));
    EXPECT_EQ(field_id(name + "s"), FieldId::other) << name;
    EXPECT_EQ(field_id(name + " "), FieldId::other) << name;
    EXPECT_EQ(field_id(name.substr(1)), FieldId::other) << name;
    for (std::size_t at = 0; at < name.size(); ++at) {
      std::string changed = name;
      changed[at] = '_';
      EXPECT_EQ(field_id(changed), FieldId::other) << changed;
      changed[at] = static_cast<char>(name[at] ^ 0x40);  // not the other case: another octet altogether
      EXPECT_EQ(field_id(changed), FieldId::other) << changed;
    }
  }
}

Fields some() {
  Fields fields;
  fields.add("X", "1");
  fields.add("via", "a");
  fields.add("x", "2");
  fields.add(FieldId::via, "b");
  fields.add("Y", "3");
  return fields;
}

TEST(Fields, KeepTheirOrderAndFindTheFirst) {
  const Fields fields = some();
  EXPECT_EQ(describe(fields), " [X|1] [via|a] [x|2] [Via|b] [Y|3]");
  EXPECT_EQ(fields.find("x")->value, "1");
  EXPECT_EQ(fields.find(FieldId::via)->value, "a");
  EXPECT_EQ(fields.value(FieldId::via), "a");
  EXPECT_EQ(fields.value(FieldId::host), "");
  EXPECT_EQ(fields.find("Z"), nullptr);
  EXPECT_EQ(fields.find(FieldId::host), nullptr);
  EXPECT_EQ(fields.count(FieldId::via), 2u);
  EXPECT_EQ(fields.count(FieldId::host), 0u);
  EXPECT_TRUE(fields.has(FieldId::via));
  EXPECT_FALSE(fields.has(FieldId::host));
  EXPECT_EQ(fields.size(), 5u);
}

TEST(Fields, SetReplacesTheFirstAndRemovesTheOthers) {
  Fields fields = some();
  fields.set("x", "new");
  EXPECT_EQ(describe(fields), " [x|new] [via|a] [Via|b] [Y|3]");
  fields.set(FieldId::via, "c");
  EXPECT_EQ(describe(fields), " [x|new] [Via|c] [Y|3]");
  fields.set(FieldId::host, "h");
  EXPECT_EQ(describe(fields), " [x|new] [Via|c] [Y|3] [Host|h]");
  EXPECT_EQ(fields.find("host")->id, FieldId::host);
}

TEST(Fields, RemoveTellsHowMany) {
  Fields fields = some();
  EXPECT_EQ(fields.remove("X"), 2u);
  EXPECT_EQ(fields.remove(FieldId::via), 2u);
  EXPECT_EQ(fields.remove("X"), 0u);
  EXPECT_EQ(fields.remove(FieldId::host), 0u);
  EXPECT_EQ(describe(fields), " [Y|3]");
  fields.remove_if([](const Field& field) { return field.value == "3"; });
  EXPECT_TRUE(fields.empty());
  fields.add("A", "b");
  fields.clear();
  EXPECT_TRUE(fields.empty());
}

// More than live inside: the list moves to the heap and back out of it by copy.
TEST(Fields, ManyOfThem) {
  Fields fields;
  std::vector<std::string> names;
  for (int i = 0; i < 200; ++i) names.push_back("N" + std::to_string(i));
  for (const std::string& name : names) fields.add(name, name);
  const Fields copy = fields;
  for (std::size_t i = 0; i < names.size(); i += 2) EXPECT_EQ(fields.remove(names[i]), 1u);
  EXPECT_EQ(fields.size(), 100u);
  EXPECT_EQ(copy.size(), 200u);
  EXPECT_EQ(copy.find("n199")->value, "N199");
}

TEST(Fields, MembersOfLists) {
  EXPECT_EQ(members(""), List{});
  EXPECT_EQ(members(", ,\t,"), List{});
  EXPECT_EQ(members("a"), List{"a"});
  EXPECT_EQ(members(" a , b;c=d ,\te\t"), (List{"a", "b;c=d", "e"}));
  EXPECT_EQ(members(",a,,b,"), (List{"a", "b"}));
  EXPECT_EQ(members("a=\"b, c\", d"), (List{"a=\"b, c\"", "d"}));
  EXPECT_EQ(members("\"a\\\", b\", c"), (List{"\"a\\\", b\"", "c"}));
  EXPECT_EQ(members("\"a\\\\\", c"), (List{"\"a\\\\\"", "c"}));
  // A quote that stays open holds the rest.
  EXPECT_EQ(members("a, \"b, c"), (List{"a", "\"b, c"}));
  EXPECT_EQ(members("\"a\\"), List{"\"a\\"});
  // Outside of quotes a backslash is an octet like others.
  EXPECT_EQ(members("a\\,b"), (List{"a\\", "b"}));
}

TEST(Fields, MembersOverAllLinesOfThatName) {
  Fields fields;
  fields.add("Via", "a, b");
  fields.add("X", "y");
  fields.add("via", "");
  fields.add("VIA", "c");
  List all;
  for_each_member(fields, FieldId::via, [&](std::string_view member) {
    all.emplace_back(member);
    return true;
  });
  EXPECT_EQ(all, (List{"a", "b", "c"}));
  int calls = 0;
  for_each_member(fields, FieldId::via, [&](std::string_view member) { return ++calls, member != "b"; });
  EXPECT_EQ(calls, 2);
}

}  // namespace
}  // namespace shellac::http
