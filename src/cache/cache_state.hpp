// What is behind Cache.
#pragma once

#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "cache/fetch_state.hpp"
#include "cache/stored_object.hpp"
#include "shellac/cache/cache.hpp"
#include "shellac/cache/pages.hpp"

namespace shellac::cache {

struct Entry {
  std::vector<StoredObject*> variants;  // newest first; each holds a reference
  std::vector<Fetch*> fetches;          // under way
  Time backs_off_until{};
  Time refused_until{};
};

struct Cache::State {
  explicit State(Bytes memory) : pages(memory) {}

  // REQUIRES: the mutex.
  void unlist(Fetch& fetch);
  bool drop(StoredObject& object, NotStored why);
  void insert(Fetch& fetch, StoredObject& object);
  void abandon(Fetch& fetch);
  std::size_t purge_entry(Entry& entry, Purge how, Time now);

  Pages pages;
  mutable std::mutex mutex;
  std::unordered_map<std::string, Entry> entries;
};

}  // namespace shellac::cache
