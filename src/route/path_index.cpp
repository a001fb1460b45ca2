#include "route/path_index.hpp"

#include <map>

#include "route/pattern.hpp"

namespace shellac::route {

// Patterns that share a literal prefix, by how they end.
struct PathIndex::Sorted {
  std::vector<Candidate> exact;
  std::map<std::string, std::vector<Candidate>> by_suffix;  // "" = open
};

PathIndex::List PathIndex::make_list(const std::vector<Candidate>& candidates) {
  const List list{static_cast<std::uint32_t>(candidates_.size()), static_cast<std::uint32_t>(candidates.size())};
  candidates_.insert(candidates_.end(), candidates.begin(), candidates.end());
  return list;
}

PathIndex::Slot PathIndex::make_slot(const Sorted& patterns) {
  Slot slot;
  slot.exact = make_list(patterns.exact);
  LiteralForest::Texts suffixes;
  for (const auto& [suffix, candidates] : patterns.by_suffix) {
    const List list = make_list(candidates);
    if (suffix.empty()) {
      slot.open = list;
    } else {
      suffixes.emplace_back(suffix, static_cast<std::uint32_t>(suffix_lists_.size()));
      suffix_lists_.push_back(list);
    }
  }
  if (!suffixes.empty()) slot.suffixes = suffixes_.add(std::move(suffixes));
  return slot;
}

std::uint32_t PathIndex::add(const std::vector<Pattern>& patterns) {
  std::map<std::string, Sorted> by_prefix;
  for (const auto& [text, candidate] : patterns) {
    const std::size_t star = text.find('*');
    Sorted& sorted = by_prefix[text.substr(0, star)];
    if (star == std::string::npos) {
      sorted.exact.push_back(candidate);
    } else {
      const std::size_t last = text.rfind('*');
      auto& list = sorted.by_suffix[text.substr(last + 1)];
      list.push_back(candidate);
      list.back().needs_glob = text.find_first_not_of('*', star) < last;
    }
  }
  LiteralForest::Texts prefixes;
  for (const auto& [prefix, sorted] : by_prefix) {
    prefixes.emplace_back(prefix, static_cast<std::uint32_t>(slots_.size()));
    slots_.push_back(make_slot(sorted));
  }
  return prefixes_.add(std::move(prefixes));
}

void PathIndex::find(std::uint32_t group, std::string_view path, CandidateLists& out) const {
  prefixes_.walk(group, path, [&](std::uint32_t value, std::size_t octets) {
    const Slot& slot = slots_[value];
    if (slot.exact.size && octets == path.size()) out.push_back(at(slot.exact));
    if (slot.open.size) out.push_back(at(slot.open));
    if (slot.suffixes == UINT32_MAX) return;
    // Only the rest is searched: prefix and suffix may not overlap ("/aXa*aXa" is not "/aXa").
    suffixes_.walk(slot.suffixes, path.substr(octets),
                   [&](std::uint32_t suffix, std::size_t) { out.push_back(at(suffix_lists_[suffix])); });
  });
}

}  // namespace shellac::route
