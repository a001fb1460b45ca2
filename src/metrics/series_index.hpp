// Which combinations of label values one family has, over all its shards.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace shellac::metrics {

// Writes label values as one text that no other values share: each with its length before it. Missing values are empty,
// surplus ones are left out.
void write_series_key(std::string& key, std::initializer_list<std::string_view> values, std::size_t labels);

// Gives each combination a number, and refuses new ones at kSeriesMax. Never forgets. Thread: any.
class SeriesIndex {
 public:
  explicit SeriesIndex(std::size_t labels) : labels_(labels) {}

  struct Entry {
    std::uint32_t id;
    std::string_view key;  // lives as long as the index
  };
  // The series of these values: with what is not UTF-8 replaced, or when the family is full the one whose values are
  // all "other".
  Entry find_or_add(std::initializer_list<std::string_view> values);

  // The label values of a series that find_or_add gave.
  std::vector<std::string_view> values(std::uint32_t id) const;

 private:
  const std::size_t labels_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::uint32_t> ids_;
  std::vector<const std::string*> keys_;  // by id; map nodes do not move
};

}  // namespace shellac::metrics
