#include "cache/mark_table.hpp"

#include <algorithm>
#include <span>

namespace shellac::cache {
namespace {

template <class Place>
Place* take_table(Memory& memory, std::size_t places) {
  auto* const table = static_cast<Place*>(memory.pages.try_allocate(places * sizeof(Place)));
  if (table == nullptr) return nullptr;
  std::fill_n(table, places, Place{});
  Ledger::add(memory.ledger.index, Pages::rounded(places * sizeof(Place)));
  return table;
}

template <class Place>
void give_table(Memory& memory, Place* table, std::size_t places) {
  if (table == nullptr) return;
  memory.pages.release(table, places * sizeof(Place));
  Ledger::take(memory.ledger.index, Pages::rounded(places * sizeof(Place)));
}

}  // namespace

MarkTable::~MarkTable() { give_table(memory_, table_, marks_); }

MarkTable::Mark* MarkTable::set_of(std::uint64_t hash) const { return table_ + (hash & (marks_ / kWays - 1)) * kWays; }

bool MarkTable::has(std::uint64_t hash, Time now) const {
  if (table_ == nullptr) return false;
  return std::ranges::any_of(std::span(set_of(hash), kWays), [&](const Mark& mark) {
    return mark.hash == hash && mark.until > now.time_since_epoch().count();
  });
}

void MarkTable::set(std::uint64_t hash, Time until) {
  if (table_ == nullptr) table_ = take_table<Mark>(memory_, marks_);
  if (table_ == nullptr) return;
  const std::span places(set_of(hash), kWays);
  auto place = std::ranges::find(places, hash, &Mark::hash);
  if (place == places.end()) place = std::ranges::min_element(places, {}, &Mark::until);
  *place = {hash, until.time_since_epoch().count()};
}

void MarkTable::drop(std::uint64_t hash) {
  if (table_ == nullptr) return;
  for (Mark& mark : std::span(set_of(hash), kWays))
    if (mark.hash == hash) mark = {};
}

UseCounts::~UseCounts() { give_table(memory_, table_, places_); }

UseCounts::Place* UseCounts::set_of(std::uint64_t hash) const {
  return table_ + (hash & (places_ / kWays - 1)) * kWays;
}

void UseCounts::count(std::uint64_t hash) {
  if (table_ == nullptr) table_ = take_table<Place>(memory_, places_);
  if (table_ == nullptr) return;
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  const std::span places(set_of(hash), kWays);
  for (Place& place : places) {
    if (place.uses == 0 || place.tag != tag) continue;
    place.uses = std::min(place.uses + 1, 255U);
    return;
  }
  for (Place& place : places) {
    if (place.uses != 0) continue;
    place = {tag, 1};
    return;
  }
  for (Place& place : places) --place.uses;
  for (Place& place : places) {
    if (place.uses != 0) continue;
    place = {tag, 1};
    return;
  }
}

std::uint32_t UseCounts::get(std::uint64_t hash) const {
  if (table_ == nullptr) return 0;
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  for (const Place& place : std::span(set_of(hash), kWays))
    if (place.uses != 0 && place.tag == tag) return place.uses;
  return 0;
}

}  // namespace shellac::cache
