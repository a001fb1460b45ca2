#include "shellac/balance/sticky.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace shellac::balance {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

const WallTime kDay0 = WallTime{} + hours(24 * 20'000);
constexpr const char* kKey = "0123456789abcdef0123456789abcdef";

StickyCookies cookies(StickyOptions options = {}, std::string key = kKey, std::string pool = "web") {
  return {std::move(options), std::move(pool), {"web1", "web2", "web3"}, std::move(key)};
}

// The value of what renew() would set now.
std::string value_of(const StickyCookies& with, std::size_t member, WallTime now, Visitor visitor = {}) {
  const auto line = with.renew(visitor, member, false, now);
  if (!line) return "";
  return line->substr(line->find('=') + 1, line->find(';') - line->find('=') - 1);
}

long max_age(const std::string& line) { return std::stol(line.substr(line.find("Max-Age=") + 8)); }

TEST(Sealed, ComesBackAsTheSameServer) {
  const auto web = cookies();
  for (std::size_t i = 0; i < 3; ++i) {
    const Visitor visitor = web.read(value_of(web, i, kDay0), kDay0 + hours(1));
    EXPECT_EQ(visitor.result, StickyResult::valid);
    EXPECT_EQ(visitor.member, i);
  }
}

TEST(Sealed, TellsNeitherNameNorAddress) {
  const auto web = cookies();
  const std::string value = value_of(web, 0, kDay0);
  EXPECT_EQ(value.size(), 43u);
  EXPECT_THAT(value, Not(HasSubstr("web1")));
  // Another key seals the same server otherwise: nobody learns it by comparing sites.
  EXPECT_NE(value.substr(0, 8), value_of(cookies({}, "another key of some length"), 0, kDay0).substr(0, 8));
}

TEST(Sealed, EdgesWithTheSameKeyAgree) {
  EXPECT_EQ(cookies().read(value_of(cookies(), 1, kDay0), kDay0).member, 1u);
  EXPECT_EQ(cookies().read(value_of(cookies(), 1, kDay0), kDay0).result, StickyResult::valid);
}

TEST(Sealed, EveryChangedLetterIsAForgery) {
  const auto web = cookies();
  const std::string good = value_of(web, 2, kDay0);
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string forged = good;
    forged[i] = forged[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(web.read(forged, kDay0).result, StickyResult::invalid) << i;
  }
}

TEST(Sealed, RefusesWhatIsNotItsOwn) {
  const auto web = cookies();
  EXPECT_EQ(web.read("", kDay0).result, StickyResult::none);
  for (const std::string& value :
       {std::string("web1"), std::string(43, 'A'), std::string(44, 'A'), std::string(4000, 'x'), std::string("=;\"\\"),
        value_of(cookies({}, "another key of some length"), 0, kDay0), value_of(cookies({}, kKey, "shop"), 0, kDay0)})
    EXPECT_EQ(web.read(value, kDay0).result, StickyResult::invalid) << value;
}

TEST(Sealed, AServerThatIsGoneIsUnknown) {
  const StickyCookies two({}, "web", {"web1", "web2"}, kKey);
  EXPECT_EQ(two.read(value_of(cookies(), 2, kDay0), kDay0).result, StickyResult::unknown);
  EXPECT_EQ(two.read(value_of(cookies(), 1, kDay0), kDay0).member, 1u);
}

TEST(Sealed, MembersMayChangeTheirPlaces) {
  const StickyCookies turned({}, "web", {"web3", "web2", "web1"}, kKey);
  EXPECT_EQ(turned.read(value_of(cookies(), 0, kDay0), kDay0).member, 2u);
}

TEST(Memo, RemembersWhatWasGenuineAndNothingElse) {
  const auto web = cookies();
  const StickyCookies shop = cookies({}, kKey, "shop");
  SealMemo memo;
  std::vector<std::string> values;
  for (int i = 0; i < 3000; ++i) values.push_back(value_of(web, static_cast<std::size_t>(i % 3), kDay0 + seconds(i)));
  for (int round = 0; round < 2; ++round)
    for (std::size_t i = 0; i < values.size(); ++i) {
      const Visitor visitor = web.read(values[i], kDay0 + hours(1), &memo);
      ASSERT_EQ(visitor.result, StickyResult::valid);
      ASSERT_EQ(visitor.member, i % 3);
      std::string forged = values[i];
      forged[3] = forged[3] == 'A' ? 'B' : 'A';  // the place in the memo is the same
      ASSERT_EQ(web.read(forged, kDay0 + hours(1), &memo).result, StickyResult::invalid);
      ASSERT_EQ(shop.read(values[i], kDay0 + hours(1), &memo).result, StickyResult::invalid);
    }
  // Time goes on for those that are remembered, too.
  EXPECT_EQ(web.read(values.front(), kDay0 + hours(25), &memo).result, StickyResult::expired);
  EXPECT_EQ(web.read("short", kDay0, &memo).result, StickyResult::invalid);
}

TEST(Dates, EndByIdlingAndByAge) {
  StickyOptions options;
  options.max_idle = hours(1);
  options.max_life = hours(3);
  const auto web = cookies(options);
  const std::string value = value_of(web, 0, kDay0);
  EXPECT_EQ(web.read(value, kDay0 + hours(1)).result, StickyResult::valid);
  EXPECT_EQ(web.read(value, kDay0 + hours(1) + seconds(1)).result, StickyResult::expired);
  // Refreshed again and again: the first date stays and ends it.
  std::string current = value;
  WallTime now = kDay0;
  for (; now < kDay0 + hours(3); now += std::chrono::minutes(30)) {
    const Visitor visitor = web.read(current, now);
    ASSERT_EQ(visitor.result, StickyResult::valid);
    if (const auto next = value_of(web, 0, now, visitor); !next.empty()) current = next;
  }
  EXPECT_EQ(web.read(current, kDay0 + hours(3) + seconds(1)).result, StickyResult::expired);
}

TEST(Dates, ZeroSwitchesOneOff) {
  StickyOptions options;
  options.max_idle = Duration::zero();
  options.max_life = hours(2);
  const auto aging = cookies(options);
  EXPECT_EQ(aging.read(value_of(aging, 0, kDay0), kDay0 + hours(2)).result, StickyResult::valid);
  EXPECT_EQ(aging.read(value_of(aging, 0, kDay0), kDay0 + hours(3)).result, StickyResult::expired);
  options.max_idle = hours(2);
  options.max_life = Duration::zero();
  const auto idling = cookies(options);
  EXPECT_EQ(idling.read(value_of(idling, 0, kDay0), kDay0 + hours(3)).result, StickyResult::expired);
  options.max_idle = Duration::zero();
  const auto session = cookies(options);
  EXPECT_EQ(session.read(value_of(session, 0, kDay0), kDay0 + hours(24 * 365)).result, StickyResult::valid);
  EXPECT_THAT(*session.renew({}, 0, false, kDay0), Not(HasSubstr("Max-Age")));
}

TEST(Dates, OfTomorrowAreNobodys) {
  const auto web = cookies();
  EXPECT_EQ(web.read(value_of(web, 0, kDay0 + hours(25)), kDay0).result, StickyResult::expired);
  EXPECT_EQ(web.read(value_of(web, 0, kDay0 + hours(1)), kDay0).result, StickyResult::valid);  // clocks differ a little
}

TEST(Renewal, IsAtMostEveryQuarterOfTheIdleTime) {
  StickyOptions options;
  options.max_idle = hours(4);
  const auto web = cookies(options);
  const std::string value = value_of(web, 1, kDay0);
  const auto renewed = [&](Duration later) {
    return web.renew(web.read(value, kDay0 + later), 1, false, kDay0 + later).has_value();
  };
  EXPECT_FALSE(renewed(seconds(0)));
  EXPECT_FALSE(renewed(hours(1) - seconds(1)));
  EXPECT_TRUE(renewed(hours(1)));
}

TEST(Renewal, AnotherServerBeginsAnew) {
  const auto web = cookies();
  const Visitor visitor = web.read(value_of(web, 0, kDay0), kDay0 + seconds(5));
  const std::string moved = value_of(web, 1, kDay0 + seconds(5), visitor);
  EXPECT_EQ(web.read(moved, kDay0 + seconds(5)).member, 1u);
  EXPECT_EQ(web.read(moved, kDay0 + seconds(5)).first - web.read(value_of(web, 0, kDay0), kDay0).first, 5);
}

TEST(Renewal, WritesTheAttributes) {
  StickyOptions options;
  options.max_idle = hours(1);
  options.max_life = hours(2);
  const auto web = cookies(options);
  const std::string line = *web.renew({}, 0, true, kDay0);
  EXPECT_THAT(line, testing::StartsWith("SHELLAC="));
  EXPECT_THAT(line, HasSubstr("; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=3600"));
  EXPECT_THAT(*web.renew({}, 0, false, kDay0), Not(HasSubstr("Secure")));
  // The smaller remainder of the two.
  std::string value = value_of(web, 0, kDay0);
  for (int i = 1; i <= 3; ++i) {
    const WallTime now = kDay0 + std::chrono::minutes(30 * i);
    const auto renewed = web.renew(web.read(value, now), 0, true, now);
    ASSERT_TRUE(renewed) << i;
    EXPECT_EQ(max_age(*renewed), std::min(3600, 7200 - 1800 * i)) << i;
    value = renewed->substr(8, 43);
  }
}

TEST(Plain, AcceptsAndWritesHaproxysLabels) {
  StickyOptions options;
  options.mode = StickyMode::plain;
  const auto web = cookies(options);
  const Visitor dateless = web.read("web2", kDay0);
  EXPECT_EQ(dateless.result, StickyResult::valid);
  EXPECT_EQ(dateless.member, 1u);
  const std::string dated = value_of(web, 1, kDay0, dateless);  // counts once and is dated then
  // HAProxy's five letters for 2024-10-04 00:00 UTC: 1,728,000,000 s / 4 = 432,000,000.
  EXPECT_EQ(dated, "web2|Zv8wA|Zv8wA");
  EXPECT_EQ(web.read(dated, kDay0 + hours(23)).result, StickyResult::valid);
  EXPECT_EQ(web.read(dated, kDay0 + hours(25)).result, StickyResult::expired);
  EXPECT_EQ(web.read("web2|Zv8wA", kDay0).result, StickyResult::valid);
  EXPECT_EQ(web.read("web9", kDay0).result, StickyResult::unknown);
  EXPECT_EQ(web.read("web2|!!!!!", kDay0).result, StickyResult::invalid);
  EXPECT_EQ(web.read("web2|AAA", kDay0).result, StickyResult::invalid);
}

TEST(Plain, WithoutDatesIsTheBareLabel) {
  StickyOptions options;
  options.mode = StickyMode::plain;
  options.max_idle = options.max_life = Duration::zero();
  const auto web = cookies(options);
  EXPECT_EQ(value_of(web, 2, kDay0), "web3");
  EXPECT_FALSE(web.renew(web.read("web3", kDay0), 2, false, kDay0));
}

TEST(IsOurs, KnowsItsOwnShape) {
  const auto web = cookies();
  EXPECT_TRUE(web.is_ours(value_of(web, 0, kDay0)));
  EXPECT_TRUE(web.is_ours(std::string(43, 'A')));  // forged, but nobody else's either
  EXPECT_FALSE(web.is_ours("theme=dark"));
  StickyOptions options;
  options.mode = StickyMode::plain;
  EXPECT_TRUE(cookies(options).is_ours("web1"));
  EXPECT_FALSE(cookies(options).is_ours("dark"));
}

TEST(Cookie, IsFound) {
  EXPECT_EQ(find_cookie("a=1; SHELLAC=x; b=2", "SHELLAC"), "x");
  EXPECT_EQ(find_cookie("SHELLAC=x=y", "SHELLAC"), "x=y");
  EXPECT_EQ(find_cookie(" SHELLAC = x ;", "SHELLAC"), "x");
  EXPECT_EQ(find_cookie("XSHELLAC=x; shellac=y", "SHELLAC"), std::nullopt);
  EXPECT_EQ(find_cookie("", "SHELLAC"), std::nullopt);
  EXPECT_EQ(set_cookie_name("SHELLAC=x; Path=/"), "SHELLAC");
  EXPECT_EQ(set_cookie_name("flag; Path=/"), "flag");
}

TEST(Cookie, OursIsFoundAmongOthersAndTakenOut) {
  const auto web = cookies();
  const std::string home = value_of(web, 1, kDay0), forged(43, 'A');
  const auto look = [&](const std::string& field) { return web.look(field, kDay0); };
  const struct {
    std::string field;
    StickyResult result;
    bool has_ours;
    std::string left;
  } kRows[] = {
      {"", StickyResult::none, false, ""},
      {"a=1", StickyResult::none, false, "a=1"},
      {"SHELLAC=" + home, StickyResult::valid, true, ""},
      {"a=1; SHELLAC=" + home + "; b=2", StickyResult::valid, true, "a=1; b=2"},
      {"SHELLAC=" + home + ";SHELLAC=" + home + ";a", StickyResult::valid, true, "a"},
      {"SHELLAC=" + forged + "; a=1", StickyResult::invalid, true, "a=1"},
      {"SHELLAC=" + forged + "; SHELLAC=" + home, StickyResult::valid, true, ""},
      // An application's own, for a path of its own.
      {"SHELLAC=theirs; b=2", StickyResult::invalid, false, "SHELLAC=theirs; b=2"},
      {"SHELLAC=theirs; SHELLAC=" + home, StickyResult::valid, true, "SHELLAC=theirs"},
      {"SHELLAC=" + home + "; SHELLAC=theirs", StickyResult::valid, true, "SHELLAC=theirs"},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(look(row.field).visitor.result, row.result) << row.field;
    EXPECT_EQ(look(row.field).has_ours, row.has_ours) << row.field;
    EXPECT_EQ(web.without_ours(row.field), row.left) << row.field;
    if (row.result == StickyResult::valid) {
      EXPECT_EQ(look(row.field).visitor.member, 1u) << row.field;
    }
  }
}

}  // namespace
}  // namespace shellac::balance
