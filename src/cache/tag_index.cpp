#include "cache/tag_index.hpp"

#include <cstring>
#include <new>

namespace shellac::cache {

std::vector<std::unique_ptr<TagIndex::Part>> TagIndex::make_parts(Memory& memory) {
  std::vector<std::unique_ptr<Part>> parts;
  parts.reserve(kParts);
  for (std::size_t i = 0; i < kParts; ++i) parts.push_back(std::make_unique<Part>(memory));
  return parts;
}

Tag* TagIndex::find(Part& part, std::string_view text, std::uint64_t hash) {
  return part.tags.find(hash, [&](const Tag& tag) { return tag.text() == text; });
}

bool TagIndex::try_link_one(StoredObject& object, TagLink& link, std::string_view text) {
  const std::uint64_t hash = hash_(text);
  Part& part = part_of(hash);
  const std::lock_guard lock(part.mutex);
  Tag* tag = find(part, text, hash);
  if (tag == nullptr) {
    const std::size_t size = sizeof(Tag) + text.size();
    void* const block = size > Pages::kBlockMax ? nullptr : memory_.pages.try_allocate(size);
    if (block == nullptr) return false;
    tag = new (block) Tag{.hash = hash, .size = static_cast<std::uint32_t>(text.size())};
    if (!text.empty()) std::memcpy(static_cast<char*>(block) + sizeof(Tag), text.data(), text.size());
    if (!part.tags.try_add(*tag)) {
      memory_.pages.release(block, size);
      return false;
    }
    Ledger::add(memory_.ledger.index, Pages::rounded(size));
  }
  link = {.object = &object, .tag = tag, .next = tag->first};
  if (tag->first != nullptr) tag->first->previous = &link;
  tag->first = &link;
  return true;
}

// `link.tag` is written under its shard's mutex, which the caller holds, and read by others only by way of the list.
void TagIndex::unlink_one(TagLink& link) {
  if (link.tag == nullptr) return;
  Tag& tag = *link.tag;
  Part& part = part_of(tag.hash);
  const std::lock_guard lock(part.mutex);
  if (link.previous != nullptr)
    link.previous->next = link.next;
  else
    tag.first = link.next;
  if (link.next != nullptr) link.next->previous = link.previous;
  link = {};
  if (tag.first != nullptr) return;
  part.tags.remove(tag);
  const std::size_t size = sizeof(Tag) + tag.size;
  tag.~Tag();
  memory_.pages.release(&tag, size);
  Ledger::take(memory_.ledger.index, Pages::rounded(size));
}

bool TagIndex::try_link(StoredObject& object, std::span<const std::string_view> tags) {
  const std::span<TagLink> links = object.tags();
  for (std::size_t i = 0; i < tags.size(); ++i) {
    if (try_link_one(object, links[i], tags[i])) continue;
    unlink(object);
    return false;
  }
  return true;
}

void TagIndex::unlink(StoredObject& object) {
  for (TagLink& link : object.tags()) unlink_one(link);
}

// Calls visit(object) for those of the tag until it returns false; under the lock of the tag's part.
template <class Visit>
void TagIndex::for_each_of(std::string_view tag, Visit visit) {
  const std::uint64_t hash = hash_(tag);
  Part& part = part_of(hash);
  const std::lock_guard lock(part.mutex);
  const Tag* const found = find(part, tag, hash);
  if (found == nullptr) return;
  for (const TagLink* link = found->first; link != nullptr; link = link->next)
    if (!visit(*link->object)) return;
}

// What is in a list is in the index or about to be, and holds a reference for it until it has left the list.
std::size_t TagIndex::take(std::string_view tag, std::span<ObjectRef> out) {
  std::size_t count = 0;
  for_each_of(tag, [&](StoredObject& object) {
    if (count == out.size()) return false;
    out[count++] = ObjectRef(&object);
    return true;
  });
  return count;
}

std::size_t TagIndex::purge_softly(std::string_view tag, Time now) {
  std::size_t count = 0;
  for_each_of(tag, [&](StoredObject& object) {
    object.purge_softly(now);
    ++count;
    return true;
  });
  return count;
}

}  // namespace shellac::cache
