#include "growth.hpp"

namespace shellac::cache {

void Content::Growth::attach(Reader& reader, bool window) {
  reader.next_ = readers;
  reader.previous_ = nullptr;
  if (readers != nullptr) readers->previous_ = &reader;
  readers = &reader;
  ++count;
  had_readers = true;
  if (window) find_slowest();
}

void Content::Growth::detach(Reader& reader, bool window) {
  (reader.previous_ != nullptr ? reader.previous_->next_ : readers) = reader.next_;
  if (reader.next_ != nullptr) reader.next_->previous_ = reader.previous_;
  --count;
  if (!window) return;
  leave(reader.held_);
  if (at_slowest == 0) find_slowest();
}

void Content::Growth::advance(Reader& reader) {
  if (reader.held_ == reader.position_) return;
  leave(reader.held_);
  reader.held_ = reader.position_;
  if (at_slowest == 0) find_slowest();
}

// A window that nobody has read yet keeps everything; one that everybody has left, nothing.
void Content::Growth::find_slowest() {
  slowest = had_readers ? kUnknown : 0;
  at_slowest = 0;
  for (const Reader* reader = readers; reader != nullptr; reader = reader->next_) {
    if (reader->held_ < slowest) {
      slowest = reader->held_;
      at_slowest = 0;
    }
    if (reader->held_ == slowest) ++at_slowest;
  }
}

}  // namespace shellac::cache
