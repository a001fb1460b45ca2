#include "shellac/route/table.hpp"

#include <algorithm>
#include <array>

#include "route/conditions.hpp"
#include "route/path_index.hpp"
#include "route/pattern.hpp"
#include "shellac/core/text.hpp"

namespace shellac::route {

using Why = TraceStep::Why;

namespace {

constexpr std::uint32_t kNone = UINT32_MAX;
constexpr std::array kModes{NormalizePath::full, NormalizePath::safe, NormalizePath::none};

// Takes the front of the list whose front is first in order. Null when all are spent.
// The lists are few: one per nested literal prefix that the path has and somebody routes by.
const Candidate* take_first(CandidateLists& lists) {
  std::span<const Candidate>* first = nullptr;
  const auto order = [](const Candidate& c) { return std::pair(c.route, c.pattern); };
  for (auto& list : lists)
    if (!list.empty() && (!first || order(list.front()) < order(first->front()))) first = &list;
  if (!first) return nullptr;
  const Candidate* const taken = &first->front();
  *first = first->subspan(1);
  return taken;
}

}  // namespace

struct Table::Index {
  // The routes of one host that want one form of the path.
  struct Form {
    std::uint32_t patterns = kNone;
    // Those that decide when this form is refused: of routes that ask the same of method, header and client the first.
    // Ends with the first that asks nothing.
    std::vector<std::uint32_t> guards;
  };
  using Group = std::array<Form, kModes.size()>;

  HostIndex hosts;
  std::vector<Group> groups;  // by the number of HostIndex
  PathIndex paths;
  std::vector<Conditions> conditions;  // by route

  explicit Index(const std::vector<RouteOptions>& routes);
  const Candidate* find_first(CandidateLists& lists, const Query& query) const;
  void add_guard(Form& form, std::uint32_t route);
  std::uint32_t find_guard(const Form& form, const Query& query) const;
};

Table::Index::Index(const std::vector<RouteOptions>& routes) {
  std::vector<std::array<std::vector<PathIndex::Pattern>, kModes.size()>> patterns(1);  // for HostIndex::kAny
  conditions.reserve(routes.size());
  for (const auto& route : routes) {
    const auto& asked = conditions.emplace_back(route.match, route.normalize_path);
    for (const auto& host : asked.hosts()) {
      const std::size_t number = hosts.add(host);
      if (number >= patterns.size()) patterns.resize(number + 1);
      auto& group = patterns[number][static_cast<std::size_t>(route.normalize_path)];
      for (std::uint32_t i = 0; i < asked.paths().size(); ++i) {
        Candidate candidate{static_cast<std::uint32_t>(conditions.size() - 1), i, 0};
        candidate.literal_prefix = static_cast<std::uint32_t>(literal_prefix_of(asked.paths()[i]));
        candidate.has_conditions = asked.has_more();
        group.push_back({asked.paths()[i], candidate});
      }
    }
  }
  for (const auto& of_host : patterns) {
    Group& group = groups.emplace_back();
    for (std::size_t mode = 0; mode < kModes.size(); ++mode) {
      if (of_host[mode].empty()) continue;
      group[mode].patterns = paths.add(of_host[mode]);
      for (const auto& pattern : of_host[mode]) add_guard(group[mode], pattern.candidate.route);
    }
  }
}

void Table::Index::add_guard(Form& form, std::uint32_t route) {
  const Conditions& asked = conditions[route];
  for (const std::uint32_t guard : form.guards)
    if (!conditions[guard].has_more() || conditions[guard].asks_same_as(asked)) return;
  form.guards.push_back(route);
}

// The first route that would have looked at the refused form, or kNone.
std::uint32_t Table::Index::find_guard(const Form& form, const Query& query) const {
  for (const std::uint32_t guard : form.guards)
    if (conditions[guard].check_more(query) == Why::matched) return guard;
  return kNone;
}

const Candidate* Table::Index::find_first(CandidateLists& lists, const Query& query) const {
  std::uint32_t failed = kNone;  // candidates of one route follow each other: its conditions are asked once
  while (const Candidate* const candidate = take_first(lists)) {
    if (candidate->route == failed) continue;
    if (!candidate->needs_glob && !candidate->has_conditions) return candidate;
    const Conditions& asked = conditions[candidate->route];
    // A form that was refused has no candidates.
    if (candidate->needs_glob && !glob_match(asked.paths()[candidate->pattern], *query.path->get(asked.mode())))
      continue;
    if (asked.check_more(query) == Why::matched) return candidate;
    failed = candidate->route;
  }
  return nullptr;
}

Table::Table(const std::vector<RouteOptions>& routes) : index_(std::make_unique<Index>(routes)) {
  for (const auto& options : routes) {
    routes_.push_back(std::make_unique<Route>(options));
    routes_.back()->index = static_cast<std::uint32_t>(routes_.size() - 1);
  }
}

Table::~Table() = default;

Match Table::match(const Query& query) const {
  const HostName host(query.host);
  CandidateLists lists;
  bool refused = false;
  std::uint32_t guard = kNone;
  index_->hosts.find(host.text(), [&](std::size_t number) {
    const auto& group = index_->groups[number];
    for (const NormalizePath mode : kModes) {
      const Index::Form& form = group[static_cast<std::size_t>(mode)];
      if (form.patterns == kNone) continue;
      if (const auto path = query.path->get(mode)) {
        index_->paths.find(form.patterns, *path, lists);
      } else {
        refused = true;
        guard = std::min(guard, index_->find_guard(form, query));
      }
    }
  });
  const Candidate* const found = index_->find_first(lists, query);
  if (!found) return {.path_refused = refused};
  if (guard < found->route) return {.path_refused = true};
  return {.route = routes_[found->route].get(), .literal_prefix = found->literal_prefix};
}

std::vector<TraceStep> Table::trace(const Query& query) const {
  const HostName host(query.host);
  std::vector<TraceStep> steps;
  for (const auto& route : routes_) {
    const Conditions& asked = index_->conditions[route->index];
    const Why place = asked.check_place(host, query.path->get(asked.mode()));
    Why why = place;
    if (place == Why::matched || place == Why::path_refused) {
      const Why more = asked.check_more(query);
      if (more != Why::matched) why = place == Why::matched ? more : Why::path;
    }
    steps.push_back({route.get(), why});
    if (why == Why::matched || why == Why::path_refused) break;
  }
  return steps;
}

std::string_view to_string(TraceStep::Why why) {
  switch (why) {
    case Why::matched:
      return "matched";
    case Why::host:
      return "host";
    case Why::path:
      return "path";
    case Why::path_refused:
      return "path_refused";
    case Why::method:
      return "method";
    case Why::header:
      return "header";
    case Why::client:
      return "client";
  }
  return "";
}

}  // namespace shellac::route
