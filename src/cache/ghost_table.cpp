#include "cache/ghost_table.hpp"

#include <algorithm>
#include <bit>
#include <span>

namespace shellac::cache {

void GhostTable::give_back() {
  for (Place* block : blocks_) {
    memory_.pages.release(block, octets(places_));
    Ledger::take(memory_.ledger.ghost, Pages::rounded(octets(places_)));
  }
  blocks_.clear();
  places_ = 0;
}

void GhostTable::set_reach(std::size_t reach) {
  reach_ = reach;
  if (reach <= places_) return;
  // Twice as many at a time, so that what is forgotten is small beside what will be remembered.
  const std::size_t places = std::bit_ceil(std::max<std::size_t>(reach, 16 * kWays));
  give_back();
  for (std::size_t taken = 0; taken < places; taken += kBlockPlaces) {
    auto* const block = static_cast<Place*>(memory_.pages.try_allocate(octets(places)));
    if (block == nullptr) break;
    std::fill_n(block, std::min(places, kBlockPlaces), Place{});
    Ledger::add(memory_.ledger.ghost, Pages::rounded(octets(places)));
    blocks_.push_back(block);
  }
  // Without memory for all of it, as much as a power of two allows.
  while (!std::has_single_bit(blocks_.size()) && !blocks_.empty()) {
    memory_.pages.release(blocks_.back(), octets(places));
    Ledger::take(memory_.ledger.ghost, Pages::rounded(octets(places)));
    blocks_.pop_back();
  }
  places_ = blocks_.size() * std::min(places, kBlockPlaces);
}

GhostTable::Place* GhostTable::set_of(std::uint64_t hash) const {
  const std::size_t first = (hash & (places_ / kWays - 1)) * kWays;
  return blocks_[first / kBlockPlaces] + first % kBlockPlaces;
}

void GhostTable::note(std::uint64_t hash) {
  if (places_ == 0) return;
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  const std::span places(set_of(hash), kWays);
  const auto age = [&](const Place& place) { return is_live(place) ? clock_ - place.noted : ~std::uint32_t{0}; };
  auto place = std::ranges::find(places, tag, &Place::tag);
  if (place == places.end()) place = std::ranges::max_element(places, {}, age);
  clock_ += clock_ == ~std::uint32_t{0} ? 2 : 1;
  *place = {tag, clock_};
}

bool GhostTable::take(std::uint64_t hash) {
  if (places_ == 0) return false;
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  for (Place& place : std::span(set_of(hash), kWays)) {
    if (place.tag != tag || !is_live(place)) continue;
    place = {};
    return true;
  }
  return false;
}

}  // namespace shellac::cache
