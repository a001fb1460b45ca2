#include "cache/domain.hpp"

namespace shellac::cache {
namespace {

// Steps of the wheel in one call: some tens of microseconds under the lock.
constexpr int kWheelBudget = 1024;
// Objects that are being read, passed over for one victim.
constexpr int kHeldMax = 64;

}  // namespace

void Domain::add(StoredObject& object, bool is_known, Time now) {
  const std::lock_guard lock(mutex_);
  order_->add(object, is_known);
  wheel_.add(object, now);
  weight_.fetch_add(object.weight(), std::memory_order_relaxed);
}

void Domain::remove(StoredObject& object) {
  const std::lock_guard lock(mutex_);
  if (object.queue != 0) weight_.fetch_sub(object.weight(), std::memory_order_relaxed);
  order_->remove(object);
  wheel_.remove(object);
}

void Domain::touch_locked(StoredObject& object) {
  const std::lock_guard lock(mutex_);
  order_->touch(object);
}

std::size_t Domain::take_victims(std::uint64_t need, std::span<ObjectRef> out) {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  int held = 0;
  std::uint64_t weight = 0;
  while (count < out.size() && weight < need) {
    StoredObject* const victim = order_->take_victim();
    if (victim == nullptr) break;
    if (victim->is_held()) {
      order_->put_back(*victim);
      if (++held >= kHeldMax) break;
      continue;
    }
    wheel_.remove(*victim);
    weight += victim->weight();
    weight_.fetch_sub(victim->weight(), std::memory_order_relaxed);
    out[count++] = ObjectRef(victim);
  }
  return count;
}

Domain::Due Domain::take_due(std::span<ObjectRef> out, Time now) {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  int budget = kWheelBudget;
  while (count < out.size()) {
    StoredObject* const due = wheel_.take_due(now, budget);
    if (due == nullptr) return {count, budget <= 0};
    weight_.fetch_sub(due->weight(), std::memory_order_relaxed);
    order_->remove(*due);
    out[count++] = ObjectRef(due);
  }
  return {count, true};
}

}  // namespace shellac::cache
