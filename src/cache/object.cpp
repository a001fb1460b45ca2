#include "shellac/cache/object.hpp"

#include <algorithm>
#include <cstring>
#include <new>

#include "cache/stored_object.hpp"

namespace shellac::cache {
namespace {

std::size_t text_size(const NewObject& object) {
  return object.lines.size() + object.etag.size() + object.vary_names.size() + object.variant.size();
}

char* append(char* to, std::string_view text) {
  if (!text.empty()) std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

}  // namespace

Object::Object(const NewObject& object, ContentRef content, Time now, const char* text)
    : status_(static_cast<std::uint16_t>(object.status)),
      etag_size_(static_cast<std::uint16_t>(object.etag.size())),
      lines_size_(static_cast<std::uint32_t>(object.lines.size())),
      vary_size_(static_cast<std::uint32_t>(object.vary_names.size())),
      variant_size_(static_cast<std::uint32_t>(object.variant.size())),
      text_(text),
      content_(std::move(content)),
      stored_at_(now),
      terms_(object.terms),
      last_modified_(object.last_modified.value_or(WallTime::min())),
      range_first_(object.range_first.value_or(kNoRange)),
      range_total_(object.range_total.value_or(kNoRange)) {}

std::optional<WallTime> Object::last_modified() const {
  if (last_modified_ == WallTime::min()) return std::nullopt;
  return last_modified_;
}

std::optional<std::uint64_t> Object::range_first() const {
  if (range_first_ == kNoRange) return std::nullopt;
  return range_first_;
}

std::optional<std::uint64_t> Object::range_total() const {
  if (range_total_ == kNoRange) return std::nullopt;
  return range_total_;
}

// Made-up clocks and clocks of other threads may lie a little before the object's own time.
Duration Object::age(Time now) const { return terms_.age(std::max(now - stored_at_, Duration{0})); }

Duration Object::freshness_left(Time now) const {
  const Duration left = terms_.lifetime - age(now);
  const Time::rep purged = purged_at_.load(std::memory_order_relaxed);
  if (purged == kNever) return left;
  return std::min(left, Time(Duration(purged)) - now);
}

Time Object::useful_until() const {
  const Time::rep purged = purged_at_.load(std::memory_order_relaxed);
  const Duration usable = terms_.usable();
  const Time natural = usable < Time::max() - stored_at_ ? stored_at_ + usable : Time::max();
  if (purged == kNever) return natural;
  const Duration beyond = std::max({terms_.grace, terms_.stale_if_error, terms_.keep});
  const Time at(Duration{purged});
  return std::min(natural, beyond < Time::max() - at ? at + beyond : Time::max());
}

void Object::destroy(const Object* object) noexcept {
  auto* const stored = static_cast<StoredObject*>(const_cast<Object*>(object));
  Pages& pages = stored->pages_;
  const std::size_t block_size = stored->block_size_;
  stored->~StoredObject();
  pages.release(stored, block_size);
}

StoredObject::StoredObject(Pages& pages, std::size_t block_size, const NewObject& object, ContentRef content, Time now)
    : Object(object, std::move(content), now, reinterpret_cast<const char*>(this + 1)),
      pages_(pages),
      block_size_(block_size) {}

StoredObject* StoredObject::try_make(Pages& pages, const NewObject& object, ContentRef content, Time now) {
  const std::size_t block_size = sizeof(StoredObject) + text_size(object);
  if (block_size > Pages::kBlockMax || object.etag.size() > UINT16_MAX) return nullptr;
  void* const block = pages.try_allocate(block_size);
  if (block == nullptr) return nullptr;
  auto* const made = new (block) StoredObject(pages, block_size, object, std::move(content), now);
  char* to = reinterpret_cast<char*>(made + 1);
  for (std::string_view text : {object.lines, object.etag, object.vary_names, object.variant}) to = append(to, text);
  return made;
}

}  // namespace shellac::cache
