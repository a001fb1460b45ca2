#include "metrics/families.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "shellac/core/bug.hpp"

namespace shellac::metrics {
namespace {

// The number of label values is the caller's literal; wrong, it is still counted somewhere.
void check_labels(const FamilyName& name, std::initializer_list<std::string_view> values) {
  static_cast<void>(BUG_IF(values.size() != name.labels.size(), "metrics/families"));
}

// Adds up the cells of each series over the shards: `add(sum, cell)`. Empty where no shard has the series.
template <class Sum, class Cell, class Add>
std::vector<std::optional<Sum>> sum_by_series(const ShardedSeries<Cell>& series, Add add) {
  std::vector<std::optional<Sum>> sums;
  series.visit([&](std::uint32_t id, const Cell& cell) {
    if (id >= sums.size()) sums.resize(std::size_t{id} + 1);
    if (!sums[id]) sums[id].emplace();
    add(*sums[id], cell);
  });
  return sums;
}

template <class Series>
prometheus::ClientMetric labelled(const FamilyName& name, const Series& series, std::uint32_t id) {
  prometheus::ClientMetric metric;
  const auto values = series.values(id);
  for (std::size_t i = 0; i < values.size(); ++i) metric.label.push_back({name.labels[i], std::string(values[i])});
  return metric;
}

// Adds one metric per series to the family: `fill(metric, sum)`.
template <class Series, class Sum, class Fill>
void add_metrics(prometheus::MetricFamily* family, const FamilyName& name, const Series& series,
                 const std::vector<std::optional<Sum>>& sums, Fill fill) {
  if (family == nullptr) return;
  for (std::uint32_t id = 0; id < sums.size(); ++id) {
    if (!sums[id]) continue;
    fill(family->metric.emplace_back(labelled(name, series, id)), *sums[id]);
  }
}

struct HistogramSum {
  std::array<std::uint64_t, Histogram::kBoundsMax + 1> counts{};
  double seconds = 0;
};

}  // namespace

void Histogram::observe(double seconds) noexcept {
  if (std::isnan(seconds)) return;
  const auto bound = std::ranges::lower_bound(bounds_, seconds);
  counts_[static_cast<std::size_t>(bound - bounds_.begin())].add();
  sum_.store(sum_.load(std::memory_order_relaxed) + seconds, std::memory_order_relaxed);
}

std::uint64_t Histogram::count() const noexcept {
  std::uint64_t sum = 0;
  for (const Counter& count : counts_) sum += count.value();
  return sum;
}

CounterFamily::CounterFamily(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CounterFamily::~CounterFamily() = default;

Counter& CounterFamily::at(unsigned shard, std::initializer_list<std::string_view> label_values) {
  check_labels(impl_->name, label_values);
  return impl_->series.at(shard, label_values);
}

HistogramFamily::HistogramFamily(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HistogramFamily::~HistogramFamily() = default;

Histogram& HistogramFamily::at(unsigned shard, std::initializer_list<std::string_view> label_values) {
  check_labels(impl_->name, label_values);
  return impl_->series.at(shard, label_values, std::span<const double>(impl_->bounds));
}

GaugeFamily::GaugeFamily(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
GaugeFamily::~GaugeFamily() = default;

Gauge& GaugeFamily::at(std::initializer_list<std::string_view> label_values) {
  check_labels(impl_->name, label_values);
  const std::lock_guard lock(impl_->mutex);
  return impl_->series.at(0, label_values);
}

void CounterFamily::Impl::expose(Exposition& exposition) const {
  const auto sums =
      sum_by_series<std::uint64_t>(series, [](std::uint64_t& sum, const Counter& counter) { sum += counter.value(); });
  add_metrics(
      exposition.family(name.name, name.help, prometheus::MetricType::Counter), name, series, sums,
      [](prometheus::ClientMetric& metric, std::uint64_t sum) { metric.counter.value = static_cast<double>(sum); });
}

void GaugeFamily::Impl::expose(Exposition& exposition) const {
  const auto values = sum_by_series<double>(series, [](double& sum, const Gauge& gauge) { sum += gauge.value(); });
  add_metrics(exposition.family(name.name, name.help, prometheus::MetricType::Gauge), name, series, values,
              [](prometheus::ClientMetric& metric, double value) { metric.gauge.value = value; });
}

void HistogramFamily::Impl::expose(Exposition& exposition) const {
  const auto sums = sum_by_series<HistogramSum>(series, [](HistogramSum& sum, const Histogram& histogram) {
    for (std::size_t i = 0; i <= histogram.bounds().size(); ++i) sum.counts[i] += histogram.bucket(i);
    sum.seconds += histogram.sum();
  });
  add_metrics(exposition.family(name.name, name.help, prometheus::MetricType::Histogram), name, series, sums,
              [this](prometheus::ClientMetric& metric, const HistogramSum& sum) {
                std::uint64_t cumulative = 0;
                for (std::size_t i = 0; i <= bounds.size(); ++i) {
                  cumulative += sum.counts[i];
                  const double bound = i < bounds.size() ? bounds[i] : std::numeric_limits<double>::infinity();
                  metric.histogram.bucket.push_back({cumulative, bound});
                }
                // The total is that of the buckets read, so that a scrape during an observation agrees with itself.
                metric.histogram.sample_count = cumulative;
                metric.histogram.sample_sum = sum.seconds;
              });
}

}  // namespace shellac::metrics
