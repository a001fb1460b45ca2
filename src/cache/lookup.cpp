// What a request finds.
#include <memory>

#include "cache/cache_state.hpp"
#include "shellac/core/limits.hpp"

namespace shellac::cache {
namespace {

using Use = Selector::Use;

struct Choice {
  StoredObject* object = nullptr;
  Use use = Use::no;
};

int rank(Use use) {
  switch (use) {
    case Use::fresh:
      return 4;
    case Use::grace:
      return 3;
    case Use::on_error:
      return 2;
    case Use::validate:
      return 1;
    case Use::no:
      break;
  }
  return 0;
}

// The best that the request accepts; the newest among equals.
Choice choose(const Entry* entry, Selector& selector) {
  Choice best;
  if (entry == nullptr) return best;
  for (StoredObject* object = entry->newest; object != nullptr; object = object->older) {
    const Use use = selector.judge(*object);
    if (rank(use) > rank(best.use)) best = {object, use};
    if (use == Use::fresh) break;
  }
  return best;
}

Miss miss_of(const Entry* entry, const Choice& choice) {
  if (choice.use == Use::fresh) return Miss::none;
  if (choice.object != nullptr) return Miss::stale;
  return entry == nullptr ? Miss::uri : Miss::vary;
}

Found found_of(const Entry* entry, const Choice& choice) {
  Found found;
  found.miss = miss_of(entry, choice);
  found.use = choice.use;
  if (choice.object == nullptr) return found;
  found.object = ObjectRef(choice.object);
  found.joined = !choice.object->content()->is_complete();
  return found;
}

struct Look {
  std::string_view key;
  std::uint64_t hash;
  Selector& selector;
  Time now;
};

// What was purged while it was fetched is not for those who come after the purge. As far as the key's Vary was known
// when the fetch began, its answer will fit this request, too. With nothing known, whoever turns out to want another
// variant looks again.
bool fits(const Fetch& fetch, Selector& selector) {
  if (fetch.purged != Fetch::Purged::no) return false;
  return fetch.vary_names.empty() || selector.variant(fetch.vary_names) == fetch.variant;
}

// What is under way for this request.
struct UnderWay {
  Fetch* joinable = nullptr;  // the fetch that it may wait for
  bool any = false;
  bool is_crowded = false;  // one has all the followers that it may have
};

UnderWay find_under_way(Shard& shard, const Look& look) {
  UnderWay found;
  found.joinable = shard.fetches.find(look.key, look.hash, [&](const Fetch& fetch) {
    if (!fits(fetch, look.selector)) return false;
    found.any = true;
    if (!fetch.collapses) return false;
    const bool has_place = fetch.followers.load(std::memory_order_relaxed) < limits::kFollowersMax;
    found.is_crowded = found.is_crowded || !has_place;
    return has_place;
  });
  return found;
}

void list(Shard& shard, const Look& look, const Entry* entry, Fetch& fetch) {
  if (entry != nullptr && !entry->newest->vary_names().empty()) {
    fetch.vary_names = entry->newest->vary_names();
    fetch.variant = look.selector.variant(fetch.vary_names);
  }
  shard.fetches.add(fetch);
}

struct ReleaseFetch {
  void operator()(Fetch* fetch) const { fetch->release(); }
};
using SpareFetch = std::unique_ptr<Fetch, ReleaseFetch>;

// One look, under the lock. When it must lead and there is no `spare` fetch to lead with, the kind is `none`: a fetch
// is made without the lock, and it looks again.
Found try_look(Shard& shard, const Look& look, SpareFetch& spare) {
  const std::lock_guard lock(shard.mutex);
  Entry* const entry = shard.find(look.key, look.hash);
  const Choice choice = choose(entry, look.selector);
  if (choice.use == Use::fresh) {
    choice.object->count_use();
    shard.domain.touch(*choice.object);
    Found found = found_of(entry, choice);
    found.kind = Found::Kind::hit;
    return found;
  }
  const UnderWay under_way = find_under_way(shard, look);
  const bool may_be_served = choice.use == Use::grace || choice.use == Use::on_error;
  const bool backs_off = may_be_served && look.now < entry->backs_off_until;
  const bool is_stale = choice.use == Use::grace || backs_off;
  const bool collapses = !shard.refused.has(look.hash, look.now);
  const bool waits = !is_stale && collapses && under_way.joinable != nullptr;
  const bool leads = !waits && !backs_off && !(is_stale && under_way.any);
  Found found;
  if (leads && spare == nullptr) return found;

  found = found_of(entry, choice);
  if (choice.object != nullptr) choice.object->count_use();
  found.backs_off = backs_off;
  found.kind = is_stale ? Found::Kind::stale : waits ? Found::Kind::wait : Found::Kind::lead;
  if (waits) found.follower = Fetch::follow(*under_way.joinable, shard.tag_purges.count());
  if (leads) {
    spare->collapses = found.collapses = collapses && !under_way.is_crowded;
    list(shard, look, entry, *spare);
    found.leader = Fetch::lead(*spare.release());
  }
  return found;
}

}  // namespace

Found Cache::look_up(std::string_view key, Selector& selector, Time now, std::uint32_t min_uses) {
  const Look look{key, state_->key_hash(key), selector, now};
  Shard& shard = state_->shard_of(look.hash);
  SpareFetch spare;
  Found found = try_look(shard, look, spare);
  if (found.kind == Found::Kind::none) {
    spare.reset(new Fetch({key, look.hash, *state_, min_uses, state_->tag_purges.count()}));
    found = try_look(shard, look, spare);
  }
  if (min_uses > 1 && (found.kind == Found::Kind::lead || found.kind == Found::Kind::wait)) {
    const std::lock_guard lock(shard.mutex);
    shard.uses.count(look.hash);
  }
  return found;
}

Found Cache::peek(std::string_view key, Selector& selector, Time) {
  const std::uint64_t hash = state_->key_hash(key);
  Shard& shard = state_->shard_of(hash);
  const std::lock_guard lock(shard.mutex);
  const Entry* const entry = shard.find(key, hash);
  const Choice choice = choose(entry, selector);
  Found found = found_of(entry, choice);
  if (choice.use == Use::fresh) found.kind = Found::Kind::hit;
  if (choice.use == Use::grace) found.kind = Found::Kind::stale;
  return found;
}

}  // namespace shellac::cache
