// The octets of a stored body while they arrive and afterwards.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "shellac/cache/pages.hpp"
#include "shellac/cache/small_mutex.hpp"
#include "shellac/core/error.hpp"
#include "shellac/core/waiter.hpp"

namespace shellac::cache {

class Content;
class Reader;

// Counted reference. The content (and its memory) goes with the last one. Value. Thread: as a shared_ptr.
class ContentRef {
 public:
  ContentRef() = default;
  ContentRef(const ContentRef& other) noexcept;
  ContentRef(ContentRef&& other) noexcept : content_(std::exchange(other.content_, nullptr)) {}
  ContentRef& operator=(ContentRef other) noexcept {
    std::swap(content_, other.content_);
    return *this;
  }
  ~ContentRef();

  explicit operator bool() const { return content_ != nullptr; }
  Content* operator->() const { return content_; }
  Content& operator*() const { return *content_; }
  Content* get() const { return content_; }
  friend bool operator==(const ContentRef&, const ContentRef&) = default;

 private:
  friend class Content;
  explicit ContentRef(Content* content) : content_(content) {}  // takes over the first reference
  Content* content_ = nullptr;
};

// A body in extents of at most 64 KiB, all of its memory in Pages, itself included. One writer appends until finish()
// or fail(), one of which it must call; after finish() it is immutable and read without a lock. Objects (several after
// a 304), readers (reader.hpp) and the writer hold it.
// Thread: try_append(), finish(), fail() and become_window() are the writer's, one at a time; everything else any.
class Content {
 public:
  // The whole body in memory, readers anywhere; or a sliding window for a body that is not stored: appending stops at
  // kWindow octets ahead of the slowest reader, and what all readers have passed is given up.
  enum class Mode : std::uint8_t { stored, window };
  static constexpr std::size_t kWindow = 256 * 1024;
  static constexpr std::size_t kAppendMax = 64 * 1024;

  // `expected`: the length when it is known; extents are made to fit. Null when there is no memory for the bookkeeping
  // (and for a small body of known length, which lies beside it).
  static ContentRef make(Pages& pages, Mode mode, std::optional<std::uint64_t> expected);
  Content(const Content&) = delete;
  Content& operator=(const Content&) = delete;

  enum class Append : std::uint8_t {
    done,
    wait,       // the window is full: the writer is woken when a reader has moved or the last one has left
    no_memory,  // make room and try again, or become_window()
    unread,     // a window whose readers have all left: nobody wants the rest
  };
  // All of `octets` (at most kAppendMax) or nothing of it. Octets past `expected` are dropped, and finish() says so.
  Append try_append(std::string_view octets, Waiter& writer);
  // Forgets the waiter of try_append().
  void stop_waiting(Waiter& writer) noexcept;
  // `watcher` is woken when a window loses its last reader, whatever the writer waits for; null forgets it.
  void watch(Waiter* watcher) noexcept;
  // From now on a window. Readers that are there go on; a new one may open until something has been given up.
  void become_window();
  // The end. Trims the last extent. False: `expected` was not reached or was passed; then it has failed.
  bool finish();
  // The transfer broke: readers that have not had everything they want fail with `error`.
  void fail(const Error& error);

  // Octets so far.
  std::uint64_t size() const { return size_.load(std::memory_order_acquire); }
  // The length, once it is known: told to make(), or complete.
  std::optional<std::uint64_t> expected() const;
  // finish() has been called and it is whole.
  bool is_complete() const { return phase() == Phase::complete; }
  bool has_failed() const { return phase() == Phase::failed; }
  bool is_window() const { return window_.load(std::memory_order_relaxed); }
  // A window that nobody reads any more.
  bool is_unread() const;
  // Readers that opened it while it grew, and have not noticed its end yet.
  std::uint32_t readers() const;
  // What it takes of the pages, rounding included. What several objects share is counted by each who asks.
  Bytes footprint() const { return {footprint_.load(std::memory_order_relaxed)}; }

 private:
  friend class ContentRef;
  friend class Reader;
  struct Growth;
  enum class Phase : std::uint8_t { growing, complete, failed };
  static constexpr std::uint64_t kUnknown = ~std::uint64_t{0};

  // All extents but the last are full. An extent ends where the next begins, the last at `capacity_end`.
  struct Extent {
    char* data;
    std::uint64_t begin;
  };

  // Beyond kTableMax entries they lie in several tables, and `entries` is the table of those (room for 128 GiB).
  static constexpr std::uint32_t kTableMax = Pages::kBlockMax / sizeof(Extent);
  static constexpr std::uint32_t kTables = 512;
  struct Table {
    Extent* entries;
    std::uint32_t room;
  };

  Content(Pages& pages, Mode mode, std::uint64_t expected);
  ~Content() = default;
  void destroy() noexcept;
  Phase phase() const { return phase_.load(std::memory_order_acquire); }

  // Complete and not a window: nothing changes any more, and no lock is needed. (The phase is stored last.)
  bool is_settled() const { return phase() == Phase::complete && !is_window(); }

  // These REQUIRE the lock, or a settled content.
  const Extent& extent(std::uint32_t index) const { return const_cast<Content*>(this)->extent(index); }
  Extent& extent(std::uint32_t index) {
    if (!has_table_) return single_;
    return table_.room <= kTableMax ? table_.entries[index] : deep_extent(index);
  }
  Extent& deep_extent(std::uint32_t index) const;
  std::uint32_t find_extent(std::uint64_t position) const;
  std::size_t capacity(std::uint32_t index) const;

  static std::size_t fitted(std::uint64_t rest);
  static std::uint64_t count_fitted(std::uint64_t rest);
  void* take_block(std::size_t size) noexcept;
  void give_block(void* block, std::size_t size) noexcept;
  std::size_t next_extent(std::size_t needed) const;
  bool try_add_extent(std::size_t needed);
  bool try_grow_table();
  bool try_deepen_table();
  void drop_table();
  void drop_extents(std::uint32_t first);
  Append reserve(std::size_t octets);
  void fill(std::string_view octets);
  void slide();
  void trim();
  void end(Phase phase);
  void wake_readers();
  void advance(Reader& reader);
  void let_go(Reader& reader);
  void drop_growth();

  Pages& pages_;
  std::atomic<std::uint64_t> size_{0};
  std::atomic<std::uint64_t> footprint_{0};
  const std::uint64_t expected_;    // kUnknown
  std::uint64_t capacity_end_ = 0;  // where the last extent ends
  Growth* growth_ = nullptr;        // while it grows or anybody who saw it grow reads; of a window to the end
  union {
    Extent single_;  // the usual body has one
    Table table_;    // has_table_
  };
  std::atomic<std::uint32_t> references_{1};
  mutable SmallMutex mutex_;  // guards growth_, the extents and what Growth holds, until complete
  std::uint32_t extents_ = 0;
  std::atomic<Phase> phase_{Phase::growing};
  std::atomic<bool> window_;
  bool has_table_ = false;
  bool is_beside_ = false;  // the only extent lies in the block of the content itself
};

}  // namespace shellac::cache
