#include "metrics/series_index.hpp"

#include <cstring>

#include "shellac/core/utf8.hpp"
#include "shellac/metrics/registry.hpp"

namespace shellac::metrics {
namespace {

using Length = std::uint32_t;

void append_value(std::string& key, std::string_view value) {
  const auto length = static_cast<Length>(value.size());
  char octets[sizeof length];
  std::memcpy(octets, &length, sizeof length);
  key.append(octets, sizeof octets).append(value);
}

}  // namespace

void write_series_key(std::string& key, std::initializer_list<std::string_view> values, std::size_t labels) {
  key.clear();
  for (std::size_t i = 0; i < labels; ++i)
    append_value(key, i < values.size() ? *(values.begin() + i) : std::string_view());
}

SeriesIndex::Entry SeriesIndex::find_or_add(std::initializer_list<std::string_view> values) {
  std::string key;
  for (std::size_t i = 0; i < labels_; ++i)
    append_value(key, i < values.size() ? valid_utf8(*(values.begin() + i)) : std::string());

  const std::lock_guard lock(mutex_);
  auto place = ids_.find(key);
  if (place == ids_.end()) {
    // The last place is kept for "other", so that the guard's own series is within the limit too.
    if (ids_.size() >= kSeriesMax - 1) {
      key.clear();
      for (std::size_t i = 0; i < labels_; ++i) append_value(key, "other");
    }
    bool added = false;
    std::tie(place, added) = ids_.try_emplace(std::move(key), static_cast<std::uint32_t>(keys_.size()));
    if (added) keys_.push_back(&place->first);
  }
  return {place->second, place->first};
}

std::vector<std::string_view> SeriesIndex::values(std::uint32_t id) const {
  std::string_view key;
  {
    const std::lock_guard lock(mutex_);
    key = *keys_.at(id);
  }
  std::vector<std::string_view> values;
  while (!key.empty()) {
    Length length = 0;
    std::memcpy(&length, key.data(), sizeof length);
    values.push_back(key.substr(sizeof length, length));
    key.remove_prefix(sizeof length + length);
  }
  return values;
}

}  // namespace shellac::metrics
