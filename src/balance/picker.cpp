#include "shellac/balance/picker.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace shellac::balance {
namespace {

// A worker begins at most so many rounds into its pool's turns.
constexpr std::uint64_t kStartTurns = 8;

constexpr std::size_t kStandings = static_cast<std::size_t>(Standing::backup) + 1;

// splitmix64: spreads the bits of a number over all of it.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

// Between 0 and 1, never one of them.
double unit(std::uint64_t x) { return (static_cast<double>(x >> 12) + 0.5) * 0x1p-52; }

bool is_up(const Server& server, Time now) { return server.health() == Health::up && !server.is_ejected(now); }

// The weight with which a member takes part at this moment: after a recovery it grows from a hundredth to all of it.
double effective_weight(const Group& group, const Member& member, Time now) {
  const double weight = member.weight;
  const Time recovered = member.server->recovered();
  if (group.slow_start <= Duration::zero() || recovered == Time{}) return weight;
  if (now < recovered) return weight;  // still ejected, and in demand for all that: panic
  const double part = std::chrono::duration<double>(now - recovered) / std::chrono::duration<double>(group.slow_start);
  return part >= 1 ? weight : weight * std::max(part, 0.01);
}

// Nothing left for a new connection, and no idle one that could be had.
bool is_full(const Group& group, const Server& server) {
  if (group.connections == 0) return false;
  return server.idle.load(std::memory_order_relaxed) == 0 &&
         server.sockets.load(std::memory_order_relaxed) >= group.connections;
}

}  // namespace

std::string_view to_string(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::round_robin:
      return "round_robin";
    case Algorithm::least_requests:
      return "least_requests";
    case Algorithm::random_two:
      return "random_two";
    case Algorithm::hash:
      return "hash";
  }
  return "";
}

std::string_view to_string(Standing standing) {
  switch (standing) {
    case Standing::eligible:
      return "eligible";
    case Standing::tried:
      return "tried";
    case Standing::operator_down:
      return "operator_down";
    case Standing::draining:
      return "draining";
    case Standing::probe_down:
      return "probe_down";
    case Standing::ejected:
      return "ejected";
    case Standing::weightless:
      return "weightless";
    case Standing::full:
      return "full";
    case Standing::backup:
      return "backup";
  }
  return "";
}

std::string_view to_string(NoPick reason) {
  switch (reason) {
    case NoPick::all_down:
      return "all_down";
    case NoPick::all_draining:
      return "all_draining";
    case NoPick::all_weightless:
      return "all_weightless";
    case NoPick::all_tried:
      return "all_tried";
    case NoPick::all_full:
      return "all_full";
    case NoPick::queue_full:
      return "queue_full";
    case NoPick::queue_timeout:
      return "queue_timeout";
  }
  return "";
}

std::uint64_t hash_of(std::string_view key) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return mix(hash);
}

Standing standing_of(const Group& group, std::size_t index, const Ask& ask, bool panic) {
  const Member& member = group.members[index];
  const Server& server = *member.server;
  switch (server.state()) {
    case ServerState::down:
      return Standing::operator_down;
    case ServerState::drain:
      return Standing::draining;
    case ServerState::ready:
      break;
  }
  if (member.weight == 0) return Standing::weightless;
  if (!panic) {
    if (server.health() == Health::down) return Standing::probe_down;
    if (server.health() == Health::drain) return Standing::draining;
    if (server.is_ejected(ask.now)) return Standing::ejected;
  }
  if (ask.tried != nullptr && ask.tried->contains(index)) return Standing::tried;
  if (!ask.ignore_full && is_full(group, server)) return Standing::full;
  return Standing::eligible;
}

bool serves_visitors(const Group& group, std::size_t index, Time now) {
  const Server& server = *group.members[index].server;
  if (server.state() == ServerState::down) return false;
  return (server.health() != Health::down && !server.is_ejected(now)) || is_panicking(group, now);
}

std::vector<Server*> takers_of(const Group& group, const Ask& ask) {
  Ask patient = ask;
  patient.ignore_full = true;
  const bool panic = is_panicking(group, ask.now);
  std::vector<Server*> list;
  for (const bool backup : {false, true}) {
    for (std::size_t i = 0; i < group.members.size(); ++i)
      if (group.members[i].backup == backup && standing_of(group, i, patient, panic) == Standing::eligible)
        list.push_back(group.members[i].server.get());
    if (!list.empty()) break;
  }
  return list;
}

// Weights of those that the operator wants, backups left out: what is healthy of what could be.
bool is_panicking(const Group& group, Time now) {
  if (group.panic == 0) return false;
  double all = 0, healthy = 0;
  for (const Member& member : group.members) {
    if (member.backup || member.server->state() != ServerState::ready) continue;
    all += member.weight;
    if (is_up(*member.server, now)) healthy += member.weight;
  }
  return healthy * 100 < all * group.panic;
}

bool looks_sick(const Group& group, std::size_t failed, Time now) {
  std::size_t all = 0, out = 0;
  for (std::size_t i = 0; i < group.members.size(); ++i) {
    if (group.members[i].zone != group.members[failed].zone) continue;
    ++all;
    const Server& server = *group.members[i].server;
    out += i == failed || server.state() != ServerState::ready || !is_up(server, now);
  }
  return out * 2 >= all;
}

Picker::Picker(std::shared_ptr<const Group> group, std::uint64_t seed)
    : group_(std::move(group)), turns_(group_->members.size()), random_(mix(seed) | 1) {
  candidates_.reserve(group_->members.size());
  for (const Member& member : group_->members) names_.push_back(hash_of(member.name));
  // Somewhere in the sequence of turns that every worker goes through.
  for (std::size_t i = 0; i < group_->members.size(); ++i)
    if (group_->members[i].weight > 0)
      candidates_.push_back({static_cast<std::uint32_t>(i), static_cast<double>(group_->members[i].weight), 0});
  if (seed == 0) return;
  for (std::uint64_t left = random() % (candidates_.size() * kStartTurns + 1); left > 0; --left) smooth_turn();
  zone_turn_ = unit(random());
}

std::uint64_t Picker::random() {
  random_ ^= random_ << 13;
  random_ ^= random_ >> 7;
  random_ ^= random_ << 17;
  return mix(random_);
}

// How much of the local zone's weight is healthy; 1 when the zone is left alone.
double Picker::local_share(Time now, bool panic) const {
  double all = 0, healthy = 0;
  for (const Member& member : group_->members) {
    if (member.backup || member.zone != group_->zone) continue;
    all += member.weight;
    if (member.server->state() == ServerState::ready && (panic || is_up(*member.server, now))) healthy += member.weight;
  }
  return all == 0 ? 0 : healthy / all;
}

// The members among which the algorithm chooses; or why there are none. Backups come in when no other is available to
// this request, be it that all are out or that it has been through all of them.
std::optional<NoPick> Picker::gather(const Ask& ask) {
  const bool panic = is_panicking(*group_, ask.now);
  std::array<bool, kStandings> seen{};
  const auto saw = [&](Standing standing) { return seen[static_cast<std::size_t>(standing)]; };
  for (const bool backup : {false, true}) {
    candidates_.clear();
    for (std::size_t i = 0; i < group_->members.size(); ++i) {
      const Member& member = group_->members[i];
      if (member.backup != backup) continue;
      const Standing standing = standing_of(*group_, i, ask, panic);
      seen[static_cast<std::size_t>(standing)] = true;
      if (standing != Standing::eligible) continue;
      candidates_.push_back({static_cast<std::uint32_t>(i), effective_weight(*group_, member, ask.now),
                             member.server->requests.load(std::memory_order_relaxed)});
    }
    if (!candidates_.empty()) break;
    if (saw(Standing::full)) return NoPick::all_full;  // busy is not broken: wait for the first row
  }
  if (candidates_.empty()) {
    if (saw(Standing::tried)) return NoPick::all_tried;
    if (saw(Standing::operator_down) || saw(Standing::probe_down) || saw(Standing::ejected)) return NoPick::all_down;
    return saw(Standing::draining) ? NoPick::all_draining : NoPick::all_weightless;
  }
  if (group_->zones.prefer_local && !group_->members[candidates_.front().index].backup)
    keep_to_zone(ask, local_share(ask.now, panic));
  if (!ask.avoid_zone.empty()) avoid_zone(ask.avoid_zone);
  return std::nullopt;
}

// Envoy's zone-aware spill-over: a zone keeps min(1, overprovision × healthy share) of its requests, the rest goes to
// all others by weight.
void Picker::keep_to_zone(const Ask& ask, double healthy_share) {
  const auto is_local = [&](const Candidate& one) { return group_->members[one.index].zone == group_->zone; };
  const auto local = static_cast<std::size_t>(std::ranges::count_if(candidates_, is_local));
  if (local == 0 || local == candidates_.size()) return;
  // As doubles go, 1.4 × 5/7 is a hair below 1.
  const double load = std::min(1.0, group_->zones.overprovision * healthy_share + 1e-9);
  bool stay = false;
  if (group_->balance.algorithm == Algorithm::hash) {
    stay = unit(mix(ask.hash ^ 0x7a6f6e65)) <= load;  // of a key always the same way
  } else {
    zone_turn_ += load;
    stay = zone_turn_ >= 1;
    if (stay) zone_turn_ -= 1;
  }
  std::erase_if(candidates_, [&](const Candidate& one) { return is_local(one) != stay; });
}

void Picker::avoid_zone(std::string_view zone) {
  const auto is_there = [&](const Candidate& one) { return group_->members[one.index].zone == zone; };
  if (!std::ranges::all_of(candidates_, is_there)) std::erase_if(candidates_, is_there);
}

Pick Picker::pick(const Ask& ask) {
  if (const auto reason = gather(ask)) return {nullptr, 0, *reason};
  std::size_t index = candidates_.front().index;
  if (candidates_.size() > 1) {
    switch (group_->balance.algorithm) {
      case Algorithm::round_robin:
        index = smooth_turn();
        break;
      case Algorithm::least_requests:
        index = least_loaded();
        break;
      case Algorithm::random_two:
        index = two_choices();
        break;
      case Algorithm::hash:
        index = by_hash(ask.hash);
        break;
    }
  }
  return {group_->members[index].server.get(), index, {}};
}

// nginx's smooth weighted round robin: each is owed its weight, who is owed most pays what all got.
std::size_t Picker::smooth_turn() {
  double total = 0;
  const Candidate* best = nullptr;
  for (const Candidate& one : candidates_) {
    total += one.weight;
    turns_[one.index] += one.weight;
    if (best == nullptr || turns_[one.index] > turns_[best->index]) best = &one;
  }
  turns_[best->index] -= total;
  return best->index;
}

// The fewest requests for the weight; equals take turns by weight, so that a quiet pool is used evenly, too.
std::size_t Picker::least_loaded() {
  const auto is_busy = [](const Candidate& one) { return one.requests > 0; };
  if (std::ranges::any_of(candidates_, is_busy)) {
    double least = candidates_.front().load();
    for (const Candidate& one : candidates_) least = std::min(least, one.load());
    std::erase_if(candidates_, [&](const Candidate& one) { return one.load() > least; });
  }
  return smooth_turn();
}

// Two different ones by weight; the less loaded takes it (Mitzenmacher, "The power of two choices"), and of equals the
// one that was drawn first: what the request itself would add does not count, or in a quiet pool the heavier of the two
// would always win and the lightest never be asked.
std::size_t Picker::two_choices() {
  const auto draw = [&](const Candidate* without) {
    double total = 0;
    for (const Candidate& one : candidates_) total += &one == without ? 0 : one.weight;
    double left = unit(random()) * total;
    const Candidate* drawn = nullptr;
    for (const Candidate& one : candidates_) {
      if (&one == without) continue;
      drawn = &one;
      left -= one.weight;
      if (left <= 0) break;
    }
    return drawn;
  };
  const Candidate* first = draw(nullptr);
  const Candidate* second = draw(first);
  return second->requests * first->weight < first->requests * second->weight ? second->index : first->index;
}

// Weighted rendezvous hashing (Thaler and Ravishankar 1998; weights as -w / ln u): when a member leaves only its own
// keys move. Bounded load (Mirrokni et al. 2016): nobody gets more than load_factor times its share of what is in
// flight; the key's next choice takes what is too much.
std::size_t Picker::by_hash(std::uint64_t hash) const {
  double weights = 0, in_flight = 1;
  for (const Candidate& one : candidates_) {
    weights += one.weight;
    in_flight += one.requests;
  }
  const Candidate* best = nullptr;
  const Candidate* fallback = &candidates_.front();
  double best_score = 0, fallback_score = 0;
  for (const Candidate& one : candidates_) {
    const double score = -one.weight / std::log(unit(mix(hash ^ names_[one.index])));
    if (score > fallback_score) {
      fallback = &one;
      fallback_score = score;
    }
    const double bound = std::ceil(group_->balance.load_factor * in_flight * one.weight / weights);
    if (one.requests + 1.0 <= bound && (best == nullptr || score > best_score)) {
      best = &one;
      best_score = score;
    }
  }
  return best != nullptr ? best->index : fallback->index;
}

std::vector<Considered> order_of(std::shared_ptr<const Group> group, Ask ask) {
  std::vector<Considered> order;
  Picker picker(group, 0);
  Tried tried;
  ask.tried = &tried;
  while (tried.size() < group->members.size()) {
    const Pick pick = picker.pick(ask);
    if (pick.server == nullptr || tried.contains(pick.index)) break;
    tried.add(pick.index);
    order.push_back({pick.index, Standing::eligible});
  }
  Ask fresh = ask;
  fresh.tried = nullptr;
  const bool panic = is_panicking(*group, ask.now);
  for (std::size_t i = 0; i < group->members.size(); ++i) {
    if (std::ranges::any_of(order, [&](const Considered& one) { return one.index == i; })) continue;
    const Standing standing = standing_of(*group, i, fresh, panic);
    order.push_back({i, standing == Standing::eligible ? Standing::backup : standing});
  }
  return order;
}

}  // namespace shellac::balance
