// Ranges of octets (RFC 9110 §14): what a request asks for, what an answer holds. Pure.
#pragma once

#include <boost/container/static_vector.hpp>
#include <cstdint>
#include <optional>
#include <string_view>

#include "shellac/core/arena.hpp"
#include "shellac/core/units.hpp"
#include "shellac/http/conditional.hpp"
#include "shellac/http/fields.hpp"

namespace shellac::http {

// Positions of octets, both inclusive. Value.
struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::uint64_t size() const { return last - first + 1; }
  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

// One range as it is asked for: first-last, first-, or the last `last` octets (no `first`).
struct RangeSpec {
  std::optional<std::uint64_t> first;
  std::optional<std::uint64_t> last;
  bool is_suffix() const { return !first; }
  friend bool operator==(const RangeSpec&, const RangeSpec&) = default;
};

// More ranges than this in one request are abuse, and the field is ignored (RFC 9110 §14.2, §17.15).
inline constexpr std::size_t kRangesMax = 16;
using RangeSet = boost::container::static_vector<RangeSpec, kRangesMax>;

// The request's Range. Nothing when it is absent or to be ignored: malformed, another unit than bytes (any case), more
// than one line, too many ranges.
std::optional<RangeSet> parse_range(const Fields& request);

struct RangeSelection {
  enum class Kind : std::uint8_t {
    whole,          // answer 200 with everything: the ranges overlap so much that they ask for more than there is
    partial,        // answer 206 with `ranges` in the order asked for
    unsatisfiable,  // answer 416 with Content-Range: bytes */LENGTH
  };
  Kind kind = Kind::whole;
  boost::container::static_vector<ByteRange, kRangesMax> ranges;
};
// RFC 9110 §14.1.2, §14.4. What can be satisfied of them is; an empty representation satisfies none.
RangeSelection select_ranges(const RangeSet& asked, std::uint64_t length);

// If-Range (RFC 9110 §13.1.5): true when it is absent or names the current representation: the same strong entity tag,
// or exactly its Last-Modified, if that is strong (`date`, the answer's Date, is at least a second later; §8.8.2.2).
bool is_range_wanted(const Fields& request, const Validators& current, std::optional<WallTime> date, WallTime now);

// Content-Range (§14.4). Value.
struct ContentRange {
  std::optional<ByteRange> range;      // absent: "bytes */N", of a 416
  std::optional<std::uint64_t> total;  // absent: "*", not known
  friend bool operator==(const ContentRange&, const ContentRange&) = default;
};
// Nothing when malformed, of another unit, or impossible (last before first, last not before total).
std::optional<ContentRange> parse_content_range(std::string_view text);
std::string_view write_content_range(const ContentRange& range, Arena& arena);

// The parts of multipart/byteranges (§14.6). A body is: for each range its head and its octets; then the end.
struct MultipartForm {
  std::string_view boundary;      // chosen by the caller: 1 to 70 letters and digits
  std::string_view content_type;  // of the representation; empty: none is written
  std::optional<std::uint64_t> total;
};
std::string_view write_multipart_type(std::string_view boundary, Arena& arena);  // the answer's Content-Type
std::string_view write_part_head(const MultipartForm& form, const ByteRange& range, Arena& arena);
std::string_view write_multipart_end(std::string_view boundary, Arena& arena);
// The whole body's size.
std::uint64_t multipart_size(const MultipartForm& form, const RangeSelection& selection);

}  // namespace shellac::http
