// The leader's part: how an answer becomes an object.
#include <algorithm>
#include <utility>

#include "cache/cache_state.hpp"
#include "shellac/core/limits.hpp"

namespace shellac::cache {

namespace {

bool fits(const Fetch& fetch, const NewObject& object) { return StoredObject::fits(object) && Entry::fits(fetch.key); }

}  // namespace

StoredObject* Cache::State::try_make(const NewObject& object, ContentRef content, Time now) {
  const std::uint64_t need = sizeof(StoredObject) + object.lines.size();
  return with_room(need, now, [&] { return StoredObject::try_make(memory, object, content, now); });
}

// Puts it into the index and tells those who wait. `full`: it could not be put there, and nothing has happened.
NotStored Cache::State::place(Fetch& fetch, StoredObject& stored, const NewObject& object, const Admission& admission) {
  Shard& shard = shard_of(fetch.hash);
  stored.shard = shard_number(fetch.hash);
  const Shard::Incoming incoming{fetch, stored, object.tags, admission.max_variants};
  const bool placed = with_room(fetch.key.size(), admission.now, [&] {
    Gone gone;
    const std::lock_guard lock(shard.mutex);
    return shard.try_place(incoming, gone);
  });
  if (!placed) return NotStored::full;
  fetch.object = &stored;
  const NotStored why = stored.absent();
  fetch.publish(ObjectRef::adopt(&stored), fetch.purged_by_tag);
  return why;
}

void Cache::State::abandon(Fetch& fetch) {
  if (fetch.object != nullptr) {
    if (!fetch.object->content()->is_complete())
      fetch.object->content()->fail(Error{.cause = Cause::cancelled, .doing = "filling the cache"});
    drop(*fetch.object, Removed::broken);
    return;
  }
  {
    Shard& shard = shard_of(fetch.hash);
    const std::lock_guard lock(shard.mutex);
    shard.fetches.remove(fetch);
  }
  fetch.end(Verdict::abandoned);
}

Leader::~Leader() {
  if (fetch_ == nullptr) return;
  fetch_->store.abandon(*fetch_);
  fetch_->release();
}

Published Cache::publish(Leader& leader, const NewObject& object, const Admission& admission) {
  Fetch& fetch = *leader.fetch_;
  State& state = *state_;
  fetch.max_object = std::min(admission.max_object, Bytes{state.memory.pages.cap().count / State::kObjectShare});
  if (admission.length.value_or(0) > fetch.max_object.count || !fits(fetch, object)) return {{}, NotStored::too_large};
  if (fetch.min_uses > 1) {
    Shard& shard = state.shard_of(fetch.hash);
    const std::lock_guard lock(shard.mutex);
    if (shard.uses.get(fetch.hash) < fetch.min_uses) return {{}, NotStored::min_uses};
  }
  const std::uint64_t need = std::min<std::uint64_t>(admission.length.value_or(0), Pages::kBlockMax) + Pages::kPage;
  ContentRef content = state.with_room(
      need, admission.now, [&] { return Content::make(state.memory.pages, Content::Mode::stored, admission.length); });
  if (!content) return {{}, NotStored::full};
  StoredObject* const stored = state.try_make(object, content, admission.now);
  NotStored why = stored == nullptr ? NotStored::full : state.place(fetch, *stored, object, admission);
  if (why == NotStored::full) {
    content->fail(Error{.cause = Cause::limit, .doing = "storing"});
    if (stored != nullptr) ObjectRef::adopt(stored).reset();
    return {{}, why};
  }
  return {ObjectRef(stored), why};
}

Published Cache::publish_refreshed(Leader& leader, const Object& stale, const NewObject& object,
                                   const Admission& admission) {
  State& state = *state_;
  // What broke, or went on as a window, has no content to go on with.
  if (!stale.content()->is_complete() || stale.content()->is_window()) return {{}, NotStored::broken};
  if (!fits(*leader.fetch_, object)) return {{}, NotStored::too_large};
  StoredObject* const stored = state.try_make(object, stale.content(), admission.now);
  if (stored == nullptr) return {{}, NotStored::full};
  Fetch& fetch = *leader.fetch_;
  const NotStored why = state.place(fetch, *stored, object, admission);
  if (why == NotStored::full) {
    ObjectRef::adopt(stored).reset();
    return {{}, why};
  }
  const ObjectRef published(stored);
  {
    auto& old = static_cast<StoredObject&>(const_cast<Object&>(stale));
    Shard& shard = state.shard_of(fetch.hash);
    Gone gone;
    const std::lock_guard lock(shard.mutex);
    if (stored->entry != nullptr) {
      stored->inherit(old);
      shard.remove(old, Removed::replaced, gone);
      stored->take_content_of(old);
      shard.settle(*stored, admission.now, gone);
    }
  }
  std::exchange(leader.fetch_, nullptr)->release();
  return {published, why};
}

Content::Append Cache::append(Leader& leader, std::string_view octets, Waiter& writer, Time now) {
  StoredObject& object = *leader.fetch_->object;
  Content& content = *object.content();
  const auto become_window = [&](Removed why) {
    state_->drop(object, why);
    content.become_window();
  };
  if (!content.is_window() && content.size() + octets.size() > leader.fetch_->max_object.count)
    become_window(Removed::grown);
  Content::Append done = content.try_append(octets, writer);
  if (done == Content::Append::no_memory) {
    state_->with_room(octets.size(), now, [&] {
      done = content.try_append(octets, writer);
      return done != Content::Append::no_memory;
    });
  }
  if (done == Content::Append::no_memory && !content.is_window()) {
    become_window(Removed::full);
    done = content.try_append(octets, writer);
  }
  if (content.footprint().count == object.charged()) return done;
  const std::lock_guard lock(state_->shards[object.shard]->mutex);
  object.recharge();
  return done;
}

bool Cache::complete(Leader& leader, Time now) {
  StoredObject& object = *leader.fetch_->object;
  const bool is_whole = object.content()->finish();
  {
    Shard& shard = *state_->shards[object.shard];
    Gone gone;
    const std::lock_guard lock(shard.mutex);
    object.recharge();
    if (is_whole)
      shard.settle(object, now, gone);
    else
      shard.remove(object, Removed::broken, gone);
  }
  std::exchange(leader.fetch_, nullptr)->release();
  return is_whole;
}

void Cache::abort(Leader& leader, const Error& error) {
  StoredObject& object = *leader.fetch_->object;
  object.content()->fail(error);
  state_->drop(object, Removed::broken);
  std::exchange(leader.fetch_, nullptr)->release();
}

void Cache::refuse(Leader& leader, Duration remember, Time now) {
  Fetch& fetch = *leader.fetch_;
  {
    Shard& shard = state_->shard_of(fetch.hash);
    const std::lock_guard lock(shard.mutex);
    if (remember > Duration{0}) shard.refused.set(fetch.hash, now + std::min<Duration>(remember, limits::kHitForMiss));
    shard.fetches.remove(fetch);
  }
  fetch.end(Verdict::refused);
  std::exchange(leader.fetch_, nullptr)->release();
}

void Cache::fail(Leader& leader, const Error& error, Time now) {
  Fetch& fetch = *leader.fetch_;
  {
    Shard& shard = state_->shard_of(fetch.hash);
    const std::lock_guard lock(shard.mutex);
    if (Entry* const entry = shard.find(fetch.key, fetch.hash)) entry->backs_off_until = now + limits::kRefreshBackOff;
    shard.fetches.remove(fetch);
  }
  fetch.fail(error);
  std::exchange(leader.fetch_, nullptr)->release();
}

}  // namespace shellac::cache
