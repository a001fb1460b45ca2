// Chooses a server for a request: pure, made-up time, no clock of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shellac/balance/options.hpp"
#include "shellac/balance/server.hpp"

namespace shellac::balance {

// How a server stands towards one request: the reason in `explain`, in the log and in metrics.
enum class Standing : std::uint8_t {
  eligible,
  tried,          // by this request, already
  operator_down,  // taken out by the operator
  draining,       // by the operator or its own 404: only its visitors are served
  probe_down,     // its probes fail
  ejected,        // real traffic failed
  weightless,     // weight 0: only its visitors are served
  full,           // `connections.max`
  backup,         // waits until no other is available
};
std::string_view to_string(Standing standing);

// Why nobody was picked: the label of the metric and the word in the log.
enum class NoPick : std::uint8_t {
  all_down,        // nobody is available, and probes, traffic or the operator took somebody out
  all_draining,    // nobody takes new visitors: all are drained (or have no weight)
  all_weightless,  // all have the weight 0
  all_tried,       // whoever is available has been asked already
  all_full,        // whoever is available is at `connections.max`: wait
  queue_full,      // `queue.limit` others wait already
  queue_timeout,   // it waited for `queue.timeout`
};
std::string_view to_string(NoPick reason);

// One server of a pool as the configuration has it. Value.
struct Member {
  std::shared_ptr<Server> server;
  std::string name, zone;
  std::string label;  // in sticky cookies
  std::uint32_t weight = 1;
  bool backup = false;
};

// A pool as pickers see it. Immutable; held by the configuration's snapshot. Any thread.
struct Group {
  std::vector<Member> members;
  BalanceOptions balance;
  ZoneOptions zones;
  std::string zone;               // of this edge
  Duration slow_start{};          // after a recovery: the weight grows linearly so long
  std::uint32_t panic = 0;        // percent: with less healthy weight than that, health is ignored
  std::uint32_t connections = 0;  // `connections.max`; 0 = no limit
};

// The servers that a request has asked already, by position. Value.
class Tried {
 public:
  void add(std::size_t index) { list_.push_back(index); }
  bool contains(std::size_t index) const {
    for (const std::size_t one : list_)
      if (one == index) return true;
    return false;
  }
  std::size_t size() const { return list_.size(); }

 private:
  std::vector<std::size_t> list_;
};

// What is known of the request. Value.
struct Ask {
  Time now{};
  const Tried* tried = nullptr;
  std::uint64_t hash = 0;         // of the key, for Algorithm::hash
  std::string_view avoid_zone{};  // a zone that looks sick: others first
  bool ignore_full = false;       // for explain
};

struct Pick {
  Server* server = nullptr;  // null: nobody, and `reason` says why
  std::size_t index = 0;
  NoPick reason = NoPick::all_down;
};

// How a member stands, without regard to the others.
Standing standing_of(const Group& group, std::size_t index, const Ask& ask, bool panic);
// A visitor of this server may still be served by it: drained and weightless ones keep theirs, and in panic those do
// that are found ill.
bool serves_visitors(const Group& group, std::size_t index, Time now);
// Those who may take a request that belongs to nobody, be they full or not: the ones that it may wait for. Backups are
// among them only when nobody else is.
std::vector<Server*> takers_of(const Group& group, const Ask& ask);
// True when so few are healthy that health is ignored.
bool is_panicking(const Group& group, Time now);
// After a failure of that member: at least half of its zone, itself counted, is out. Better to leave it, then.
bool looks_sick(const Group& group, std::size_t failed, Time now);
// The hash that Ask wants: FNV-1a with a final mix. Stable over versions, so that edges agree.
std::uint64_t hash_of(std::string_view key);

// One per worker and pool. Thread: its worker.
class Picker {
 public:
  // `seed`: where it begins, so that workers do not move in step; 0 = with the first member.
  Picker(std::shared_ptr<const Group> group, std::uint64_t seed);
  Pick pick(const Ask& ask);

  const Group& group() const { return *group_; }

 private:
  struct Candidate {
    std::uint32_t index;
    double weight;
    std::uint32_t requests;  // in flight, read once: others count on meanwhile
    double load() const { return (requests + 1.0) / weight; }
  };
  std::optional<NoPick> gather(const Ask& ask);
  void keep_to_zone(const Ask& ask, double healthy_share);
  void avoid_zone(std::string_view zone);
  double local_share(Time now, bool panic) const;
  std::size_t smooth_turn();
  std::size_t least_loaded();
  std::size_t two_choices();
  std::size_t by_hash(std::uint64_t hash) const;
  std::uint64_t random();

  std::shared_ptr<const Group> group_;
  std::vector<std::uint64_t> names_;  // hashed, by member
  std::vector<double> turns_;         // smooth weighted round robin: what each member is owed
  std::vector<Candidate> candidates_;
  double zone_turn_ = 0;
  std::uint64_t random_;
};

// Every member in the order in which a request would try them, then those that it would not try, each with its reason.
struct Considered {
  std::size_t index = 0;
  Standing standing = Standing::eligible;
};
std::vector<Considered> order_of(std::shared_ptr<const Group> group, Ask ask);

}  // namespace shellac::balance
