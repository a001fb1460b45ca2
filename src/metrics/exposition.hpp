// One scrape: what was gathered, and its text.
#pragma once

#include <prometheus/metric_family.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace shellac::metrics {

// [a-zA-Z_:][a-zA-Z0-9_:]*, and the same without ':' and not beginning with "__".
bool is_metric_name(std::string_view name);
bool is_label_name(std::string_view name);

// Gathers families by name. Thread: one.
class Exposition {
 public:
  // The family of this name. Null, and noted as a bug, when it already has another type.
  prometheus::MetricFamily* family(std::string_view name, std::string_view help, prometheus::MetricType type);
  // Text format 0.0.4, by name and labels; of several metrics with the same labels the last counts.
  std::string text();

 private:
  std::map<std::string, prometheus::MetricFamily, std::less<>> families_;
};

}  // namespace shellac::metrics
