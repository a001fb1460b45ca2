#include "multipart_body.hpp"

namespace shellac::proxy {

http::Pull MultipartBody::try_next(std::size_t max, Waiter& waiter) {
  if (reader_done_) reader_.reset();  // nobody looks at its octets any more
  reader_done_ = false;
  if (!reader_) {
    const bool more = next_ < ranges_.ranges.size();
    if (more) {
      const http::ByteRange range = ranges_.ranges[next_++];
      text_ = http::write_part_head(form_, range, arena_);
      reader_.emplace(content_, cache::Reader::Span{range.first, range.last});
    } else {
      text_ = http::write_multipart_end(form_.boundary, arena_);
    }
    return {more ? http::Pull::State::more : http::Pull::State::end, {&text_, 1}, {}};
  }
  http::Pull pull = reader_->try_next(max, waiter);
  if (pull.state != http::Pull::State::end) return pull;
  reader_done_ = true;
  if (pull.size() == 0) return try_next(max, waiter);
  pull.state = http::Pull::State::more;
  return pull;
}

}  // namespace shellac::proxy
