#include "shellac/cache/fetch.hpp"

#include <utility>

#include "cache/fetch_state.hpp"
#include "shellac/core/bug.hpp"

namespace shellac::cache {

// REQUIRES: mutex_. Each is woken under the lock, so that a follower may die as soon as stop_waiting() has returned.
void Fetch::wake_all() noexcept {
  while (first_ != nullptr) {
    Follower& follower = *first_;
    first_ = follower.next_;
    follower.next_ = follower.previous_ = nullptr;
    std::exchange(follower.waiter_, nullptr)->wake();
  }
}

void Fetch::publish(ObjectRef answer, std::uint64_t tag_purge) {
  const std::lock_guard lock(mutex_);
  caught_by_ = tag_purge;
  published_ = std::move(answer);
  verdict_ = Verdict::published;
  wake_all();
}

void Fetch::fail(const Error& error) {
  const std::lock_guard lock(mutex_);
  error_ = error;
  verdict_ = Verdict::failed;
  wake_all();
}

void Fetch::end(Verdict verdict) {
  const std::lock_guard lock(mutex_);
  verdict_ = verdict;
  wake_all();
}

Verdict Fetch::ask(Follower& follower, Waiter& waiter) {
  const std::lock_guard lock(mutex_);
  if (verdict_ == Verdict::published && follower.tag_purges_ >= caught_by_) return Verdict::abandoned;
  if (verdict_ != Verdict::waiting) return verdict_;
  const bool waits = std::exchange(follower.waiter_, &waiter) != nullptr;
  if (waits) return Verdict::waiting;
  follower.previous_ = nullptr;
  follower.next_ = first_;
  if (first_ != nullptr) first_->previous_ = &follower;
  first_ = &follower;
  return Verdict::waiting;
}

void Fetch::stop_waiting(Follower& follower) noexcept {
  const std::lock_guard lock(mutex_);
  if (std::exchange(follower.waiter_, nullptr) == nullptr) return;
  if (follower.previous_ != nullptr)
    follower.previous_->next_ = follower.next_;
  else
    first_ = follower.next_;
  if (follower.next_ != nullptr) follower.next_->previous_ = follower.previous_;
  follower.next_ = follower.previous_ = nullptr;
}

Verdict Fetch::verdict() const {
  const std::lock_guard lock(mutex_);
  return verdict_;
}

ObjectRef Fetch::published() const {
  const std::lock_guard lock(mutex_);
  return published_;
}

Error Fetch::error() const {
  const std::lock_guard lock(mutex_);
  return error_;
}

Follower::Follower(Follower&& other) noexcept
    : fetch_(std::exchange(other.fetch_, nullptr)),
      tag_purges_(other.tag_purges_),
      counted_(std::exchange(other.counted_, false)) {
  // A link that moves would leave the fetch with a pointer to nowhere.
  if (fetch_ != nullptr && BUG_IF(other.waiter_ != nullptr, "cache/fetch")) fetch_->stop_waiting(other);
}

// What it waited for before is left, as if it had died.
Follower& Follower::operator=(Follower&& other) noexcept {
  Follower taken(std::move(other));
  stop_waiting();
  std::swap(fetch_, taken.fetch_);
  std::swap(counted_, taken.counted_);
  tag_purges_ = taken.tag_purges_;
  return *this;
}

Follower::~Follower() {
  if (fetch_ == nullptr) return;
  fetch_->stop_waiting(*this);
  if (counted_) fetch_->followers.fetch_sub(1, std::memory_order_relaxed);
  fetch_->release();
}

Verdict Follower::ask(Waiter& waiter) { return fetch_->ask(*this, waiter); }

void Follower::stop_waiting() noexcept {
  if (fetch_ != nullptr) fetch_->stop_waiting(*this);
}

ObjectRef Follower::object() const { return fetch_->published(); }

Error Follower::error() const { return fetch_->error(); }

Follower Leader::follow() const {
  fetch_->retain();
  return {fetch_, fetch_->tag_purges, false};
}

std::uint32_t Leader::followers() const { return fetch_->followers.load(std::memory_order_relaxed); }

const Object* Leader::object() const { return fetch_->object; }

NotStored Leader::not_stored() const { return fetch_->object == nullptr ? NotStored::none : fetch_->object->absent(); }

}  // namespace shellac::cache
