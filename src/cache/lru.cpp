// Least recently used: what S3-FIFO is compared with. A hit moves the object, and so takes the domain's lock.
#include "cache/eviction.hpp"

namespace shellac::cache {
namespace {

class Lru final : public EvictionOrder {
 public:
  void add(StoredObject& object, bool) override { queue_.push_front(object); }
  void remove(StoredObject& object) override {
    if (queue_.has(object)) queue_.remove(object);
  }
  void touch(StoredObject& object) override {
    if (!queue_.has(object)) return;
    queue_.remove(object);
    queue_.push_front(object);
  }
  bool wants_touch() const override { return true; }
  StoredObject* take_victim() override {
    StoredObject* const victim = queue_.last();
    if (victim != nullptr) queue_.remove(*victim);
    return victim;
  }
  void put_back(StoredObject& object) override { queue_.push_front(object); }

 private:
  ObjectQueue queue_{1};
};

}  // namespace

std::unique_ptr<EvictionOrder> make_lru() { return std::make_unique<Lru>(); }

}  // namespace shellac::cache
