// What the cache tells people.
#include <gmock/gmock.h>

#include "store_fixture.hpp"

namespace shellac::cache {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

using Report = StoreTest;
using std::chrono::seconds;

TEST_F(Report, TellsWhatAnObjectIs) {
  store("http://h/", "body", {.grace = seconds(30), .vary = "a", .says = {{"a", "1"}}, .tags = {"x", "y"}});
  store("http://h/", "other", {.vary = "a", .says = {{"a", "2"}}});
  ask("http://h/", {{"a", "1"}});
  pass(seconds(20));
  const auto reports = cache().inspect("http://h/", now_);
  ASSERT_EQ(reports.size(), 2u);
  const ObjectReport& one = reports[1];  // the newest comes first
  EXPECT_EQ(one.key, "http://h/");
  EXPECT_EQ(one.status, 200);
  EXPECT_EQ(one.vary_names, "a");
  EXPECT_EQ(one.variant, "1\n");
  EXPECT_EQ(one.age, seconds(20));
  EXPECT_EQ(one.freshness_left, seconds(40));
  EXPECT_EQ(one.grace_left, seconds(30));
  EXPECT_EQ(one.size, 4_B);
  EXPECT_GE(one.memory, 4_B);
  EXPECT_GE(one.hits, 1u);
  EXPECT_FALSE(one.growing);
  EXPECT_FALSE(one.soft_purged);
  EXPECT_THAT(one.tags, UnorderedElementsAre("x", "y"));
  EXPECT_TRUE(reports[0].tags.empty());
  EXPECT_TRUE(cache().inspect("http://h/none", now_).empty());
}

TEST_F(Report, GraceRunsOut) {
  store("k", "body", {.grace = seconds(30)});
  pass(seconds(70));
  EXPECT_EQ(cache().inspect("k", now_).at(0).grace_left, seconds(20));
  pass(seconds(25));
  EXPECT_EQ(cache().inspect("k", now_).at(0).grace_left, Duration(0));
}

TEST_F(Report, FindsObjectsByTheirTag) {
  store("1", "x", {.tags = {"a"}});
  store("2", "x", {.tags = {"a", "b"}});
  store("3", "x");
  const auto keys_of = [&](std::string_view tag) {
    std::vector<std::string> keys;
    for (const auto& report : cache().inspect_tag(tag, now_)) keys.push_back(report.key);
    return keys;
  };
  EXPECT_THAT(keys_of("a"), UnorderedElementsAre("1", "2"));
  EXPECT_THAT(keys_of("b"), ElementsAre("2"));
  EXPECT_THAT(keys_of("c"), ElementsAre());
  cache().purge_tag("b", Cache::Purge::hard, now_);
  EXPECT_THAT(keys_of("a"), ElementsAre("1"));
}

}  // namespace
}  // namespace shellac::cache
