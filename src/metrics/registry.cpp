#include "shellac/metrics/registry.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <stdexcept>
#include <variant>

#include "metrics/families.hpp"
#include "shellac/core/bug.hpp"
#include "shellac/core/utf8.hpp"

namespace shellac::metrics {
namespace {

void check_name(const FamilyName& name, std::string_view reserved_label) {
  if (!is_metric_name(name.name)) throw std::invalid_argument("not a metric's name: " + name.name);
  for (auto label = name.labels.begin(); label != name.labels.end(); ++label)
    if (!is_label_name(*label) || *label == reserved_label || std::find(name.labels.begin(), label, *label) != label)
      throw std::invalid_argument("not a label's name, or given twice: " + name.name + "{" + *label + "}");
}

void check_bounds(const std::string& name, std::span<const double> bounds) {
  const bool finite = std::ranges::all_of(bounds, [](double bound) { return std::isfinite(bound); });
  const bool rising = std::ranges::adjacent_find(bounds, std::greater_equal()) == bounds.end();
  if (!finite || !rising || bounds.size() > Histogram::kBoundsMax)
    throw std::invalid_argument("bounds must rise, be finite and at most 31: " + name);
}

}  // namespace

struct Collector::Impl {
  prometheus::ClientMetric* add(FamilyName name, std::initializer_list<Label> labels, prometheus::MetricType type);
  Exposition& exposition;
};

prometheus::ClientMetric* Collector::Impl::add(FamilyName name, std::initializer_list<Label> labels,
                                               prometheus::MetricType type) {
  bool names_hold = is_metric_name(name.name);
  prometheus::ClientMetric metric;
  for (const Label& label : labels) {
    names_hold = names_hold && is_label_name(label.name);
    metric.label.push_back({std::string(label.name), valid_utf8(label.value)});
  }
  // One bad name would make Prometheus refuse the whole scrape.
  if (BUG_IF(!names_hold, "metrics/registry")) return nullptr;
  auto* family = exposition.family(name.name, name.help, type);
  return family == nullptr ? nullptr : &family->metric.emplace_back(std::move(metric));
}

void Collector::gauge(std::string_view name, std::string_view help, std::initializer_list<Label> labels, double value) {
  if (auto* metric = impl_.add({std::string(name), std::string(help), {}}, labels, prometheus::MetricType::Gauge))
    metric->gauge.value = value;
}

void Collector::counter(std::string_view name, std::string_view help, std::initializer_list<Label> labels,
                        double value) {
  if (auto* metric = impl_.add({std::string(name), std::string(help), {}}, labels, prometheus::MetricType::Counter))
    metric->counter.value = value;
}

void Collector::histogram(std::string_view name, std::string_view help, const Spread& spread) {
  if (BUG_IF(spread.counts.size() != spread.bounds.size() + 1, "metrics/registry")) return;
  auto* metric = impl_.add({std::string(name), std::string(help), {}}, {}, prometheus::MetricType::Histogram);
  if (metric == nullptr) return;
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i < spread.counts.size(); ++i) {
    cumulative += spread.counts[i];
    const bool is_last = i == spread.bounds.size();
    metric->histogram.bucket.push_back(
        {cumulative, is_last ? std::numeric_limits<double>::infinity() : spread.bounds[i]});
  }
  metric->histogram.sample_count = cumulative;
  metric->histogram.sample_sum = spread.sum;
}

struct Registry::Impl {
  using Family =
      std::variant<std::unique_ptr<CounterFamily>, std::unique_ptr<HistogramFamily>, std::unique_ptr<GaugeFamily>>;

  explicit Impl(unsigned workers) : shards(workers + 1) {}

  // The family of this name, or a new one from `make`. Throws when the name is that of another kind or other labels.
  template <class Kind, class Make>
  Kind& find_or_make(const FamilyName& name, Make make) {
    const std::lock_guard lock(mutex);
    auto place = families.find(name.name);
    if (place == families.end()) place = families.try_emplace(name.name, std::unique_ptr<Kind>(make())).first;
    auto* family = std::get_if<std::unique_ptr<Kind>>(&place->second);
    if (family == nullptr || (*family)->impl_->name.labels != name.labels)
      throw std::invalid_argument("already a metric of another kind or with other labels: " + name.name);
    return **family;
  }

  const unsigned shards;
  mutable std::mutex mutex;  // for both below; families themselves stay where they are
  std::map<std::string, Family, std::less<>> families;
  std::vector<std::function<void(Collector&)>> collectors;
};

Registry::Registry(unsigned workers) : impl_(std::make_unique<Impl>(workers)) {}
Registry::~Registry() = default;

CounterFamily& Registry::counters(std::string_view name, std::string_view help, std::vector<std::string> label_names) {
  const FamilyName full{std::string(name), std::string(help), std::move(label_names)};
  check_name(full, "");
  return impl_->find_or_make<CounterFamily>(
      full, [&] { return new CounterFamily(std::make_unique<CounterFamily::Impl>(full, impl_->shards)); });
}

HistogramFamily& Registry::histograms(std::string_view name, std::string_view help,
                                      std::vector<std::string> label_names, std::span<const double> bounds) {
  const FamilyName full{std::string(name), std::string(help), std::move(label_names)};
  check_name(full, "le");
  check_bounds(full.name, bounds);
  auto& family = impl_->find_or_make<HistogramFamily>(
      full, [&] { return new HistogramFamily(std::make_unique<HistogramFamily::Impl>(full, impl_->shards, bounds)); });
  if (!std::ranges::equal(family.impl_->bounds, bounds))
    throw std::invalid_argument("already a histogram with other bounds: " + full.name);
  return family;
}

GaugeFamily& Registry::gauges(std::string_view name, std::string_view help, std::vector<std::string> label_names) {
  const FamilyName full{std::string(name), std::string(help), std::move(label_names)};
  check_name(full, "");
  return impl_->find_or_make<GaugeFamily>(full,
                                          [&] { return new GaugeFamily(std::make_unique<GaugeFamily::Impl>(full)); });
}

void Registry::collect_with(std::function<void(Collector&)> collect) {
  const std::lock_guard lock(impl_->mutex);
  impl_->collectors.push_back(std::move(collect));
}

std::string Registry::expose() const {
  std::vector<const Impl::Family*> families;
  std::vector<std::function<void(Collector&)>> collectors;
  {
    const std::lock_guard lock(impl_->mutex);
    for (const auto& [name, family] : impl_->families) families.push_back(&family);
    collectors = impl_->collectors;
  }
  // Outside the lock: families are never removed, and a collector may ask the registry for one.
  Exposition exposition;
  for (const auto* family : families) std::visit([&](const auto& kind) { kind->impl_->expose(exposition); }, *family);
  Collector::Impl impl{exposition};
  Collector collector(impl);
  for (const auto& collect : collectors) collect(collector);
  return exposition.text();
}

}  // namespace shellac::metrics
