// Upkeep: making room, expiry, another size.
#include <algorithm>
#include <bit>
#include <utility>

#include "cache/cache_state.hpp"

namespace shellac::cache {
namespace {

// Of the pages that a body takes, so much at most goes to its books and to rounding: an eighth.
constexpr std::uint64_t kBookShare = 8;

constexpr std::size_t kBatch = 32;
// Batches of one eviction, on a worker.
constexpr int kEvictionBatches = 64;
// Batches of what is due in one domain: on a worker that needs room, and on the control thread.
constexpr int kDueBatches = 4;
constexpr int kExpiryBatches = 256;

constexpr std::uint64_t kDomainsMax = 8;

std::size_t domains_for(const Cache::Setting& setting) {
  if (setting.domains != 0) return std::min<std::size_t>(setting.domains, kDomainsMax);
  // With less memory the parts would hold too few objects for their order to mean much.
  const std::uint64_t fits = setting.memory.count / (std::uint64_t{64} << 20);
  return static_cast<std::size_t>(std::bit_floor(std::clamp<std::uint64_t>(fits, 1, kDomainsMax)));
}

// Hit-for-miss marks of one shard: a thousandth of the memory, 16 octets each, at most one block.
std::size_t marks_for(Bytes memory) {
  const std::uint64_t octets = memory.count / 1024 / 64;
  return std::bit_floor(std::clamp<std::uint64_t>(octets, 512, Pages::kBlockMax) / 16);
}

std::unique_ptr<EvictionOrder> make_order(Eviction kind, Memory& memory) {
  return kind == Eviction::lru ? make_lru() : make_s3_fifo(memory);
}

void note_age(Ledger& ledger, Duration age) {
  const double seconds = std::chrono::duration<double>(std::max(age, Duration{0})).count();
  const auto bucket = std::ranges::lower_bound(kEvictionAgeBounds, seconds) - kEvictionAgeBounds.begin();
  Ledger::add(ledger.eviction_ages[static_cast<std::size_t>(bucket)], 1);
  Ledger::add(ledger.eviction_age_ms, static_cast<std::uint64_t>(seconds * 1000));
}

}  // namespace

Cache::State::State(const Setting& setting) : memory(setting.memory), tags(memory, key_hash) {
  for (std::size_t i = 0; i < domains_for(setting); ++i)
    domains.push_back(std::make_unique<Domain>(make_order(setting.eviction, memory)));
  const Shard::Shared shared{memory, tags, tag_purges, marks_for(setting.memory)};
  for (std::size_t i = 0; i < kShards; ++i)
    shards.push_back(std::make_unique<Shard>(shared, *domains[i % domains.size()]));
}

// The heaviest domain gives first; one whose objects are all being read has nothing to give.
std::size_t Cache::State::take_victims(std::uint64_t need, std::span<ObjectRef> out) const {
  std::array<std::pair<std::uint64_t, Domain*>, kDomainsMax> by_weight;
  for (std::size_t i = 0; i < domains.size(); ++i) by_weight[i] = {domains[i]->weight(), domains[i].get()};
  const std::span all = std::span(by_weight).first(domains.size());
  std::ranges::sort(all, std::ranges::greater{}, &std::pair<std::uint64_t, Domain*>::first);
  for (const auto& [weight, domain] : all)
    if (const std::size_t count = domain->take_victims(need, out)) return count;
  return 0;
}

std::uint64_t Cache::State::drop(StoredObject& object, Removed why) {
  Shard& shard = *shards[object.shard];
  Gone gone;
  const std::lock_guard lock(shard.mutex);
  shard.remove(object, why, gone);
  return object.weight();
}

// The references that `objects` hold are let go of.
std::uint64_t Cache::State::drop_all(std::span<ObjectRef> objects, Removed why, Time now) {
  std::uint64_t weight = 0;
  for (ObjectRef& ref : objects) {
    auto& object = *static_cast<StoredObject*>(const_cast<Object*>(ref.get()));
    if (why == Removed::size) note_age(memory.ledger, now - object.stored_at());
    weight += drop(object, why);
    ref.reset();
  }
  return weight;
}

std::uint64_t Cache::State::drop_due(Domain& domain, Time now, int batches) {
  std::array<ObjectRef, kBatch> objects;
  std::uint64_t weight = 0;
  for (Domain::Due due{.more = true}; due.more && batches > 0; --batches) {
    due = domain.take_due(objects, now);
    weight += drop_all(std::span(objects).first(due.count), Removed::expired, now);
  }
  return weight;
}

bool Cache::State::evict(std::uint64_t need, Time now) {
  std::uint64_t freed = 0;
  const std::int64_t second = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
  if (swept_second.exchange(second, std::memory_order_relaxed) != second)
    for (const auto& domain : domains) freed += drop_due(*domain, now, kDueBatches);
  std::array<ObjectRef, kBatch> victims;
  for (int batch = 0; batch < kEvictionBatches && freed < need; ++batch) {
    const std::size_t count = take_victims(need - freed, victims);
    if (count == 0) break;
    freed += drop_all(std::span(victims).first(count), Removed::size, now);
  }
  return freed > 0;
}

void Cache::expire(Time now) {
  for (const auto& domain : state_->domains) state_->drop_due(*domain, now, kExpiryBatches);
}

void Cache::set_memory(Bytes memory, Time now) {
  Pages& pages = state_->memory.pages;
  pages.set_cap(memory);
  while (pages.used() > memory && state_->evict(pages.used().count - memory.count, now)) {
  }
}

bool Cache::make_room(Bytes need, Time now) {
  Pages& pages = state_->memory.pages;
  return state_->with_room(need.count, now, [&] { return pages.available() >= need; });
}

bool Cache::try_promise(Bytes need, Time now) {
  const std::uint64_t before = state_->promised.fetch_add(need.count, std::memory_order_relaxed);
  // Rounding and books cost a little, too.
  if (make_room({before + need.count + need.count / kBookShare}, now)) return true;
  keep_promise(need);
  return false;
}

void Cache::keep_promise(Bytes kept) { state_->promised.fetch_sub(kept.count, std::memory_order_relaxed); }

Pages& Cache::pages() { return state_->memory.pages; }

}  // namespace shellac::cache
