// What is known of one key: its text, once, and its variants.
#pragma once

#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>

#include "cache/ledger.hpp"
#include "cache/stored_object.hpp"
#include "shellac/core/units.hpp"

namespace shellac::cache {

// Lies in the pages with the key's text behind it; is there as long as it has objects. Guarded by the shard's mutex.
struct Entry {
  Entry* next = nullptr;  // in its bucket
  const std::uint64_t hash;
  StoredObject* newest = nullptr;
  Time backs_off_until{};  // after a failed fetch: what is stale is served without another
  const std::uint32_t key_size;
  std::uint32_t variants = 0;

  std::string_view key() const { return {reinterpret_cast<const char*>(this + 1), key_size}; }

  static bool fits(std::string_view key) { return sizeof(Entry) + key.size() <= Pages::kBlockMax; }
  // Null when there is no room. REQUIRES: the key fits in a block.
  static Entry* try_make(Memory& memory, std::string_view key, std::uint64_t hash) {
    const std::size_t size = sizeof(Entry) + key.size();
    void* const block = memory.pages.try_allocate(size);
    if (block == nullptr) return nullptr;
    auto* const entry = new (block) Entry{.hash = hash, .key_size = static_cast<std::uint32_t>(key.size())};
    if (!key.empty()) std::memcpy(static_cast<char*>(block) + sizeof(Entry), key.data(), key.size());
    Ledger::add(memory.ledger.head, Pages::rounded(size));
    return entry;
  }

  static void destroy(Memory& memory, Entry* entry) {
    const std::size_t size = sizeof(Entry) + entry->key_size;
    entry->~Entry();
    memory.pages.release(entry, size);
    Ledger::take(memory.ledger.head, Pages::rounded(size));
  }
};

}  // namespace shellac::cache
