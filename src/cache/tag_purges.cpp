#include "cache/tag_purges.hpp"

#include <algorithm>

namespace shellac::cache {

void TagPurges::note(std::uint64_t tag, Purge how, Time now) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t count = count_.load(std::memory_order_relaxed);
  const Note note{tag, now, how};
  if (notes_.size() < kRemembered)
    notes_.push_back(note);
  else
    notes_[count % kRemembered] = note;
  count_.store(count + 1, std::memory_order_release);
}

TagPurges::Verdict TagPurges::judge(std::span<const std::uint64_t> tags, std::uint64_t since) const {
  if (tags.empty()) return {};
  const std::lock_guard lock(mutex_);
  const std::uint64_t count = count_.load(std::memory_order_relaxed);
  if (count - since > kRemembered) return {.is_purged = true, .how = Purge::hard, .first = since + 1};
  Verdict verdict = {};
  for (std::uint64_t i = since; i < count; ++i) {
    const Note& note = notes_[i % kRemembered];
    if (std::ranges::find(tags, note.tag) == tags.end()) continue;
    if (!verdict.is_purged) verdict.first = i + 1;
    verdict.is_purged = true;
    verdict.when = note.when;
    if (note.how == Purge::hard) verdict.how = Purge::hard;
  }
  return verdict;
}

}  // namespace shellac::cache
