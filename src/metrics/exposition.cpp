#include "metrics/exposition.hpp"

#include <prometheus/text_serializer.h>

#include <algorithm>
#include <sstream>

#include "shellac/core/bug.hpp"
#include "shellac/core/text.hpp"
#include "shellac/core/utf8.hpp"

namespace shellac::metrics {
namespace {

bool is_name(std::string_view name, std::string_view also) {
  const auto letter = [&](char c) {
    return (to_lower(c) >= 'a' && to_lower(c) <= 'z') || also.find(c) != std::string_view::npos;
  };
  return !name.empty() && !is_digit(name.front()) &&
         std::ranges::all_of(name, [&](char c) { return letter(c) || is_digit(c); });
}

// The serialiser escapes label values, but writes help as it is.
std::string escape_help(std::string_view help) {
  std::string escaped;
  for (const char c : valid_utf8(help)) {
    if (c == '\\')
      escaped += "\\\\";
    else if (c == '\n')
      escaped += "\\n";
    else
      escaped += c;
  }
  return escaped;
}

// Sorts by labels and keeps the last of equal ones: a series given twice makes Prometheus refuse the whole scrape.
void make_unique_by_labels(std::vector<prometheus::ClientMetric>& metrics) {
  std::map<std::vector<prometheus::ClientMetric::Label>, prometheus::ClientMetric> by_labels;
  for (auto& metric : metrics) by_labels.insert_or_assign(metric.label, std::move(metric));
  metrics.clear();
  for (auto& [labels, metric] : by_labels) metrics.push_back(std::move(metric));
}

}  // namespace

bool is_metric_name(std::string_view name) { return is_name(name, "_:"); }
bool is_label_name(std::string_view name) { return is_name(name, "_") && !name.starts_with("__"); }

prometheus::MetricFamily* Exposition::family(std::string_view name, std::string_view help,
                                             prometheus::MetricType type) {
  auto place = families_.find(name);
  if (place == families_.end()) {
    place = families_.try_emplace(std::string(name)).first;
    place->second = {.name = place->first, .help = escape_help(help), .type = type, .metric = {}};
  }
  if (BUG_IF(place->second.type != type, "metrics/exposition")) return nullptr;
  return &place->second;
}

std::string Exposition::text() {
  std::vector<prometheus::MetricFamily> families;
  families.reserve(families_.size());
  for (auto& [name, family] : families_) {
    if (family.metric.empty()) continue;
    make_unique_by_labels(family.metric);
    families.push_back(std::move(family));
  }
  families_.clear();
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families);
  return std::move(out).str();
}

}  // namespace shellac::metrics
