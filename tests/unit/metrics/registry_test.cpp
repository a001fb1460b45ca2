#include "shellac/metrics/registry.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <thread>

#include "metrics/scrape.hpp"

namespace shellac::metrics {
namespace {

TEST(Registry, CountersAddUpOverShards) {
  Registry registry(2);
  auto& requests = registry.counters("requests_total", "Requests.", {"route"});
  requests.at(0, {"web"}).add();
  requests.at(1, {"web"}).add(10);
  requests.at(2, {"web"}).add(100);
  requests.at(2, {"api"}).add(5);
  const Scrape scrape(registry.expose());
  EXPECT_EQ(scrape.find(R"(requests_total{route="web"})"), 111);
  EXPECT_EQ(scrape.find(R"(requests_total{route="api"})"), 5);
  EXPECT_EQ(scrape.size(), 2u);
  EXPECT_EQ(scrape.type("requests_total"), "counter");
  EXPECT_EQ(scrape.help("requests_total"), "Requests.");
}

TEST(Registry, ASeriesIsTheSameEachTime) {
  Registry registry(1);
  auto& family = registry.counters("requests_total", "Requests.", {"a", "b"});
  Counter& counter = family.at(1, {"x", "y"});
  for (int i = 0; i < 1000; ++i) family.at(1, {"other", std::to_string(i)});
  EXPECT_EQ(&family.at(1, {"x", "y"}), &counter);
  EXPECT_NE(&family.at(0, {"x", "y"}), &counter) << "each shard has its own cell";
  EXPECT_EQ(&registry.counters("requests_total", "Requests.", {"a", "b"}), &family);
}

TEST(Registry, LabelValuesDoNotRunTogether) {
  Registry registry(0);
  auto& family = registry.counters("c", "h", {"a", "b"});
  family.at(0, {"x", "yz"}).add(1);
  family.at(0, {"xy", "z"}).add(2);
  family.at(0, {"", "xyz"}).add(3);
  const Scrape scrape(registry.expose());
  EXPECT_EQ(scrape.find(R"(c{a="x",b="yz"})"), 1);
  EXPECT_EQ(scrape.find(R"(c{a="xy",b="z"})"), 2);
  EXPECT_EQ(scrape.find(R"(c{a="",b="xyz"})"), 3);
}

TEST(Registry, WhatWasNeverAskedForIsAbsent) {
  Registry registry(1);
  registry.counters("unseen_total", "Unseen.", {"route"});
  registry.histograms("unseen_seconds", "Unseen.");
  auto& seen = registry.counters("seen_total", "Seen.");
  seen.at(1, {});
  const Scrape scrape(registry.expose());
  EXPECT_FALSE(scrape.has_family("unseen_total"));
  EXPECT_FALSE(scrape.has_family("unseen_seconds"));
  EXPECT_EQ(scrape.find("seen_total"), 0) << "asked for, though never counted";
  EXPECT_EQ(Registry(1).expose(), "");
}

TEST(Registry, GaugesKeepTheirValue) {
  Registry registry(0);
  auto& gauges = registry.gauges("connections", "Open connections.", {"listener"});
  gauges.at({"https"}).add(3);
  gauges.at({"https"}).sub();
  gauges.at({"admin"}).set(-1.5);
  const Scrape scrape(registry.expose());
  EXPECT_EQ(scrape.find(R"(connections{listener="https"})"), 2);
  EXPECT_EQ(scrape.find(R"(connections{listener="admin"})"), -1.5);
  EXPECT_EQ(scrape.type("connections"), "gauge");
}

TEST(Registry, HistogramsCumulateOverBucketsAndShards) {
  static constexpr std::array kBounds{0.1, 1.0};
  Registry registry(1);
  auto& family = registry.histograms("t_seconds", "Time.", {"route"}, kBounds);
  family.at(0, {"web"}).observe(0.1);  // on the bound: belongs below it
  family.at(1, {"web"}).observe(0.5);
  family.at(1, {"web"}).observe(7);
  family.at(1, {"web"}).observe(std::numeric_limits<double>::quiet_NaN());
  const Scrape scrape(registry.expose());
  EXPECT_EQ(scrape.find(R"(t_seconds_bucket{route="web",le="0.1"})"), 1);
  EXPECT_EQ(scrape.find(R"(t_seconds_bucket{route="web",le="1"})"), 2);
  EXPECT_EQ(scrape.find(R"(t_seconds_bucket{route="web",le="+Inf"})"), 3);
  EXPECT_EQ(scrape.find(R"(t_seconds_count{route="web"})"), 3);
  EXPECT_DOUBLE_EQ(scrape.find(R"(t_seconds_sum{route="web"})").value(), 7.6);
  EXPECT_EQ(scrape.type("t_seconds"), "histogram");
}

TEST(Registry, LatenciesFromHalfAMillisecondToAMinuteHaveBuckets) {
  Registry registry(0);
  auto& histogram = registry.histograms("t_seconds", "Time.").at(0, {});
  histogram.observe(0.0005);
  histogram.observe(60);
  histogram.observe(60.001);
  const Scrape scrape(registry.expose());
  EXPECT_EQ(scrape.find(R"(t_seconds_bucket{le="0.0005"})"), 1);
  EXPECT_EQ(scrape.find(R"(t_seconds_bucket{le="30"})"), 1);
  EXPECT_EQ(scrape.find(R"(t_seconds_bucket{le="60"})"), 2);
  EXPECT_EQ(scrape.find(R"(t_seconds_bucket{le="+Inf"})"), 3);
}

TEST(Registry, ValuesAreCollectedAtEachScrape) {
  Registry registry(0);
  double expiry = 100;
  registry.collect_with([&](Collector& collector) {
    collector.gauge("expiry_seconds", "When.", {{"name", "a"}}, expiry);
    collector.gauge("expiry_seconds", "When.", {{"name", "b"}}, 7);
    collector.counter("read_total", "Read.", {}, 3);
  });
  EXPECT_EQ(Scrape(registry.expose()).find(R"(expiry_seconds{name="a"})"), 100);
  expiry = 99;
  const Scrape scrape(registry.expose());
  EXPECT_EQ(scrape.find(R"(expiry_seconds{name="a"})"), 99);
  EXPECT_EQ(scrape.find(R"(expiry_seconds{name="b"})"), 7);
  EXPECT_EQ(scrape.type("read_total"), "counter");
}

TEST(Registry, AHistogramIsCollectedFromItsBuckets) {
  static constexpr std::array kBounds{1.0, 10.0};
  Registry registry(0);
  std::array<std::uint64_t, 3> counts{2, 0, 1};
  registry.collect_with(
      [&](Collector& collector) { collector.histogram("age_seconds", "Ages.", {kBounds, counts, 101.5}); });
  counts[1] = 4;
  const Scrape scrape(registry.expose());
  EXPECT_EQ(scrape.type("age_seconds"), "histogram");
  EXPECT_EQ(scrape.find(R"(age_seconds_bucket{le="1"})"), 2);
  EXPECT_EQ(scrape.find(R"(age_seconds_bucket{le="10"})"), 6);
  EXPECT_EQ(scrape.find(R"(age_seconds_bucket{le="+Inf"})"), 7);
  EXPECT_EQ(scrape.find("age_seconds_count"), 7);
  EXPECT_EQ(scrape.find("age_seconds_sum"), 101.5);
}

TEST(Registry, TheSameSeriesTwiceIsTheLast) {
  Registry registry(0);
  registry.gauges("g", "G.", {"a"}).at({"x"}).set(1);
  registry.collect_with([](Collector& collector) {
    collector.gauge("g", "G.", {{"a", "x"}}, 2);
    collector.gauge("g", "G.", {{"a", "y"}}, 3);
    collector.gauge("g", "G.", {{"a", "x"}}, 4);
  });
  const Scrape scrape(registry.expose());
  EXPECT_EQ(scrape.find(R"(g{a="x"})"), 4);
  EXPECT_EQ(scrape.find(R"(g{a="y"})"), 3);
}

TEST(Registry, AWrongCollectorDoesNotSpoilTheScrape) {
  Registry registry(0);
  registry.counters("good_total", "Good.").at(0, {}).add(1);
  registry.collect_with([](Collector& collector) {
    collector.gauge("bad-name", "Bad.", {}, 1);
    collector.gauge("g", "G.", {{"bad-label", "x"}}, 1);
    collector.gauge("good_total", "Of another kind.", {}, 1);
  });
  testing::internal::CaptureStderr();
  const Scrape scrape(registry.expose());
  testing::internal::GetCapturedStderr();
  EXPECT_EQ(scrape.find("good_total"), 1);
  EXPECT_EQ(scrape.size(), 1u);
}

TEST(Registry, TextIsEscaped) {
  Registry registry(0);
  registry.counters("c", "back\\slash and\nline", {"a"}).at(0, {"q\"b\\n\nl"}).add();
  registry.collect_with([](Collector& collector) { collector.gauge("g", "a\nb", {{"a", "\"\n"}}, 1); });
  const Scrape scrape(registry.expose());
  EXPECT_EQ(scrape.help("c"), "back\\\\slash and\\nline");
  EXPECT_EQ(scrape.find(R"(c{a="q\"b\\n\nl"})"), 1);
  EXPECT_EQ(scrape.help("g"), "a\\nb");
  EXPECT_EQ(scrape.find(R"(g{a="\"\n"})"), 1);
}

TEST(Registry, WhatIsNotUtf8IsReplacedAndCountsTogether) {
  Registry registry(0);
  auto& family = registry.counters("c", "h", {"a"});
  family.at(0, {"\xFF"}).add(1);
  family.at(0, {"\xFE"}).add(2);
  EXPECT_EQ(Scrape(registry.expose()).find("c{a=\"\xEF\xBF\xBD\"}"), 3);
}

TEST(Registry, WrongDeclarationsAreRefused) {
  Registry registry(1);
  registry.counters("c", "h", {"a"});
  registry.histograms("t", "h");
  static constexpr std::array kFalling{1.0, 0.5};
  static constexpr std::array kOthers{1.0, 2.0};
  EXPECT_THROW(registry.counters("", "h"), std::invalid_argument);
  EXPECT_THROW(registry.counters("1c", "h"), std::invalid_argument);
  EXPECT_THROW(registry.counters("c-d", "h"), std::invalid_argument);
  EXPECT_THROW(registry.counters("d", "h", {"a:b"}), std::invalid_argument);
  EXPECT_THROW(registry.counters("d", "h", {"__a"}), std::invalid_argument);
  EXPECT_THROW(registry.counters("d", "h", {"a", "a"}), std::invalid_argument);
  EXPECT_THROW(registry.counters("c", "h", {"b"}), std::invalid_argument);
  EXPECT_THROW(registry.gauges("c", "h", {"a"}), std::invalid_argument);
  EXPECT_THROW(registry.histograms("u", "h", {"le"}), std::invalid_argument);
  EXPECT_THROW(registry.histograms("u", "h", {}, kFalling), std::invalid_argument);
  EXPECT_THROW(registry.histograms("t", "h", {}, kOthers), std::invalid_argument);
}

TEST(Registry, AWrongNumberOfLabelValuesStillCounts) {
  Registry registry(0);
  auto& family = registry.counters("c", "h", {"a", "b"});
  testing::internal::CaptureStderr();
  family.at(0, {"x"}).add(1);
  family.at(0, {"x", "y", "z"}).add(2);
  testing::internal::GetCapturedStderr();
  const Scrape scrape(registry.expose());
  EXPECT_EQ(scrape.find(R"(c{a="x",b=""})"), 1);
  EXPECT_EQ(scrape.find(R"(c{a="x",b="y"})"), 2);
}

TEST(Registry, AShardThatDoesNotExistIsRefused) {
  Registry registry(1);
  EXPECT_THROW(registry.counters("c", "h").at(2, {}), std::out_of_range);
}

TEST(Registry, SeriesBeyondTheLimitAreOther) {
  Registry registry(1);
  auto& family = registry.counters("c", "h", {"a", "b"});
  // Half by each shard, the second half of them known to both.
  for (std::size_t i = 0; i < kSeriesMax; ++i) {
    const auto name = std::to_string(i);
    family.at(0, {name, "x"}).add();
    if (i >= kSeriesMax / 2) family.at(1, {name, "x"}).add();
  }
  family.at(0, {"new", "x"}).add(1000);
  family.at(1, {"newer", "x"}).add(1000);
  EXPECT_EQ(&family.at(0, {"new", "x"}), &family.at(0, {"newest", "y"}));
  const Scrape scrape(registry.expose());
  EXPECT_EQ(scrape.size(), kSeriesMax);
  EXPECT_EQ(scrape.find(R"(c{a="0",b="x"})"), 1);
  EXPECT_EQ(scrape.find(R"(c{a="9998",b="x"})"), 2);
  EXPECT_EQ(scrape.find(R"(c{a="9999",b="x"})"), std::nullopt);
  EXPECT_EQ(scrape.find(R"(c{a="other",b="other"})"), 2002);
}

TEST(Registry, GaugesBeyondTheLimitAreOther) {
  Registry registry(0);
  auto& family = registry.gauges("g", "h", {"a"});
  for (std::size_t i = 0; i < kSeriesMax + 5; ++i) family.at({std::to_string(i)}).add();
  const Scrape scrape(registry.expose());
  EXPECT_EQ(scrape.size(), kSeriesMax);
  EXPECT_EQ(scrape.find(R"(g{a="other"})"), 6);
}

TEST(Registry, WorkersCountWhileTheScrapeReads) {
  constexpr unsigned kWorkers = 4;
  constexpr int kRounds = 20'000;
  Registry registry(kWorkers);
  auto& counters = registry.counters("c", "h", {"name"});
  auto& histograms = registry.histograms("t_seconds", "h");
  auto& gauges = registry.gauges("g", "h", {"name"});
  {
    std::vector<std::jthread> workers;
    for (unsigned shard = 1; shard <= kWorkers; ++shard)
      workers.emplace_back([&, shard] {
        for (int i = 0; i < kRounds; ++i) {
          counters.at(shard, {std::to_string(i % 100)}).add();
          histograms.at(shard, {}).observe(0.001 * (i % 100));
          gauges.at({std::to_string(i % 3)}).add(i % 2 == 0 ? 1 : -1);
        }
      });
    double last = 0;
    for (int scrapes = 0; scrapes < 20; ++scrapes) {
      const Scrape scrape(registry.expose());
      const auto count = scrape.find("t_seconds_count").value_or(0);
      EXPECT_GE(count, last);
      EXPECT_EQ(scrape.find(R"(t_seconds_bucket{le="+Inf"})").value_or(0), count);
      last = count;
    }
  }
  const Scrape scrape(registry.expose());
  EXPECT_EQ(scrape.find("t_seconds_count"), kWorkers * kRounds);
  EXPECT_EQ(scrape.find(R"(c{name="7"})"), kWorkers * kRounds / 100);
  EXPECT_EQ(*scrape.find(R"(g{name="0"})") + *scrape.find(R"(g{name="1"})") + *scrape.find(R"(g{name="2"})"), 0);
}

}  // namespace
}  // namespace shellac::metrics
