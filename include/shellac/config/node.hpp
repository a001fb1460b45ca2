// A configuration as a tree in which nothing is lost: order, places, duplicate keys, the text of scalars.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "shellac/config/problem.hpp"

namespace shellac::config {

struct Entry;

// Value. Scalars stay text: what they mean is the reader's business (config/value.hpp).
struct Node {
  enum class Kind : std::uint8_t { null, scalar, list, map };
  Kind kind = Kind::null;
  bool quoted = false;  // a scalar in quotes or a block scalar
  bool broken = false;  // a scalar whose ${…} was refused
  Place place;
  std::string text;            // scalar, with the environment substituted
  std::vector<Node> items;     // list
  std::vector<Entry> entries;  // map, as written: a duplicate key stands here twice

  // The first entry with that key; null when there is none or this is not a map.
  const Entry* find(std::string_view key) const;
};

struct Entry {
  std::string key;
  Place place;
  Node value;
};

}  // namespace shellac::config
