// The numbers of one process: counters and histograms with one writer each, gauges, and their text for Prometheus.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace shellac::metrics {

// Only grows. Thread: add() its shard's only (a plain load and store to the machine), value() any.
class Counter {
 public:
  void add(std::uint64_t n = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// Goes up and down. Thread: any.
class Gauge {
 public:
  void add(double n = 1) noexcept { value_.fetch_add(n, std::memory_order_relaxed); }
  void sub(double n = 1) noexcept { value_.fetch_sub(n, std::memory_order_relaxed); }
  void set(double value) noexcept { value_.store(value, std::memory_order_relaxed); }
  double value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

// Upper bounds of the buckets of latencies, in seconds; a last one without bound is implied.
inline constexpr std::array kLatencyBounds{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                           0.25,   0.5,   1.0,    2.5,   5.0,  10.0,  30.0, 60.0};

// How observations spread over the bounds of its family. Thread: observe() its shard's only, the rest any.
class Histogram {
 public:
  static constexpr std::size_t kBoundsMax = 31;

  // `bounds` rise, are at most kBoundsMax, and outlive the histogram.
  explicit Histogram(std::span<const double> bounds) : bounds_(bounds) {}
  Histogram(const Histogram&) = delete;
  Histogram& operator=(const Histogram&) = delete;

  // Counts in the first bucket whose bound is not below the value; NaN is dropped.
  void observe(double seconds) noexcept;
  std::span<const double> bounds() const noexcept { return bounds_; }
  // Observations in one bucket alone, not cumulated; index bounds().size() is the one without bound.
  std::uint64_t bucket(std::size_t index) const noexcept { return counts_[index].value(); }
  std::uint64_t count() const noexcept;
  double sum() const noexcept { return sum_.load(std::memory_order_relaxed); }

 private:
  std::span<const double> bounds_;
  std::atomic<double> sum_{0};
  std::array<Counter, kBoundsMax + 1> counts_;
};

// Series of one family beyond this share one whose label values are all "other": a label that a peer can vary must not
// fill memory.
inline constexpr std::size_t kSeriesMax = 10'000;

// One metric with labels. at() gives the series with these label values, in the order of the family's label names, and
// creates it when it is new; what was never asked for is not exposed. The reference lives as long as the registry:
// keep it. `shard` is the calling thread's own (0 the control thread, 1… the workers; std::out_of_range beyond the
// registry's number): the cells of one shard have one writer, the scrape adds the shards up. Missing label values
// count as empty. Thread: one per shard.
class CounterFamily {
 public:
  ~CounterFamily();
  Counter& at(unsigned shard, std::initializer_list<std::string_view> label_values);

 private:
  friend class Registry;
  struct Impl;
  explicit CounterFamily(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// As CounterFamily.
class HistogramFamily {
 public:
  ~HistogramFamily();
  Histogram& at(unsigned shard, std::initializer_list<std::string_view> label_values);

 private:
  friend class Registry;
  struct Impl;
  explicit HistogramFamily(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// As CounterFamily, but without shards: a gauge has any number of writers. Thread: any.
class GaugeFamily {
 public:
  ~GaugeFamily();
  Gauge& at(std::initializer_list<std::string_view> label_values);

 private:
  friend class Registry;
  struct Impl;
  explicit GaugeFamily(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

struct Label {
  std::string_view name;
  std::string_view value;
};

// Takes values that are read at the scrape instead of kept. Names and help as in the registry; the same name with other
// labels is one more series; the same labels again replace the value. Thread: the scrape's.
class Collector {
 public:
  void gauge(std::string_view name, std::string_view help, std::initializer_list<Label> labels, double value);
  void counter(std::string_view name, std::string_view help, std::initializer_list<Label> labels, double value);
  // A histogram without labels. `counts`: of each bucket alone, the one without bound last: one more than bounds.
  struct Spread {
    std::span<const double> bounds;
    std::span<const std::uint64_t> counts;
    double sum = 0;
  };
  void histogram(std::string_view name, std::string_view help, const Spread& spread);

 private:
  friend class Registry;
  struct Impl;
  explicit Collector(Impl& impl) : impl_(impl) {}
  Impl& impl_;
};

// All families of the process. Resource. Thread: any, except that each shard of a family has one thread.
class Registry {
 public:
  // Shards 0…`workers`: the control thread's and one per worker.
  explicit Registry(unsigned workers);
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  // The family of this name, made when it is new. Asking again must give the same kind, labels and bounds; that and a
  // name that Prometheus refuses throw std::invalid_argument. The reference lives as long as the registry.
  CounterFamily& counters(std::string_view name, std::string_view help, std::vector<std::string> label_names = {});
  HistogramFamily& histograms(std::string_view name, std::string_view help, std::vector<std::string> label_names = {},
                              std::span<const double> bounds = kLatencyBounds);
  GaugeFamily& gauges(std::string_view name, std::string_view help, std::vector<std::string> label_names = {});

  // `collect` is called by each expose(), on its thread; what it refers to must outlive the registry's last expose().
  void collect_with(std::function<void(Collector&)> collect);

  // Everything in Prometheus' text format 0.0.4 (`Content-Type: text/plain; version=0.0.4`), families by name.
  std::string expose() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace shellac::metrics
