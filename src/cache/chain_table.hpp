// A hash table of nodes that lie elsewhere, in the cache's pages, that grows by one bucket at a time.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "cache/ledger.hpp"

namespace shellac::cache {

// Linear hashing: each addition beyond one node a bucket splits one bucket, so that none takes long. A Node has
// `Node* next` and `std::uint64_t hash`. Without memory for more buckets the chains grow longer.
// Thread: guarded by its owner's lock.
template <class Node>
class ChainTable {
 public:
  explicit ChainTable(Memory& memory) : memory_(memory) {}
  ChainTable(const ChainTable&) = delete;
  ChainTable& operator=(const ChainTable&) = delete;
  ~ChainTable() {
    for (std::size_t i = 0; i < segments_.size(); ++i) {
      memory_.pages.release(static_cast<void*>(segments_[i]), octets(i));
      Ledger::take(memory_.ledger.index, Pages::rounded(octets(i)));
    }
  }

  // The first node of that hash for which `is_it(node)` holds; null when there is none.
  template <class Test>
  Node* find(std::uint64_t hash, Test is_it) const {
    if (buckets_ == 0) return nullptr;
    Node* node = *bucket(place(hash));
    while (node != nullptr && !(node->hash == hash && is_it(*node))) node = node->next;
    return node;
  }

  // False: there is no memory for the first buckets.
  bool try_add(Node& node) {
    if (buckets_ == 0 && !try_begin()) return false;
    if (size_ >= buckets_) grow();
    push(place(node.hash), node);
    ++size_;
    return true;
  }

  // REQUIRES: the node is in the table.
  void remove(Node& node) {
    Node** at = bucket(place(node.hash));
    while (*at != &node) at = &(*at)->next;
    *at = node.next;
    --size_;
  }

  std::size_t size() const { return size_; }
  // Buckets 0 to bucket_count() - 1. A split moves nodes only to the last one, so that whoever goes through them in
  // order misses nothing.
  std::size_t bucket_count() const { return buckets_; }
  Node* first(std::size_t index) const { return *bucket(index); }

 private:
  // Segments of 64, 64, 128, … 4096 buckets, then of 8192 (a block of 64 KiB) each.
  static constexpr std::size_t kFirst = 64;
  static constexpr std::size_t kLarge = Pages::kBlockMax / sizeof(Node*);
  static constexpr std::size_t kSmallSegments = std::bit_width(kLarge / kFirst);

  static std::size_t segment_size(std::size_t segment) {
    if (segment == 0) return kFirst;
    return segment < kSmallSegments ? kFirst << (segment - 1) : kLarge;
  }
  static std::size_t octets(std::size_t segment) { return segment_size(segment) * sizeof(Node*); }

  Node** bucket(std::size_t index) const {
    if (index < kFirst) return &segments_[0][index];
    if (index >= kLarge) return &segments_[kSmallSegments + (index - kLarge) / kLarge][index % kLarge];
    const std::size_t segment = static_cast<std::size_t>(std::bit_width(index / kFirst));
    return &segments_[segment][index - (kFirst << (segment - 1))];
  }

  std::size_t place(std::uint64_t hash) const {
    const std::size_t index = hash & (2 * level_ - 1);
    return index < buckets_ ? index : hash & (level_ - 1);
  }

  void push(std::size_t index, Node& node) {
    Node** const at = bucket(index);
    node.next = *at;
    *at = &node;
  }

  bool try_add_segment() {
    const std::size_t size = octets(segments_.size());
    auto** const added = static_cast<Node**>(memory_.pages.try_allocate(size));
    if (added == nullptr) return false;
    Ledger::add(memory_.ledger.index, Pages::rounded(size));
    std::fill_n(added, size / sizeof(Node*), nullptr);
    room_ += segment_size(segments_.size());
    segments_.push_back(added);
    return true;
  }

  bool try_begin() {
    if (!try_add_segment()) return false;
    buckets_ = level_ = kFirst;
    return true;
  }

  void grow() {
    if (buckets_ == room_ && !try_add_segment()) return;
    Node* node = *bucket(buckets_ - level_);
    *bucket(buckets_ - level_) = nullptr;
    ++buckets_;
    while (node != nullptr) {
      Node* const next = node->next;
      push(place(node->hash), *node);
      node = next;
    }
    if (buckets_ == 2 * level_) level_ *= 2;
  }

  Memory& memory_;
  std::vector<Node**> segments_;
  std::size_t room_ = 0;     // buckets in all segments
  std::size_t buckets_ = 0;  // in use: level_ <= buckets_ < 2 * level_
  std::size_t level_ = 0;
  std::size_t size_ = 0;
};

}  // namespace shellac::cache
