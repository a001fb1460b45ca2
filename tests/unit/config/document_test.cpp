#include "shellac/config/document.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace shellac::config {
namespace {

const std::map<std::string, std::string> kVariables = {
    {"PORT", "8080"}, {"EMPTY", ""}, {"EVIL", "x\ny: [1]"}, {"BYTES", "\xff"}};

// The tree in one line: maps {k=v}, lists [v], scalars as text (quoted ones in '…'), null as ~.
std::string shape(const Node& node) {
  switch (node.kind) {
    case Node::Kind::null:
      return "~";
    case Node::Kind::scalar:
      return node.quoted ? "'" + node.text + "'" : node.text;
    case Node::Kind::list: {
      std::string out = "[";
      for (const Node& item : node.items) out += (out.size() > 1 ? " " : "") + shape(item);
      return out + "]";
    }
    case Node::Kind::map:
      break;
  }
  std::string out = "{";
  for (const Entry& entry : node.entries) out += (out.size() > 1 ? " " : "") + entry.key + "=" + shape(entry.value);
  return out + "}";
}

struct Parsed {
  std::string shape;
  std::vector<std::string> problems;
};

Parsed parse(std::string_view text) {
  Problems problems;
  int file = problems.add_file("f", "/");
  Environment environment(&kVariables);
  auto root = parse_document(text, file, environment, problems);
  if (root) check_duplicates(*root, problems);
  Parsed parsed{root ? shape(*root) : "", {}};
  for (const Problem& problem : problems.take()) parsed.problems.push_back(to_string(problem));
  return parsed;
}

struct GoodCase {
  std::string_view text, shape;
};
class GoodDocument : public ::testing::TestWithParam<GoodCase> {};

TEST_P(GoodDocument, Parses) {
  Parsed parsed = parse(GetParam().text);
  EXPECT_EQ(parsed.shape, GetParam().shape);
  EXPECT_EQ(parsed.problems, std::vector<std::string>());
}

INSTANTIATE_TEST_SUITE_P(
    Table, GoodDocument,
    ::testing::Values(GoodCase{"", "{}"}, GoodCase{"# only a comment\n", "{}"}, GoodCase{"---\na: 1\n...\n", "{a=1}"},
                      GoodCase{"\xef\xbb\xbf"
                               "a: 1\n",
                               "{a=1}"},
                      GoodCase{"a: 1\r\nb: 2\r\n", "{a=1 b=2}"},
                      GoodCase{"a: 1\nb: \"1\"\nc: '1'\n", "{a=1 b='1' c='1'}"},
                      GoodCase{"a: 'it''s'\nb: \"\\\"\"", "{a='it's' b='\"'}"}, GoodCase{"a:\nb: ~\n", "{a=~ b=~}"},
                      GoodCase{"a: [ 1, { b: 2 } ]\n", "{a=[1 {b=2}]}"},
                      GoodCase{"a:\n  - 1\n  - b: 2\n    c: 3\n", "{a=[1 {b=2 c=3}]}"},
                      GoodCase{"a: |\n  x\n  y\n", "{a='x\ny\n'}"}, GoodCase{"a: true # comment\n", "{a=true}"},
                      GoodCase{"a: \xc3\xa9\n", "{a=\xc3\xa9}"}, GoodCase{"a: unix:/run/x\n", "{a=unix:/run/x}"},
                      // The environment: never structure, never in keys.
                      GoodCase{"a: ${PORT}\n", "{a=8080}"}, GoodCase{"a: \"x${PORT}y${EMPTY}\"\n", "{a='x8080y'}"},
                      GoodCase{"a: ${EVIL}\n", "{a=x\ny: [1]}"}, GoodCase{"a: ${NONE:-d}\n", "{a=d}"},
                      GoodCase{"a: ${EMPTY:-d}${EMPTY}\n", "{a=d}"}, GoodCase{"a: ${NONE:-}\n", "{a=}"},
                      GoodCase{"a: ${NONE:-http://x:1}\n", "{a=http://x:1}"}, GoodCase{"a: $${PORT}\n", "{a=${PORT}}"},
                      GoodCase{"a: $$PORT $path $\n", "{a=$$PORT $path $}"}, GoodCase{"${PORT}: a\n", "{${PORT}=a}"}));

struct BadCase {
  std::string_view text;
  std::vector<std::string_view> problems;  // how each begins, in order
};
class BadDocument : public ::testing::TestWithParam<BadCase> {};

TEST_P(BadDocument, IsToldWithItsPlace) {
  Parsed parsed = parse(GetParam().text);
  ASSERT_EQ(parsed.problems.size(), GetParam().problems.size()) << ::testing::PrintToString(parsed.problems);
  for (std::size_t i = 0; i < parsed.problems.size(); ++i)
    EXPECT_TRUE(parsed.problems[i].starts_with(GetParam().problems[i])) << parsed.problems[i];
}

using namespace std::string_view_literals;
INSTANTIATE_TEST_SUITE_P(
    Syntax, BadDocument,
    ::testing::Values(BadCase{"a:\n\tb: 1\n", {"f:2:3: not YAML: a tab stands in the indentation"}},
                      BadCase{"a:\n  b: 1\n\tc: 2\n", {"f:3:1: not YAML: a tab stands in the indentation"}},
                      BadCase{"a: b: c\n", {"f:1:5: not YAML: \":\" is not expected here"}},
                      BadCase{"a: 1\n b: 2\n", {"f:2:3: not YAML: \":\" is not expected here"}},
                      BadCase{"a: {b: 1\n", {"f:2:1: not YAML: expected \",\" or \"}\""}},
                      BadCase{"a: [1, 2\nb: 3\n", {"f:2:2: not YAML: expected \",\" or \"]\""}},
                      BadCase{"a: [1}\n", {"f:1:6: not YAML: \"]\" or \"}\" closes nothing"}},
                      BadCase{"a: 1\n}\n", {"f:2:1: not YAML: \"]\" or \"}\" closes nothing"}},
                      BadCase{"a: \"x\n", {"f:1:4: not YAML: the quote that begins here is never closed"}},
                      BadCase{"a: \"x", {"f:1:6: not YAML: the file ends inside quotes"}},
                      BadCase{"a: 'it''s\nb: ''\n", {"f:1:4: not YAML: the quote that begins here is never closed"}},
                      BadCase{"\xef\xbb\xbf"
                              "a: \"\\\"\nb: 1\n",
                              {"f:1:4: not YAML: the quote that begins here is never closed"}},
                      BadCase{"a: @x\n", {"f:1:4: not YAML: no value begins with this character"}},
                      BadCase{"a: - b\n", {"f:1:4: not YAML: a list item"}},
                      BadCase{"a: 1\n- b\n", {"f:2:1: not YAML: expected another key"}},
                      BadCase{"a: \"\\q\"\n", {"f:1:7: not YAML: unknown escape"}},
                      BadCase{"{ a: ${PORT} }\n",
                              {"f:1:7: not YAML: inside [ ] and { } a value with ${…} needs quotes"}},
                      BadCase{"[1]\n", {"f:1:1: found no keys"}}, BadCase{"text\n", {"f:1:1: found no keys"}},
                      BadCase{"a: 1\n---\nb: 2\n", {"f:2:1: a second document begins here"}},
                      BadCase{"- a\nb: c\n", {"f:2:1: a second document"}},
                      BadCase{"a: &x 1\n", {"f:1:4: anchors (&NAME) are not supported"}},
                      BadCase{"&x a: 1\n", {"f:1:1: anchors"}}, BadCase{"a: &x [1]\n", {"f:1:4: anchors"}},
                      BadCase{"a: *x\n", {"f:1:4: not YAML: aliases (*NAME) are not supported"}},
                      BadCase{"a: [ *.example.com ]\n", {"f:1:6: not YAML: aliases (*NAME) are not supported"}},
                      BadCase{"a: !!str 1\n", {"f:1:4: tags (!NAME) are not supported"}},
                      BadCase{"a: !x [1]\n", {"f:1:4: tags"}},
                      BadCase{"? [a]\n: b\n", {"f:1:3: a list, a map or nothing stands where a key"}},
                      BadCase{"~: 1\n", {"f:1:1: a list, a map or nothing"}}));

INSTANTIATE_TEST_SUITE_P(Bytes, BadDocument,
                         ::testing::Values(BadCase{"a: 1\nb: \0\n"sv, {"f:2:4: found a NUL byte"}},
                                           BadCase{"a: \x04"
                                                   "1\n",
                                                   {"f:1:4: found a control character"}},
                                           BadCase{"a: \x7f\n", {"f:1:4: found a control character"}},
                                           BadCase{"a: \xff\n", {"f:1:4: found bytes that are not UTF-8"}},
                                           BadCase{"a: \xc0\xaf\n", {"f:1:4: found bytes that are not UTF-8"}},
                                           BadCase{"a: \xed\xa0\x80\n", {"f:1:4: found bytes"}},
                                           BadCase{"a: \xf4\x90\x80\x80\n", {"f:1:4: found bytes"}},
                                           BadCase{"a: \xe2\x82", {"f:1:4: found bytes"}},
                                           BadCase{"a: \xc2\x85\n", {"f:1:4: found a control character"}},
                                           BadCase{"\xff\xfe"
                                                   "a\0"sv,
                                                   {"f:1:1: found bytes"}},
                                           BadCase{"a: \"\\0\"\n", {"f:1:4: an escape makes a NUL byte"}}));

INSTANTIATE_TEST_SUITE_P(Duplicates, BadDocument,
                         ::testing::Values(BadCase{"a: 1\nb: 2\na: 3\n",
                                                   {"f:3:1: a: duplicate key, the first stands at f:1:1"}},
                                           BadCase{"a: 1\n\"a\": 2\n", {"f:2:1: a: duplicate key"}},
                                           BadCase{"a: { b: 1, b: 2, b: 3 }\n",
                                                   {"f:1:12: a.b: duplicate key, the first stands at f:1:6",
                                                    "f:1:18: a.b: duplicate key, the first stands at f:1:6"}},
                                           BadCase{"a:\n  - b: 1\n    b: 2\n", {"f:3:5: a[].b: duplicate key"}}));

INSTANTIATE_TEST_SUITE_P(
    Variables, BadDocument,
    ::testing::Values(BadCase{"a: ${NONE}\n", {"f:1:4: the environment variable NONE is not set"}},
                      BadCase{"a: x\nb: [ \"${NONE}\", \"${NO}\" ]\n",
                              {"f:2:6: the environment variable NONE", "f:2:17: the environment variable NO "}},
                      BadCase{"a: ${PORT\n", {"f:1:4: found ${ without its }"}},
                      BadCase{"a: ${}\n", {"f:1:4: found ${}, expected ${VAR}"}},
                      BadCase{"a: ${1X}\n", {"f:1:4: found ${1X}"}},
                      BadCase{"? |\n  b\n  c\n: 1\n? |\n  b\n  c\n: 1\n", {"f:5:3: b\\nc\\n: duplicate key"}},
                      BadCase{"a: |\n  ${A\n  x}\n", {"f:1:4: found ${A\\nx}, expected ${VAR}"}},
                      BadCase{"a: ${X-1}\n", {"f:1:4: found ${X-1}"}}, BadCase{"a: ${X:1}\n", {"f:1:4: found ${X:1}"}},
                      BadCase{"a: ${BYTES}\n", {"f:1:4: the environment variable BYTES is not plain UTF-8"}}));

TEST(Document, NestingIsBounded) {
  EXPECT_TRUE(parse("a: " + std::string(31, '[') + std::string(31, ']')).problems.empty());
  for (std::string_view open : {"[", "{a: "}) {
    std::string deep = "a: ";
    for (int i = 0; i < 32; ++i) deep += open;
    for (int i = 0; i < 32; ++i) deep += open == "[" ? "]" : "}";
    Parsed parsed = parse(deep);
    ASSERT_EQ(parsed.problems.size(), 1u);
    EXPECT_NE(parsed.problems[0].find("nested too deeply, expected at most 32 levels"), std::string::npos);
  }
  // Far beyond the bound of yaml-cpp's own recursion, too.
  EXPECT_EQ(parse("a: " + std::string(100'000, '[')).problems.size(), 1u);
}

TEST(Document, PlacesOfKeysAndValues) {
  Problems problems;
  Environment environment(&kVariables);
  auto root =
      parse_document("a: 1\nb:\n  - c: { d: x }\ne:\n\nf: 2\n", problems.add_file("f", "/"), environment, problems);
  ASSERT_TRUE(root);
  auto at = [](Place place) { return std::to_string(place.line) + ":" + std::to_string(place.column); };
  EXPECT_EQ(at(root->find("a")->place), "1:1");
  EXPECT_EQ(at(root->find("a")->value.place), "1:4");
  const Entry& c = *root->find("b")->value.items[0].find("c");
  EXPECT_EQ(at(c.place), "3:5");
  EXPECT_EQ(at(c.value.find("d")->place), "3:10");
  EXPECT_EQ(at(root->find("e")->value.place), "4:1");  // an empty value: its key
  EXPECT_EQ(root->find("g"), nullptr);
}

TEST(Document, ProblemsAreBounded) {
  std::string text;
  for (int i = 0; i < 1500; ++i) text += "a: 1\n";
  Parsed parsed = parse(text);
  ASSERT_EQ(parsed.problems.size(), 1001u);
  EXPECT_EQ(parsed.problems.back(), "f:0:0: 499 more problems are not shown");
}

}  // namespace
}  // namespace shellac::config
