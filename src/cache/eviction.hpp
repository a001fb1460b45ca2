// In which order objects go when room is needed.
#pragma once

#include <cstdint>
#include <memory>

#include "cache/stored_object.hpp"
#include "shellac/cache/cache.hpp"

namespace shellac::cache {

// The order of one eviction domain: of complete objects in the index. Guarded by the domain's mutex.
class EvictionOrder {
 public:
  virtual ~EvictionOrder() = default;
  // A newcomer; `is_known`: it takes the place of an object that was still wanted when it had become stale.
  virtual void add(StoredObject& object, bool is_known) = 0;
  // It has left the index. Does nothing when it is not in the order.
  virtual void remove(StoredObject& object) = 0;
  // A hit; only called when wants_touch().
  virtual void touch(StoredObject& object) = 0;
  virtual bool wants_touch() const = 0;
  // Whose turn it is to go, taken out of the order. Null: there is none. Bounded work.
  virtual StoredObject* take_victim() = 0;
  // A victim that is being read: it stays, as if it had just been asked for.
  virtual void put_back(StoredObject& object) = 0;
};

std::unique_ptr<EvictionOrder> make_s3_fifo(Memory& memory);
std::unique_ptr<EvictionOrder> make_lru();

// A list of objects by their links `in_queue`, with the sum of their weights. Guarded by the domain's mutex.
class ObjectQueue {
 public:
  // `id`: what StoredObject::queue says of its members.
  explicit ObjectQueue(std::uint8_t id) : id_(id) {}

  void push_front(StoredObject& object) {
    object.in_queue = {.previous = nullptr, .next = first_};
    (first_ != nullptr ? first_->in_queue.previous : last_) = &object;
    first_ = &object;
    object.queue = id_;
    weight_ += object.weight();
    ++size_;
  }

  // REQUIRES: it is in this queue, and weighs what it did when it came.
  void remove(StoredObject& object) {
    ListLink& link = object.in_queue;
    (link.previous != nullptr ? link.previous->in_queue.next : first_) = link.next;
    (link.next != nullptr ? link.next->in_queue.previous : last_) = link.previous;
    link = {};
    object.queue = 0;
    weight_ -= object.weight();
    --size_;
  }

  StoredObject* last() const { return last_; }
  bool has(const StoredObject& object) const { return object.queue == id_; }
  std::uint64_t weight() const { return weight_; }
  std::size_t size() const { return size_; }

 private:
  const std::uint8_t id_;
  StoredObject* first_ = nullptr;
  StoredObject* last_ = nullptr;
  std::uint64_t weight_ = 0;
  std::size_t size_ = 0;
};

}  // namespace shellac::cache
