// What a content needs only while it grows or slides.
#pragma once

#include "shellac/cache/content.hpp"
#include "shellac/cache/reader.hpp"

namespace shellac::cache {

// A block of its own in Pages, guarded by the content's mutex. It goes when the last reader that saw the body grow has
// moved on to the complete body, or left.
struct Content::Growth {
  Reader* readers = nullptr;  // most recent first
  std::uint32_t count = 0;    // of readers
  bool had_readers = false;
  bool has_slid = false;    // something of the window has been given up
  bool is_overrun = false;  // more octets came than were expected

  Waiter* writer = nullptr;  // waits for room for `needs` octets in the window
  std::size_t needs = 0;
  Waiter* watcher = nullptr;

  // Of a window: the least Reader::held_ and how many readers are there, so that finding the next least costs one look
  // at all of them per step of the slowest, not per pull.
  std::uint64_t slowest = 0;
  std::uint32_t at_slowest = 0;

  // The last extent before it was trimmed: views of it may be out.
  void* retired = nullptr;
  std::size_t retired_size = 0;

  Error error{};

  bool is_unread() const { return had_readers && count == 0; }

  void attach(Reader& reader, bool window);
  void detach(Reader& reader, bool window);
  // Of a window: the reader gives up what lies before its position.
  void advance(Reader& reader);
  void find_slowest();

 private:
  void leave(std::uint64_t held) {
    if (held == slowest && at_slowest != 0) --at_slowest;
  }
};

}  // namespace shellac::cache
