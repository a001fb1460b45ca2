// S3-FIFO (Yang, Zhang, Qiu, Yue, Vigfusson: "FIFO queues are all you need for cache eviction", SOSP 2023), by octets:
// newcomers pass through a small queue; what was asked for again meanwhile goes on to the main queue, the rest leaves
// only its hash. What comes back while its hash is remembered goes to the main queue at once. A hit moves nothing.
#include <algorithm>

#include "cache/entry.hpp"
#include "cache/eviction.hpp"
#include "cache/ghost_table.hpp"

namespace shellac::cache {
namespace {

class S3Fifo final : public EvictionOrder {
 public:
  explicit S3Fifo(Memory& memory) : ghost_(memory) {}

  void add(StoredObject& object, bool is_known) override {
    ghost_.set_reach(small_.size() + main_.size());
    object.set_uses(0);
    if (ghost_.take(object.entry->hash) || is_known)
      main_.push_front(object);
    else
      small_.push_front(object);
  }

  void remove(StoredObject& object) override {
    if (small_.has(object)) small_.remove(object);
    if (main_.has(object)) main_.remove(object);
  }

  void touch(StoredObject&) override {}
  bool wants_touch() const override { return false; }
  void put_back(StoredObject& object) override { main_.push_front(object); }

  StoredObject* take_victim() override {
    for (int moved = 0; moved < kMovesMax; ++moved) {
      StoredObject* const victim = is_small_over() ? from_small() : from_main();
      if (victim != nullptr) return victim;
      if (small_.last() == nullptr && main_.last() == nullptr) return nullptr;
    }
    // Everything is asked for all the time: the oldest goes.
    ObjectQueue& queue = main_.last() != nullptr ? main_ : small_;
    StoredObject* const victim = queue.last();
    queue.remove(*victim);
    return victim;
  }

 private:
  // Moves between queues for one victim; the lock is held meanwhile.
  static constexpr int kMovesMax = 256;
  // Of all octets, how many hundredths the small queue may have.
  static constexpr std::uint64_t kSmallShare = 10;
  static constexpr std::uint8_t kPromotingUses = 1;

  bool is_small_over() const {
    return main_.last() == nullptr || small_.weight() * 100 > (small_.weight() + main_.weight()) * kSmallShare;
  }

  // Null when the oldest has moved on to the main queue, or there is none.
  StoredObject* from_small() {
    StoredObject* const oldest = small_.last();
    if (oldest == nullptr) return nullptr;
    small_.remove(*oldest);
    if (oldest->uses() >= kPromotingUses && !oldest->is_soft_purged()) {
      oldest->set_uses(0);
      main_.push_front(*oldest);
      return nullptr;
    }
    ghost_.note(oldest->entry->hash);
    return oldest;
  }

  // Null when the oldest was asked for since it was last here, or there is none.
  StoredObject* from_main() {
    StoredObject* const oldest = main_.last();
    if (oldest == nullptr) return nullptr;
    main_.remove(*oldest);
    if (const std::uint8_t uses = oldest->uses(); uses > 0 && !oldest->is_soft_purged()) {
      oldest->set_uses(static_cast<std::uint8_t>(uses - 1));
      main_.push_front(*oldest);
      return nullptr;
    }
    return oldest;
  }

  ObjectQueue small_{1};
  ObjectQueue main_{2};
  GhostTable ghost_;
};

}  // namespace

std::unique_ptr<EvictionOrder> make_s3_fifo(Memory& memory) { return std::make_unique<S3Fifo>(memory); }

}  // namespace shellac::cache
