// Which path patterns a path may match, among all patterns of one host.
#pragma once

#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "route/literal_forest.hpp"

namespace shellac::route {

// One pattern of one route under one host.
struct Candidate {
  std::uint32_t route;           // its place in the configuration: the order in which candidates are tried
  std::uint32_t pattern;         // among the route's own
  std::uint32_t literal_prefix;  // octets
  bool needs_glob = false;       // the ends match; what stands between two stars is still to be compared
  bool has_conditions = false;   // the route asks for more than host and path
};

// Lists of candidates, each in order.
using CandidateLists = boost::container::small_vector<std::span<const Candidate>, 16>;

// All hosts' patterns; a group is those of one host and one form of the path. Immutable once built.
class PathIndex {
 public:
  struct Pattern {
    std::string text;  // normalised
    Candidate candidate;
  };
  // Patterns in order. Returns the group's number.
  std::uint32_t add(const std::vector<Pattern>& patterns);

  // Appends the lists of the group that hold whatever matches `path`. Others in them are marked needs_glob.
  void find(std::uint32_t group, std::string_view path, CandidateLists& out) const;

 private:
  struct List {
    std::uint32_t begin = 0, size = 0;
  };
  // Patterns with the same literal prefix.
  struct Slot {
    List exact;                           // no star: the path ends here
    List open;                            // nothing behind the last star
    std::uint32_t suffixes = UINT32_MAX;  // a tree of what stands behind the last star
  };
  struct Sorted;
  Slot make_slot(const Sorted& patterns);
  List make_list(const std::vector<Candidate>& candidates);
  std::span<const Candidate> at(List list) const { return {candidates_.data() + list.begin, list.size}; }

  LiteralForest prefixes_{LiteralForest::Direction::forward};
  LiteralForest suffixes_{LiteralForest::Direction::backward};
  std::vector<Slot> slots_;         // values of prefixes_
  std::vector<List> suffix_lists_;  // values of suffixes_
  std::vector<Candidate> candidates_;
};

}  // namespace shellac::route
