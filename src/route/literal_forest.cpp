#include "route/literal_forest.hpp"

#include <algorithm>
#include <deque>

namespace shellac::route {

// Gives the node what its texts share as its label, and the value of the text that ends there. Returns the longer ones.
LiteralForest::Range LiteralForest::add_label(Range range, const Texts& texts) {
  const std::string& first = texts[range.begin].first;
  const std::string& last = texts[range.end - 1].first;
  // The texts are sorted: what the first and the last share, all share.
  const auto split = std::mismatch(first.begin(), first.end(), last.begin(), last.end()).first;
  const auto shared = static_cast<std::size_t>(split - first.begin());

  Node& node = nodes_[range.node];
  node.label = static_cast<std::uint32_t>(labels_.size());
  node.label_size = static_cast<std::uint32_t>(shared - range.depth);
  labels_.append(first, range.depth, node.label_size);
  if (direction_ == Direction::backward) std::reverse(labels_.end() - node.label_size, labels_.end());
  range.depth = shared;
  if (first.size() == shared) node.value = texts[range.begin++].second;
  return range;
}

std::uint32_t LiteralForest::add(Texts texts) {
  if (direction_ == Direction::backward)
    for (auto& text : texts) std::reverse(text.first.begin(), text.first.end());
  std::sort(texts.begin(), texts.end());

  const auto root = static_cast<std::uint32_t>(nodes_.size());
  nodes_.emplace_back();
  firsts_ += '\0';
  if (texts.empty()) return root;
  // Breadth first, because the children of a node stand side by side.
  for (std::deque<Range> open{{0, texts.size(), 0, root}}; !open.empty(); open.pop_front()) {
    const Range rest = add_label(open.front(), texts);
    nodes_[rest.node].children = static_cast<std::uint32_t>(nodes_.size());
    for (std::size_t begin = rest.begin; begin < rest.end;) {
      const char octet = texts[begin].first[rest.depth];
      std::size_t end = begin + 1;
      while (end < rest.end && texts[end].first[rest.depth] == octet) ++end;
      open.push_back({begin, end, rest.depth, static_cast<std::uint32_t>(nodes_.size())});
      nodes_.emplace_back();
      firsts_ += octet;
      ++nodes_[rest.node].child_count;
      begin = end;
    }
  }
  return root;
}

}  // namespace shellac::route
