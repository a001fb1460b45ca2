#include "shellac/cache/cache.hpp"

#include <algorithm>
#include <utility>

#include "cache/cache_state.hpp"
#include "shellac/core/limits.hpp"

namespace shellac::cache {
namespace {

constexpr std::uint64_t kShare = 8;  // an object may take an eighth of the memory

bool same_variant(const Object& a, const Object& b) {
  return a.vary_names() == b.vary_names() && a.variant() == b.variant() && a.range_first() == b.range_first();
}

int rank(Selector::Use use) {
  switch (use) {
    case Selector::Use::fresh:
      return 4;
    case Selector::Use::grace:
      return 3;
    case Selector::Use::on_error:
      return 2;
    case Selector::Use::validate:
      return 1;
    case Selector::Use::no:
      break;
  }
  return 0;
}

// The best of what the selector accepts; the newest among equals.
std::pair<StoredObject*, Selector::Use> choose(const Entry& entry, Selector& selector) {
  std::pair<StoredObject*, Selector::Use> best{nullptr, Selector::Use::no};
  for (StoredObject* object : entry.variants) {
    const Selector::Use use = selector.judge(*object);
    if (rank(use) > rank(best.second)) best = {object, use};
    if (use == Selector::Use::fresh) break;
  }
  return best;
}

}  // namespace

void Cache::State::unlist(Fetch& fetch) {
  if (!std::exchange(fetch.listed, false)) return;
  const auto it = entries.find(fetch.key);
  if (it == entries.end()) return;
  std::erase(it->second.fetches, &fetch);
  if (it->second.fetches.empty() && it->second.variants.empty() && it->second.refused_until == Time{})
    entries.erase(it);
}

bool Cache::State::drop(StoredObject& object, NotStored why) {
  for (auto it = entries.begin(); it != entries.end(); ++it) {
    const auto found = std::ranges::find(it->second.variants, &object);
    if (found == it->second.variants.end()) continue;
    it->second.variants.erase(found);
    object.absent.store(why, std::memory_order_relaxed);
    if (it->second.fetches.empty() && it->second.variants.empty()) entries.erase(it);
    ObjectRef::adopt(&object).reset();
    return true;
  }
  return false;
}

void Cache::State::insert(Fetch& fetch, StoredObject& object) {
  Entry& entry = entries[fetch.key];
  entry.refused_until = Time{};
  entry.backs_off_until = Time{};
  object.count_use();
  entry.variants.insert(entry.variants.begin(), &object);
}

void Cache::State::abandon(Fetch& fetch) {
  const std::lock_guard lock(mutex);
  unlist(fetch);
  if (fetch.object == nullptr) return fetch.end(Verdict::abandoned);
  fetch.object->content()->fail(Error{.cause = Cause::cancelled, .doing = "filling the cache"});
  drop(*fetch.object, NotStored::broken);
}

Leader::~Leader() {
  if (fetch_ == nullptr) return;
  fetch_->store.abandon(*fetch_);
  fetch_->release();
}

Cache::Cache(const Setting& setting) : state_(std::make_unique<State>(setting.memory)) {}
Cache::~Cache() { purge_all(Purge::hard, Time{}); }

Found Cache::look_up(std::string_view key, Selector& selector, Time now, std::uint32_t min_uses) {
  const std::lock_guard lock(state_->mutex);
  Found found = {};
  Entry& entry = state_->entries[std::string(key)];
  const auto [object, use] = choose(entry, selector);
  found.use = use;
  if (object != nullptr) {
    object->count_use();
    found.object = ObjectRef(object);
    found.joined = !object->content()->is_complete();
  }
  if (use == Selector::Use::fresh) {
    found.kind = Found::Kind::hit;
    return found;
  }
  found.miss = object != nullptr ? Miss::stale : entry.variants.empty() ? Miss::uri : Miss::vary;
  const bool backs_off = object != nullptr && use != Selector::Use::validate && now < entry.backs_off_until;
  if (backs_off || (use == Selector::Use::grace && !entry.fetches.empty())) {
    found.kind = Found::Kind::stale;
    found.backs_off = backs_off;
    return found;
  }
  const bool collapses = now >= entry.refused_until;
  for (Fetch* fetch : entry.fetches) {
    if (!collapses || !fetch->collapses) continue;
    if (!fetch->vary_names.empty() && selector.variant(fetch->vary_names) != fetch->variant) continue;
    if (fetch->followers.load(std::memory_order_relaxed) >= limits::kFollowersMax) continue;
    fetch->followers.fetch_add(1, std::memory_order_relaxed);
    fetch->retain();
    found.kind = Found::Kind::wait;
    found.follower = Follower(fetch, true);
    return found;
  }
  auto* const fetch = new Fetch({key, 0, state_.get(), collapses, min_uses, 0});
  if (!entry.variants.empty()) {
    fetch->vary_names = entry.variants.front()->vary_names();
    fetch->variant = selector.variant(fetch->vary_names);
  }
  fetch->listed = true;
  entry.fetches.push_back(fetch);
  found.kind = use == Selector::Use::grace ? Found::Kind::stale : Found::Kind::lead;
  found.collapses = collapses;
  found.leader = Leader(fetch);
  return found;
}

Found Cache::peek(std::string_view key, Selector& selector, Time) {
  const std::lock_guard lock(state_->mutex);
  Found found = {};
  found.miss = Miss::uri;
  const auto it = state_->entries.find(std::string(key));
  if (it == state_->entries.end()) return found;
  const auto [object, use] = choose(it->second, selector);
  found.use = use;
  if (object != nullptr) found.object = ObjectRef(object);
  found.joined = object != nullptr && !object->content()->is_complete();
  found.miss = object != nullptr ? Miss::stale : Miss::vary;
  if (use == Selector::Use::fresh) found.miss = Miss::none;
  if (use == Selector::Use::fresh) found.kind = Found::Kind::hit;
  if (use == Selector::Use::grace) found.kind = Found::Kind::stale;
  return found;
}

Published Cache::publish(Leader& leader, const NewObject& object, const Admission& admission) {
  Fetch& fetch = *leader.fetch_;
  const Bytes most = std::min(admission.max_object, Bytes{state_->pages.cap().count / kShare});
  if (admission.length.value_or(0) > most.count) return {{}, NotStored::too_large};
  ContentRef content = Content::make(state_->pages, Content::Mode::stored, admission.length);
  if (!content) return {{}, NotStored::full};
  StoredObject* const stored = StoredObject::try_make(state_->pages, object, std::move(content), admission.now);
  if (stored == nullptr) return {{}, NotStored::full};
  const std::lock_guard lock(state_->mutex);
  state_->unlist(fetch);
  fetch.object = stored;
  fetch.max_object = most;
  if (fetch.purged == Fetch::Purged::no) {
    stored->retain_for_index();
    state_->insert(fetch, *stored);
  } else {
    fetch.not_stored = NotStored::purged;
  }
  fetch.publish(ObjectRef::adopt(stored));
  return {ObjectRef(stored), fetch.not_stored};
}

Published Cache::publish_refreshed(Leader& leader, const Object& stale, const NewObject& object,
                                   const Admission& admission) {
  Fetch& fetch = *leader.fetch_;
  StoredObject* const stored = StoredObject::try_make(state_->pages, object, stale.content(), admission.now);
  if (stored == nullptr) return {{}, NotStored::full};
  {
    const std::lock_guard lock(state_->mutex);
    state_->unlist(fetch);
    fetch.object = stored;
    if (fetch.purged == Fetch::Purged::no) {
      stored->retain_for_index();
      state_->insert(fetch, *stored);
    } else {
      fetch.not_stored = NotStored::purged;
    }
    fetch.publish(ObjectRef::adopt(stored));
  }
  Published published{ObjectRef(stored), fetch.not_stored};
  complete(leader, admission.now);
  return published;
}

Content::Append Cache::append(Leader& leader, std::string_view octets, Waiter& writer, Time now) {
  Fetch& fetch = *leader.fetch_;
  Content& content = *fetch.object->content();
  if (!content.is_window() && content.size() + octets.size() > fetch.max_object.count) {
    const std::lock_guard lock(state_->mutex);
    fetch.not_stored = NotStored::too_large;
    state_->drop(*fetch.object, NotStored::too_large);
    content.become_window();
  }
  Content::Append done = content.try_append(octets, writer);
  if (done == Content::Append::no_memory && make_room(Bytes{octets.size()}, now))
    done = content.try_append(octets, writer);
  if (done != Content::Append::no_memory || content.is_window()) return done;
  const std::lock_guard lock(state_->mutex);
  fetch.not_stored = NotStored::full;
  state_->drop(*fetch.object, NotStored::full);
  content.become_window();
  return content.try_append(octets, writer);
}

bool Cache::complete(Leader& leader, Time) {
  Fetch& fetch = *leader.fetch_;
  StoredObject& object = *fetch.object;
  const bool whole = object.content()->is_complete() || object.content()->finish();
  {
    const std::lock_guard lock(state_->mutex);
    if (!whole) state_->drop(object, NotStored::broken);
    const auto it = state_->entries.find(fetch.key);
    if (whole && it != state_->entries.end()) {
      std::vector<StoredObject*> older;
      bool seen = false;
      for (StoredObject* variant : it->second.variants) {
        if (variant == &object) seen = true;
        if (seen && variant != &object && same_variant(*variant, object)) older.push_back(variant);
      }
      for (StoredObject* variant : older) state_->drop(*variant, NotStored::none);
    }
  }
  std::exchange(leader.fetch_, nullptr)->release();
  return whole;
}

void Cache::abort(Leader& leader, const Error& error) {
  Fetch& fetch = *leader.fetch_;
  fetch.object->content()->fail(error);
  {
    const std::lock_guard lock(state_->mutex);
    state_->drop(*fetch.object, NotStored::broken);
  }
  std::exchange(leader.fetch_, nullptr)->release();
}

void Cache::refuse(Leader& leader, Duration remember, Time now) {
  Fetch& fetch = *leader.fetch_;
  {
    const std::lock_guard lock(state_->mutex);
    if (remember > Duration{0})
      state_->entries[fetch.key].refused_until = now + std::min<Duration>(remember, limits::kHitForMiss);
    state_->unlist(fetch);
  }
  fetch.end(Verdict::refused);
  std::exchange(leader.fetch_, nullptr)->release();
}

void Cache::fail(Leader& leader, const Error& error, Time now) {
  Fetch& fetch = *leader.fetch_;
  {
    const std::lock_guard lock(state_->mutex);
    if (const auto it = state_->entries.find(fetch.key); it != state_->entries.end())
      it->second.backs_off_until = now + limits::kRefreshBackOff;
    state_->unlist(fetch);
  }
  fetch.fail(error);
  std::exchange(leader.fetch_, nullptr)->release();
}

std::size_t Cache::State::purge_entry(Entry& entry, Purge how, Time now) {
  for (Fetch* fetch : std::exchange(entry.fetches, {})) {
    fetch->purged = Fetch::Purged::hard;
    fetch->listed = false;
  }
  if (how == Purge::soft) {
    for (StoredObject* object : entry.variants) object->purge_softly(now);
    return entry.variants.size();
  }
  const std::vector<StoredObject*> gone = std::exchange(entry.variants, {});
  for (StoredObject* object : gone) {
    object->absent.store(NotStored::purged, std::memory_order_relaxed);
    ObjectRef::adopt(object).reset();
  }
  return gone.size();
}

std::size_t Cache::purge(std::string_view key, Purge how, Time now) {
  const std::lock_guard lock(state_->mutex);
  const auto it = state_->entries.find(std::string(key));
  return it == state_->entries.end() ? 0 : state_->purge_entry(it->second, how, now);
}

std::size_t Cache::purge_tag(std::string_view, Purge how, Time now) { return purge_all(how, now); }

std::size_t Cache::purge_all(Purge how, Time now) {
  const std::lock_guard lock(state_->mutex);
  std::size_t count = 0;
  for (auto& [key, entry] : state_->entries) count += state_->purge_entry(entry, how, now);
  return count;
}

void Cache::expire(Time) {}
void Cache::set_memory(Bytes memory, Time) { state_->pages.set_cap(memory); }
bool Cache::make_room(Bytes need, Time) { return state_->pages.available() >= need; }
Pages& Cache::pages() { return state_->pages; }

Stats Cache::stats() const {
  Stats stats = {};
  const std::lock_guard lock(state_->mutex);
  for (const auto& [key, entry] : state_->entries) stats.objects += entry.variants.size();
  stats.used = state_->pages.used();
  stats.cap = state_->pages.cap();
  return stats;
}

std::vector<ObjectReport> Cache::inspect(std::string_view, Time) const { return {}; }
std::vector<ObjectReport> Cache::top(std::size_t, Order, Time) const { return {}; }

}  // namespace shellac::cache
