#include "trace.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>

namespace shellac::bench {
namespace {

constexpr double kDay = 86400;
constexpr double kHour = 3600;

// splitmix64: the same key has the same size in every trace.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

double unit(std::uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1p-53; }

struct Kind {
  double share;
  double median;  // octets
};
// Of what is stored: thumbnails, gallery pictures, large ones. A tenth of the real sizes.
constexpr std::array kKinds{Kind{0.55, 1500}, Kind{0.35, 15000}, Kind{0.10, 70000}};
constexpr double kSigma = 0.5;

}  // namespace

TraceGenerator::TraceGenerator(const TraceOptions& options)
    : options_(options), random_(options.seed), by_rank_(options.catalogue) {
  cumulated_.reserve(options.catalogue);
  double sum = 0;
  for (std::uint64_t rank = 1; rank <= options.catalogue; ++rank) {
    sum += std::pow(static_cast<double>(rank), -options.alpha);
    cumulated_.push_back(sum);
  }
  std::iota(by_rank_.begin(), by_rank_.end(), std::uint64_t{0});
  std::shuffle(by_rank_.begin(), by_rank_.end(), random_);
}

std::uint64_t TraceGenerator::draw_popular() {
  const double drawn = unit(random_()) * cumulated_.back();
  const auto rank = std::ranges::lower_bound(cumulated_, drawn) - cumulated_.begin();
  return by_rank_[static_cast<std::size_t>(rank)];
}

// The age is drawn from the density 1 / (age + an hour), over as long as there have been uploads and a month before.
std::uint64_t TraceGenerator::draw_fresh() {
  const double oldest = time_ + 30 * kDay;
  const double age = kHour * (std::pow(1 + oldest / kHour, unit(random_())) - 1);
  const double born = time_ - age + 30 * kDay;
  return options_.catalogue + static_cast<std::uint64_t>(born * options_.uploads);
}

std::uint64_t TraceGenerator::size_of(std::uint64_t key) const {
  const std::uint64_t bits = mix(key);
  double kind = unit(bits);
  std::size_t index = 0;
  while (index + 1 < kKinds.size() && kind >= kKinds[index].share) kind -= kKinds[index++].share;
  // Box and Muller: a normal number from two uniform ones.
  const double radius = std::sqrt(-2 * std::log(1 - unit(mix(bits))));
  const double normal = radius * std::cos(2 * std::numbers::pi * unit(mix(bits + 1)));
  return std::max<std::uint64_t>(100, static_cast<std::uint64_t>(kKinds[index].median * std::exp(kSigma * normal)));
}

Request TraceGenerator::next() {
  // By night a third of what comes by day.
  const double rate = options_.rate * (1 + 0.5 * std::sin(2 * std::numbers::pi * time_ / kDay));
  time_ += -std::log(1 - unit(random_())) / rate;
  const double who = unit(random_());
  std::uint64_t key = 0;
  if (who < options_.crawler_share)
    key = mix(options_.seed) % options_.catalogue + crawled_++;
  else if (who < options_.crawler_share + options_.fresh_share)
    key = draw_fresh();
  else
    key = draw_popular();
  // The crawler goes round.
  if (who < options_.crawler_share) key %= options_.catalogue;
  return {time_, key, size_of(key)};
}

}  // namespace shellac::bench
