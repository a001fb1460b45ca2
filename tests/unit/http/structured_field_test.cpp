// RFC 9651 §4.2: what parses and what does not.
#include "shellac/http/structured_field.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace shellac::http {
namespace {

// The members as "key" or "key=type:value", then "!" when the field as a whole counts as absent.
std::string dictionary(std::string_view field) {
  StructuredReader reader(field);
  std::string text;
  while (const auto entry = reader.next_entry()) {
    if (!text.empty()) text += ' ';
    text += std::string(entry->key) + '=';
    const StructuredItem& item = entry->value;
    switch (item.type) {
      case StructuredItem::Type::integer:
        text += "i" + std::to_string(item.integer);
        break;
      case StructuredItem::Type::boolean:
        text += item.boolean ? "true" : "false";
        break;
      case StructuredItem::Type::string:
        text += "s" + std::string(item.text);
        break;
      case StructuredItem::Type::token:
        text += "t" + std::string(item.text);
        break;
      case StructuredItem::Type::display:
        text += "p" + std::string(item.text);
        break;
      case StructuredItem::Type::decimal:
        text += "decimal";
        break;
      case StructuredItem::Type::bytes:
        text += "bytes";
        break;
      case StructuredItem::Type::date:
        text += "date";
        break;
      case StructuredItem::Type::inner_list:
        text += "list";
        break;
    }
    if (item.has_parameters) text += ";";
  }
  return reader.has_failed() ? "!" : text;
}

struct Row {
  std::string_view field, expected;
};

TEST(StructuredField, Dictionaries) {
  const std::vector<Row> rows = {
      {"", ""},
      {"a", "a=true"},
      {"max-age=3600", "max-age=i3600"},
      {"  a=1 ,\tb=-2  ", "a=i1 b=i-2"},
      {"a=1, a=2", "a=i1 a=i2"},
      {"a=?0, b=?1", "a=false b=true"},
      {"a=\"x\\\"y\"", "a=sx\\\"y"},
      {"a=tok/en:1", "a=ttok/en:1"},
      {"a=*", "a=t*"},
      {"a=1.5", "a=decimal"},
      {"a=:aGk=:", "a=bytes"},
      {"a=@1659578233", "a=date"},
      {"a=%\"f%c3%bc\"", "a=pf%c3%bc"},
      {"a=(1 2);p, b", "a=list; b=true"},
      {"a=( )", "a=list"},
      {"a;b=1;c, d", "a=true; d=true"},
      {"a=999999999999999", "a=i999999999999999"},
      // §4.2: what fails, fails as a whole.
      {"a=1,", "!"},
      {"a=1,,b", "!"},
      {",a", "!"},
      {"A=1", "!"},
      {"MaX-aGe=1", "!"},
      {"a =1", "!"},
      {"a= 1", "!"},
      {"a=1 b=2", "!"},
      {"a=1000000000000000", "!"},
      {"a=1.", "!"},
      {"a=1.2345", "!"},
      {"a=-", "!"},
      {"a=\"x", "!"},
      {"a=\"\\x\"", "!"},
      {"a=\"\xc3\"", "!"},
      {"a='x'", "!"},
      {"a=?2", "!"},
      {"a=(1", "!"},
      {"a=(1\"x\")", "!"},
      {"a=:x", "!"},
      {"a=%\"%C3\"", "!"},
      {"a=@1.5", "!"},
      {"a, &&&&&", "!"},
      {"a=", "!"},
      {"a;B", "!"},
  };
  for (const Row& row : rows) EXPECT_EQ(dictionary(row.field), row.expected) << row.field;
}

TEST(StructuredField, Lists) {
  StructuredReader reader("\"a\", b;x=1, (c d), 4");
  std::vector<StructuredItem::Type> types;
  while (const auto item = reader.next_item()) types.push_back(item->type);
  using enum StructuredItem::Type;
  EXPECT_EQ(types, (std::vector{string, token, inner_list, integer}));
  EXPECT_FALSE(reader.has_failed());
}

TEST(StructuredField, LinesAreOneText) {
  Fields fields;
  std::string room;
  EXPECT_FALSE(structured_text(fields, "X", room));
  fields.add("x", "a=1");
  EXPECT_EQ(structured_text(fields, "X", room), "a=1");
  fields.add("Y", "no");
  fields.add("X", "b");
  fields.add("X", "c");
  EXPECT_EQ(structured_text(fields, "X", room), "a=1, b, c");
}

TEST(StructuredField, Strings) {
  std::string text;
  append_unescaped("a\\\"b\\\\", text);
  EXPECT_EQ(text, "a\"b\\");
  EXPECT_TRUE(is_structured_string("a b"));
  EXPECT_FALSE(is_structured_string("a\tb"));
  EXPECT_FALSE(is_structured_string("\xc3"));
}

}  // namespace
}  // namespace shellac::http
