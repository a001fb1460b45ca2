#include "cache/shard.hpp"

#include <boost/container/small_vector.hpp>

namespace shellac::cache {
namespace {

NotStored absence_of(Removed why) {
  switch (why) {
    case Removed::purged:
      return NotStored::purged;
    case Removed::variants:
      return NotStored::variants;
    case Removed::grown:
      return NotStored::too_large;
    case Removed::full:
      return NotStored::full;
    case Removed::broken:
      return NotStored::broken;
    case Removed::size:
    case Removed::expired:
    case Removed::replaced:
      break;
  }
  return NotStored::none;
}

// A newer object of that variant, which no purge has touched.
bool has_fresh_twin(const Entry& entry, const StoredObject& object) {
  for (const StoredObject* other = entry.newest; other != nullptr; other = other->older)
    if (other != &object && !other->is_soft_purged() && is_same_variant(*other, object)) return true;
  return false;
}

bool has_twin(const StoredObject& object) {
  for (const StoredObject* other = object.entry->newest; other != nullptr; other = other->older)
    if (other != &object && is_same_variant(*other, object)) return true;
  return false;
}

}  // namespace

bool is_same_variant(const Object& a, const Object& b) {
  return a.vary_names() == b.vary_names() && a.variant() == b.variant() && a.range_first() == b.range_first();
}

Entry* Shard::get_entry(const Fetch& fetch) {
  if (Entry* const entry = find(fetch.key, fetch.hash)) return entry;
  Entry* const entry = Entry::try_make(memory, fetch.key, fetch.hash);
  if (entry == nullptr) return nullptr;
  if (entries.try_add(*entry)) return entry;
  Entry::destroy(memory, entry);
  return nullptr;
}

void Shard::drop_if_empty(Entry& entry) {
  if (entry.variants != 0) return;
  entries.remove(entry);
  Entry::destroy(memory, &entry);
}

void Shard::link(Entry& entry, StoredObject& object, bool as_oldest) {
  StoredObject** at = &entry.newest;
  while (as_oldest && *at != nullptr) at = &(*at)->older;
  object.older = *at;
  *at = &object;
  object.entry = &entry;
  object.retain_for_index();
  ++entry.variants;
  Ledger::add(memory.ledger.objects, 1);
}

void Shard::unlink(StoredObject& object) {
  Entry& entry = *object.entry;
  StoredObject** at = &entry.newest;
  while (*at != &object) at = &(*at)->older;
  *at = object.older;
  object.older = nullptr;
  object.entry = nullptr;
  --entry.variants;
  Ledger::take(memory.ledger.objects, 1);
  drop_if_empty(entry);
}

// What the purges that came since the fetch began make of its object.
Shard::Fate Shard::fate_of(const Incoming& incoming) const {
  Fetch& fetch = incoming.fetch;
  boost::container::small_vector<std::uint64_t, 16> hashes;
  for (std::string_view tag : incoming.tags) hashes.push_back(tags.hash_of(tag));
  const TagPurges::Verdict by_tag = tag_purges.judge(hashes, fetch.tag_purges);
  fetch.purged_by_tag = by_tag.first;
  Fate fate;
  fate.is_hard = fetch.purged == Fetch::Purged::hard || (by_tag.is_purged && by_tag.how == Cache::Purge::hard);
  fate.is_soft = fetch.purged == Fetch::Purged::softly || by_tag.is_purged;
  if (fetch.purged == Fetch::Purged::softly) fate.purged_at = fetch.purged_at;
  if (by_tag.is_purged) fate.purged_at = std::max(fate.purged_at, by_tag.when);
  return fate;
}

bool Shard::try_place(const Incoming& incoming, Gone& gone) {
  StoredObject& object = incoming.object;
  Entry* const entry = get_entry(incoming.fetch);
  if (entry == nullptr) return false;
  if (!tags.try_link(object, incoming.tags)) {
    drop_if_empty(*entry);
    return false;
  }
  // Linked first, judged then: a purge notes itself first and goes through the links then, so that one of both sees it.
  const Fate fate = fate_of(incoming);
  fetches.remove(incoming.fetch);
  refused.drop(incoming.fetch.hash);
  // What a soft purge has caught gives way to what was fetched after it.
  if (fate.is_hard || (fate.is_soft && has_fresh_twin(*entry, object))) {
    tags.unlink(object);
    drop_if_empty(*entry);
    object.set_absent(NotStored::purged);
    object.move_charge(StoredObject::Charge::pinned);
    return true;
  }
  if (fate.is_soft) object.purge_softly(fate.purged_at);
  link(*entry, object, fate.is_soft);
  entry->backs_off_until = Time{};
  if (entry->variants > std::max(incoming.max_variants, 1U) && !has_twin(object)) {
    StoredObject* oldest = entry->newest;
    while (oldest->older != nullptr) oldest = oldest->older;
    remove(*oldest, Removed::variants, gone);
  }
  return true;
}

void Shard::settle(StoredObject& object, Time now, Gone& gone) {
  if (object.entry == nullptr) return;
  bool is_known = false;
  for (StoredObject* other = object.older; other != nullptr;) {
    StoredObject* const next = other->older;
    if (is_same_variant(*other, object)) {
      is_known = true;
      object.inherit(*other);
      remove(*other, Removed::replaced, gone);
    }
    other = next;
  }
  object.move_charge(StoredObject::Charge::stored);
  domain.add(object, is_known, now);
}

void Shard::remove(StoredObject& object, Removed why, Gone& gone) {
  if (object.entry == nullptr) return;
  tags.unlink(object);
  domain.remove(object);
  unlink(object);
  object.set_absent(absence_of(why));
  object.move_charge(StoredObject::Charge::pinned);
  Ledger::add(memory.ledger.removed[static_cast<std::size_t>(why)], 1);
  gone.add(object);
}

std::size_t Shard::purge_entry(Entry& entry, const Purging& purging, Gone& gone) {
  const std::size_t count = entry.variants;
  for (StoredObject* object = entry.newest; object != nullptr;) {
    StoredObject* const next = object->older;
    if (purging.how == Cache::Purge::soft)
      object->purge_softly(purging.now);
    else
      remove(*object, Removed::purged, gone);
    object = next;
  }
  return count;
}

std::size_t Shard::purge(std::string_view key, std::uint64_t hash, const Purging& purging) {
  Gone gone;
  const std::lock_guard lock(mutex);
  fetches.find(key, hash, [&](Fetch& fetch) {
    fetch.note_purge(purging.how, purging.now);
    return false;
  });
  Entry* const entry = find(key, hash);
  return entry == nullptr ? 0 : purge_entry(*entry, purging, gone);
}

}  // namespace shellac::cache
