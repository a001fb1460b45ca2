#include "shellac/cache/object.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <new>

#include "cache/stored_object.hpp"

namespace shellac::cache {
namespace {

// The upper half of the numbers are seconds.
constexpr std::uint32_t kSeconds = 1U << 31;

// `up`: what the time is rounded to; ages up, so that nothing is younger for it.
std::uint32_t pack(Duration time, bool up) {
  using std::chrono::milliseconds, std::chrono::seconds;
  time = std::max(time, Duration{0});
  const auto count = [&](auto unit) {
    const auto whole = time / unit;
    return up && time % unit != Duration{0} ? whole + 1 : whole;
  };
  const auto fine = count(milliseconds(1));
  if (fine < kSeconds) return static_cast<std::uint32_t>(fine);
  return kSeconds | static_cast<std::uint32_t>(std::min<std::int64_t>(count(seconds(1)), kSeconds - 1));
}

Duration unpack_time(std::uint32_t packed) {
  if ((packed & kSeconds) == 0) return std::chrono::milliseconds(packed);
  return std::chrono::seconds(packed & ~kSeconds);
}

constexpr std::size_t kRange = 2 * sizeof(std::uint64_t);

std::size_t size_of_texts(const NewObject& object) {
  return object.lines.size() + object.etag.size() + object.vary_names.size() + object.variant.size() +
         (object.range_first ? kRange : 0);
}

std::size_t block_size(const NewObject& object) {
  return sizeof(StoredObject) + object.tags.size() * sizeof(TagLink) + size_of_texts(object);
}

char* append(char* to, std::string_view text) {
  if (!text.empty()) std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

}  // namespace

PackedTerms::PackedTerms(const Terms& terms)
    : initial_age_(pack(terms.initial_age, true)),
      lifetime_(pack(terms.lifetime, false)),
      grace_(pack(terms.grace, false)),
      stale_if_error_(pack(terms.stale_if_error, false)),
      keep_(pack(terms.keep, false)),
      flags_(static_cast<std::uint8_t>(terms.always_validate | terms.must_revalidate << 1 |
                                       terms.allow_stale_on_disconnect << 2 | terms.for_credentials << 3 |
                                       terms.allow_max_stale << 4)) {}

Terms PackedTerms::unpack() const {
  return {.initial_age = unpack_time(initial_age_),
          .lifetime = unpack_time(lifetime_),
          .grace = unpack_time(grace_),
          .stale_if_error = unpack_time(stale_if_error_),
          .keep = unpack_time(keep_),
          .always_validate = (flags_ & 1) != 0,
          .must_revalidate = (flags_ & 2) != 0,
          .allow_stale_on_disconnect = (flags_ & 4) != 0,
          .for_credentials = (flags_ & 8) != 0,
          .allow_max_stale = (flags_ & 16) != 0};
}

Object::Object(const NewObject& object, ContentRef content, std::size_t text_offset)
    : last_modified_(object.last_modified.value_or(WallTime::min())),
      content_(std::move(content)),
      terms_(object.terms),
      status_(static_cast<std::uint16_t>(object.status)),
      text_offset_(static_cast<std::uint16_t>(text_offset)),
      lines_size_(static_cast<std::uint16_t>(object.lines.size())),
      etag_size_(static_cast<std::uint16_t>(object.etag.size())),
      vary_size_(static_cast<std::uint16_t>(object.vary_names.size())),
      variant_size_(static_cast<std::uint16_t>(object.variant.size())),
      tags_(static_cast<std::uint16_t>(object.tags.size())),
      has_range_(object.range_first.has_value()) {}

std::optional<WallTime> Object::last_modified() const {
  if (last_modified_ == WallTime::min()) return std::nullopt;
  return last_modified_;
}

std::optional<std::uint64_t> Object::range(std::size_t index) const {
  if (!has_range_) return std::nullopt;
  std::array<std::uint64_t, 2> range{};
  const std::size_t texts = std::size_t{lines_size_} + etag_size_ + vary_size_ + variant_size_;
  std::memcpy(range.data(), text(texts, kRange).data(), kRange);
  if (range[index] == ~std::uint64_t{0}) return std::nullopt;
  return range[index];
}

std::optional<std::uint64_t> Object::range_first() const { return range(0); }
std::optional<std::uint64_t> Object::range_total() const { return range(1); }

// Another thread's `now` may lie a little before this object's.
Duration Object::age(Time now) const { return terms().age(std::max(now - stored_at_, Duration{0})); }

Duration Object::freshness_left(Time now) const {
  const Terms terms = this->terms();
  const Duration left = terms.lifetime - terms.age(std::max(now - stored_at_, Duration{0}));
  const Time::rep purged = purged_at_.load(std::memory_order_relaxed);
  if (purged == kNever) return left;
  return std::min({left, Time(Duration(purged)) - now, Duration{0}});
}

Time Object::useful_until() const {
  const Terms terms = this->terms();
  const auto after = [](Time from, Duration time) { return time < Time::max() - from ? from + time : Time::max(); };
  const Time natural = after(stored_at_, terms.usable());
  const Time::rep purged = purged_at_.load(std::memory_order_relaxed);
  if (purged == kNever) return natural;
  return std::min(natural, after(Time(Duration(purged)), std::max({terms.grace, terms.stale_if_error, terms.keep})));
}

void Object::destroy(const Object* object) noexcept {
  auto* const stored = static_cast<StoredObject*>(const_cast<Object*>(object));
  Memory& memory = stored->memory_;
  const std::uint32_t block = stored->block_;
  stored->move_charge(StoredObject::Charge::pinned);
  Ledger::take(memory.ledger.pinned, stored->weight());
  stored->~StoredObject();
  memory.pages.release(stored, block);
}

StoredObject::StoredObject(Memory& memory, std::uint32_t block, const NewObject& object, ContentRef content)
    : Object(object, std::move(content), sizeof(StoredObject) + object.tags.size() * sizeof(TagLink)),
      block_(block),
      memory_(memory) {
  Ledger::add(memory_.ledger.head, block_);
  // A content that is complete already has another object to answer for it.
  if (!content_->is_complete()) recharge();
}

// One octet less, so that each of its parts can be told in sixteen bits.
bool StoredObject::fits(const NewObject& object) { return block_size(object) < Pages::kBlockMax; }

StoredObject* StoredObject::try_make(Memory& memory, const NewObject& object, ContentRef content, Time now) {
  const std::size_t size = block_size(object);
  void* const block = memory.pages.try_allocate(size);
  if (block == nullptr) return nullptr;
  const auto rounded = static_cast<std::uint32_t>(Pages::rounded(size));
  auto* const made = new (block) StoredObject(memory, rounded, object, std::move(content));
  made->stored_at_ = now;
  std::uninitialized_default_construct(made->tags().begin(), made->tags().end());
  char* to = static_cast<char*>(block) + made->text_offset_;
  for (std::string_view text : {object.lines, object.etag, object.vary_names, object.variant}) to = append(to, text);
  if (!object.range_first) return made;
  const std::array range{*object.range_first, object.range_total.value_or(~std::uint64_t{0})};
  std::memcpy(to, range.data(), kRange);
  return made;
}

std::atomic<std::uint64_t>& StoredObject::account() const {
  switch (charge_) {
    case Charge::growing:
      return memory_.ledger.growing;
    case Charge::stored:
      return memory_.ledger.body;
    case Charge::pinned:
      break;
  }
  return memory_.ledger.pinned;
}

void StoredObject::recharge() {
  const std::uint64_t takes = content_->footprint().count;
  // Unsigned arithmetic wraps, so that a content that has shrunk is taken off.
  account().fetch_add(takes - charged_, std::memory_order_relaxed);
  charged_ = takes;
}

void StoredObject::move_charge(Charge to) {
  if (charge_ == to) return;
  Ledger::take(account(), charged_);
  charge_ = to;
  Ledger::add(account(), charged_);
  if (to != Charge::pinned) return;
  Ledger::take(memory_.ledger.head, block_);
  Ledger::add(memory_.ledger.pinned, block_);
}

void StoredObject::take_content_of(StoredObject& from) {
  Ledger::take(from.account(), from.charged_);
  from.charged_ = 0;
  recharge();
}

}  // namespace shellac::cache
