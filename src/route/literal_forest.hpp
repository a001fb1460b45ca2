// Radix trees over literal texts: which of many texts does a path begin (or end) with?
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace shellac::route {

// Many trees in shared storage, so that ten thousand small ones cost no more cache lines than one large one.
// A walk costs the length of what matches, whatever the number of texts. Immutable once built.
class LiteralForest {
 public:
  enum class Direction : std::uint8_t { forward, backward };  // texts are prefixes, or suffixes
  using Texts = std::vector<std::pair<std::string, std::uint32_t>>;

  explicit LiteralForest(Direction direction) : direction_(direction) {}

  // A tree of these texts, each once, with a value each. Returns its root.
  std::uint32_t add(Texts texts);

  // Calls visit(value, octets) for every text of the tree that `path` begins (ends) with, shortest first.
  template <class Visit>
  void walk(std::uint32_t root, std::string_view path, Visit visit) const {
    if (direction_ == Direction::forward)
      walk_as<Direction::forward>(root, path, visit);
    else
      walk_as<Direction::backward>(root, path, visit);
  }

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;
  struct Node {
    std::uint32_t label = 0;  // the text on the edge to this node: where in labels_, in reading order
    std::uint32_t label_size = 0;
    std::uint32_t children = 0;  // the first; they stand side by side, sorted by their first octet
    std::uint32_t child_count = 0;
    std::uint32_t value = kNone;
  };
  struct Range {
    std::size_t begin, end;  // texts that pass through `node`
    std::size_t depth;       // octets that they share above its edge
    std::uint32_t node;
  };
  Range add_label(Range range, const Texts& texts);

  template <Direction kDirection, class Visit>
  void walk_as(std::uint32_t at, std::string_view path, Visit visit) const {
    constexpr bool kForward = kDirection == Direction::forward;
    for (std::size_t depth = 0;;) {
      const Node& node = nodes_[at];
      if (path.size() - depth < node.label_size) return;
      const char* const begin = path.data() + (kForward ? depth : path.size() - depth - node.label_size);
      if (std::memcmp(begin, labels_.data() + node.label, node.label_size) != 0) return;
      depth += node.label_size;
      if (node.value != kNone) visit(node.value, depth);
      if (node.child_count == 0 || depth == path.size()) return;
      const char next = path[kForward ? depth : path.size() - depth - 1];
      const void* const child = std::memchr(firsts_.data() + node.children, next, node.child_count);
      if (!child) return;
      at = static_cast<std::uint32_t>(static_cast<const char*>(child) - firsts_.data());
    }
  }

  Direction direction_;
  std::vector<Node> nodes_;
  std::string firsts_;  // the first octet of each node's label, by node: a node's children are one memchr
  std::string labels_;
};

}  // namespace shellac::route
