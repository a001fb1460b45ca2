#include "cache/expiry_wheel.hpp"

#include <algorithm>

namespace shellac::cache {

// REQUIRES: size_ counts it already. Seconds that have passed go to the one that is being emptied.
void ExpiryWheel::hang(StoredObject& object) {
  constexpr std::int64_t kReach = std::int64_t{1} << (kBits * kLevels);
  // The second after the one in which it ends: never early.
  const std::int64_t due = std::clamp(second_of(object.useful_until()) + 1, current_, current_ + kReach - 1);
  int level = 0;
  while (due - current_ >= std::int64_t{1} << (kBits * (level + 1))) ++level;
  StoredObject*& first = slot_of(level, due);
  object.in_wheel = {.previous = nullptr, .next = first};
  if (first != nullptr) first->in_wheel.previous = &object;
  first = &object;
  const auto index = static_cast<std::uint16_t>((due >> (kBits * level)) & (kSlots - 1));
  object.slot = static_cast<std::uint16_t>(level * kSlots + index);
  occupied_[static_cast<std::size_t>(level)] |= std::uint64_t{1} << index;
}

void ExpiryWheel::add(StoredObject& object, Time now) {
  if (size_++ == 0) current_ = second_of(now);
  hang(object);
}

void ExpiryWheel::remove(StoredObject& object) {
  if (object.slot == StoredObject::kNoSlot) return;
  const std::size_t level = object.slot / kSlots;
  const std::size_t index = object.slot % kSlots;
  ListLink& link = object.in_wheel;
  (link.previous != nullptr ? link.previous->in_wheel.next : slots_[level][index]) = link.next;
  if (link.next != nullptr) link.next->in_wheel.previous = link.previous;
  link = {};
  object.slot = StoredObject::kNoSlot;
  if (slots_[level][index] == nullptr) occupied_[level] &= ~(std::uint64_t{1} << index);
  --size_;
}

// At the first second of a slot of a higher wheel, what hangs there moves to the lower ones. False: the budget is
// spent.
bool ExpiryWheel::try_cascade(int& budget) {
  for (int level = kLevels - 1; level > 0; --level) {
    if ((current_ & ((std::int64_t{1} << (kBits * level)) - 1)) != 0) continue;
    while (StoredObject* const object = slot_of(level, current_)) {
      if (budget-- <= 0) return false;
      remove(*object);
      ++size_;
      hang(*object);
    }
  }
  return true;
}

// Where something may happen next: seconds at which no slot can have anything are passed over. At most `last`.
std::int64_t ExpiryWheel::next_second(std::int64_t last) const {
  int level = 0;
  while (level < kLevels - 1 && occupied_[static_cast<std::size_t>(level)] == 0) ++level;
  const std::int64_t step = std::int64_t{1} << (kBits * level);
  return std::min(last, (current_ & ~(step - 1)) + step);
}

StoredObject* ExpiryWheel::take_due(Time now, int& budget) {
  const std::int64_t last = second_of(now);
  while (size_ != 0) {
    if (!try_cascade(budget)) return nullptr;
    if (StoredObject* const due = slot_of(0, current_)) {
      if (budget-- <= 0) return nullptr;
      remove(*due);
      return due;
    }
    if (current_ >= last || budget-- <= 0) return nullptr;
    current_ = next_second(last);
  }
  return nullptr;
}

}  // namespace shellac::cache
