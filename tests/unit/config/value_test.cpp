#include "shellac/config/value.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "shellac/config/document.hpp"
#include "shellac/config/key_table.hpp"

namespace shellac::config {
namespace {

using Texts = std::vector<std::string>;

// `yaml` is what stands behind "k: "; value() is read, problems() are without "f:1:4: k: ".
class Reading : public ::testing::Test {
 protected:
  Value value(const std::string& yaml) {
    problems_ = Problems();
    root_ =
        parse_document("k: " + yaml + "\n", problems_.add_file("f", "/etc/shellac"), Environment(), problems_).value();
    return Value(root_, problems_)["k"];
  }
  std::string problem() {
    std::string all;
    for (const Problem& problem : problems_.take()) all += to_string(problem);
    constexpr std::string_view kPlace = "f:1:4: k: ";
    return all.starts_with(kPlace) ? all.substr(kPlace.size()) : all;
  }

  Problems problems_;
  Node root_;
};

TEST_F(Reading, Bool) {
  bool flag = false;
  EXPECT_TRUE(value("true").read(flag));
  EXPECT_TRUE(flag);
  EXPECT_TRUE(value("\"false\"").read(flag));  // ${FLAG} inside { } needs quotes
  EXPECT_FALSE(flag);
  for (const char* bad : {"yes", "on", "True", "1", "[ true ]", "{}", "~", "\"\""}) {
    EXPECT_FALSE(value(bad).read(flag));
    EXPECT_NE(problem().find("expected true or false"), std::string::npos) << bad;
  }
}

TEST_F(Reading, Number) {
  std::uint32_t number = 7;
  EXPECT_TRUE(value("10").read_number(number, 1, 100));
  EXPECT_EQ(number, 10u);
  EXPECT_TRUE(value("0").read_number(number, 0, 100));
  for (const char* bad :
       {"-1", "+1", "1.0", "1e3", "0x1F", "1_000", "101", "", "x", "[ 1 ]", "99999999999999999999", "\" 1\"", "1 2"}) {
    EXPECT_FALSE(value(bad).read_number(number, 0, 100));
    EXPECT_NE(problem().find("expected a whole number from 0 to 100"), std::string::npos) << bad;
  }
  for (const char* octal : {"0755", "0o17", "0O17", "00", "010"}) {
    EXPECT_FALSE(value(octal).read_number(number, 0, 100));
    EXPECT_NE(problem().find("looks octal, expected decimal digits without a leading zero"), std::string::npos)
        << octal;
  }
  EXPECT_EQ(number, 0u);
}

TEST_F(Reading, DurationAndSize) {
  Duration duration{0};
  EXPECT_TRUE(value("1.5s").read(duration, Duration(0)));
  EXPECT_EQ(duration, std::chrono::milliseconds(1500));
  EXPECT_FALSE(value("0s").read_positive(duration));
  EXPECT_EQ(problem(), "found \"0s\", expected a duration above 0s");
  EXPECT_FALSE(value("10").read(duration, Duration(0)));
  EXPECT_EQ(problem(), "found \"10\", expected a duration with its unit, such as 250ms, 10s, 5m, 1h or 7d");
  EXPECT_FALSE(value("010s").read(duration, Duration(0)));
  EXPECT_NE(problem().find("looks octal"), std::string::npos);
  EXPECT_FALSE(value("2h").read(duration, std::chrono::seconds(1), std::chrono::hours(1)));
  EXPECT_EQ(problem(), "found \"2h\", expected a duration from 1s to 1h");
  EXPECT_FALSE(value("99999999d").read(duration, Duration(0)));

  Bytes size;
  EXPECT_TRUE(value("64KiB").read(size, 1_B, 1_MiB));
  EXPECT_EQ(size, 64_KiB);
  EXPECT_FALSE(value("64KB").read(size, 1_B, 1_MiB));
  EXPECT_EQ(problem(), "found \"64KB\", expected a size with its unit, such as 100B, 64KiB, 512MiB or 4GiB");
  EXPECT_FALSE(value("2MiB").read(size, 1_B, 1_MiB));
  EXPECT_EQ(problem(), "found \"2MiB\", expected a size from 1B to 1MiB");
}

TEST_F(Reading, PercentAndDecimal) {
  std::uint32_t percent = 0;
  EXPECT_TRUE(value("50%").read_percent(percent));
  EXPECT_EQ(percent, 50u);
  for (const char* bad : {"50", "101%", "-1%", "0.5%", "\"%\"", "050%"})
    EXPECT_FALSE(value(bad).read_percent(percent)) << bad;
  double number = 0;
  EXPECT_TRUE(value("1.25").read_decimal(number, 1, 10));
  EXPECT_EQ(number, 1.25);
  EXPECT_TRUE(value("2").read_decimal(number, 1, 10));
  for (const char* bad : {".5", "1.", "1e1", "0.5", "11", "nan", "inf", "1.2.3", "0x1", "01.5"})
    EXPECT_FALSE(value(bad).read_decimal(number, 1, 10)) << bad;
}

TEST_F(Reading, EnumTellsWhatIsAllowed) {
  enum class Switch { off, accept, require };
  constexpr auto words = std::to_array<std::pair<std::string_view, Switch>>(
      {{"off", Switch::off}, {"accept", Switch::accept}, {"require", Switch::require}});
  Switch out = Switch::off;
  EXPECT_TRUE(value("require").read_enum(out, words));
  EXPECT_EQ(out, Switch::require);
  EXPECT_FALSE(value("acept").read_enum(out, words));
  EXPECT_EQ(problem(), "found \"acept\", expected off, accept or require; did you mean accept?");
  EXPECT_FALSE(value("[ off ]").read_enum(out, words));
  EXPECT_EQ(problem(), "found a list, expected off, accept or require");
  EXPECT_EQ(out, Switch::require);
}

TEST_F(Reading, TextsAndPaths) {
  Texts texts;
  EXPECT_TRUE(value("one").read_texts(texts));
  EXPECT_EQ(texts, Texts{"one"});
  EXPECT_TRUE(value("[ a, \"b c\" ]").read_texts(texts));
  EXPECT_EQ(texts, (Texts{"a", "b c"}));
  EXPECT_TRUE(value("[]").read_texts(texts));
  EXPECT_TRUE(texts.empty());
  EXPECT_FALSE(value("{ a: 1 }").read_texts(texts));
  EXPECT_EQ(problem(), "found a map, expected one value or a list of them");
  EXPECT_FALSE(value("[ ~, \"\", [ x ] ]").read_texts(texts));
  EXPECT_EQ(problems_.take().size(), 3u);
  std::string path;
  EXPECT_TRUE(value("tls/../a.crt").read_path(path));
  EXPECT_EQ(path, "/etc/shellac/a.crt");
  EXPECT_TRUE(value("/a//b").read_path(path));
  EXPECT_EQ(path, "/a/b");
  EXPECT_FALSE(value("").read_path(path));
  EXPECT_EQ(problems_.take()[0].text, "k: found nothing, expected a path");
}

TEST_F(Reading, MapsAndListsOfThem) {
  EXPECT_FALSE(value("x").expect_map());
  EXPECT_EQ(problem(), "found \"x\", expected a map (KEY: VALUE)");
  EXPECT_FALSE(value("x")["below"]["deeper"]);
  EXPECT_EQ(value("[ { a: 1 }, x, { a: 2 } ]").list_of_maps().size(), 2u);
  EXPECT_EQ(problem(), "f:1:16: k[]: found \"x\", expected a map (KEY: VALUE)");
  EXPECT_TRUE(value("{}").list_of_maps().empty());
  EXPECT_EQ(problem(), "found a map, expected a list");
  std::string names;
  for (const Member& member : value("{ a: 1, b: 2 }").members())
    names += member.key + std::string(member.value.text()) + member.value.path() + " ";
  EXPECT_EQ(names, "a1k.a b2k.b ");
}

TEST_F(Reading, BrokenVariablesAreToldOnce) {
  std::uint32_t number = 0;
  value("${SURELY_NOT_SET_ANYWHERE}").read_number(number, 0, 1);
  EXPECT_EQ(problems_.take().size(), 1u);
}

TEST_F(Reading, LongAndStrangeTextIsShortened) {
  EXPECT_EQ(shown_text("a\nb\tc\x01"), "\"a\\nb\\tc?\"");
  EXPECT_EQ(shown_text(std::string(61, 'x')), "\"" + std::string(60, 'x') + "…\"");
  EXPECT_EQ(shown_text(std::string(59, 'x') + "éé"), "\"" + std::string(59, 'x') + "…\"");
}

constexpr auto kKeys = std::to_array<Key>({{"workers"},
                                           {"listeners"},
                                           {"listeners[].name"},
                                           {"listeners[].timeouts"},
                                           {"listeners[].timeouts.idle"},
                                           {"defaults", Key::State::known, "pools.*"},
                                           {"pools"},
                                           {"pools.*.sticky", Key::State::later},
                                           {"pools.*.sticky.cookie"},
                                           {"pools.*.header"}});

Texts check_keys(const std::string& yaml) {
  Problems problems;
  Node root = parse_document(yaml, problems.add_file("f", "/"), Environment(), problems).value();
  KeyTable(kKeys).check(root, problems);
  Texts texts;
  for (const Problem& problem : problems.take()) texts.push_back(to_string(problem));
  return texts;
}

TEST(KeyTable, KnownKeysPass) {
  EXPECT_EQ(
      check_keys(
          "workers: 1\nlisteners:\n  - { name: x, timeouts: { idle: 1s } }\npools: { any: { header: { Free: x } } }\n"),
      Texts());
}

TEST(KeyTable, UnknownKeysWithTheNearest) {
  EXPECT_EQ(check_keys("worker: 1\n"), Texts{"f:1:1: worker: unknown key, did you mean \"workers\"?"});
  EXPECT_EQ(check_keys("Listeners: []\n"), Texts{"f:1:1: Listeners: unknown key, did you mean \"listeners\"?"});
  EXPECT_EQ(check_keys("listeners:\n  - name: a\n    timeouts: { idel: 1s, zzz: 1 }\n"),
            (Texts{"f:3:17: listeners[].timeouts.idel: unknown key, did you mean \"idle\"?",
                   "f:3:27: listeners[].timeouts.zzz: unknown key, expected idle"}));
  EXPECT_EQ(check_keys(std::string(1000, 'x') + ": 1\n").size(), 1u);
}

TEST(KeyTable, LaterKeysAreToldOnceAndLookedInto) {
  EXPECT_EQ(check_keys("pools:\n  web:\n    sticky: { cookie: x, cokie: y }\n"),
            (Texts{"f:3:5: pools.web.sticky: not in this version yet",
                   "f:3:26: pools.web.sticky.cokie: unknown key, did you mean \"cookie\"?"}));
}

TEST(KeyTable, OneSectionLikeAnother) {
  EXPECT_EQ(check_keys("defaults: { sticky: {}, headr: {} }\n"),
            (Texts{"f:1:13: defaults.sticky: not in this version yet",
                   "f:1:25: defaults.headr: unknown key, did you mean \"header\"?"}));
}

TEST(KeyTable, WrongShapesAreLeftToTheReaders) {
  EXPECT_EQ(check_keys("listeners: { name: x }\nworkers: { a: 1 }\npools: [ 1 ]\n"), Texts());
}

TEST(KeyTable, Names) {
  Texts names = KeyTable(kKeys).names();
  EXPECT_EQ(names.size(), kKeys.size());
  EXPECT_EQ(names[2], "listeners[].name");
}

}  // namespace
}  // namespace shellac::config
