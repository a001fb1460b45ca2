#include "shellac/http/range.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include "shellac/core/text.hpp"
#include "shellac/http/date.hpp"

namespace shellac::http {
namespace {

constexpr std::string_view kUnit = "bytes";

// What does not fit in 64 bits is beyond every representation.
std::optional<std::uint64_t> parse_position(std::string_view text) {
  if (text.empty() || !std::ranges::all_of(text, is_digit)) return std::nullopt;
  return parse_unsigned(text).value_or(std::numeric_limits<std::uint64_t>::max());
}

// RFC 9110 §14.1.1: int-range or suffix-range.
std::optional<RangeSpec> parse_spec(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == text.npos) return std::nullopt;
  const std::string_view before = text.substr(0, dash), after = text.substr(dash + 1);
  const RangeSpec spec{parse_position(before), parse_position(after)};
  if (!spec.last && !after.empty()) return std::nullopt;
  if (before.empty()) return spec.last ? std::optional(spec) : std::nullopt;
  if (!spec.first) return std::nullopt;
  if (spec.last && *spec.last < *spec.first) return std::nullopt;
  return spec;
}

std::optional<ByteRange> resolve(const RangeSpec& spec, std::uint64_t length) {
  if (spec.is_suffix()) {
    const std::uint64_t size = std::min(*spec.last, length);
    if (size == 0) return std::nullopt;
    return ByteRange{length - size, length - 1};
  }
  if (*spec.first >= length) return std::nullopt;
  return ByteRange{*spec.first, std::min(spec.last.value_or(length - 1), length - 1)};
}

// `bytes a-b/N` into `out`, which has room for three numbers.
constexpr std::size_t kContentRangeMax = 80;
std::size_t put_content_range(const ContentRange& range, char* out) {
  char* const end = out + kContentRangeMax;
  char* at = std::ranges::copy(kUnit, out).out;
  *at++ = ' ';
  if (range.range) {
    at = std::to_chars(at, end, range.range->first).ptr;
    *at++ = '-';
    at = std::to_chars(at, end, range.range->last).ptr;
  } else {
    *at++ = '*';
  }
  *at++ = '/';
  if (range.total)
    at = std::to_chars(at, end, *range.total).ptr;
  else
    *at++ = '*';
  return static_cast<std::size_t>(at - out);
}

constexpr std::string_view kPartOpen = "\r\n--";
constexpr std::string_view kPartType = "\r\nContent-Type: ";
constexpr std::string_view kPartRange = "\r\nContent-Range: ";
constexpr std::string_view kPartEnd = "\r\n\r\n";
constexpr std::string_view kBodyEnd = "--\r\n";

}  // namespace

std::optional<RangeSet> parse_range(const Fields& request) {
  if (request.count(FieldId::range) != 1) return std::nullopt;
  const std::string_view text = request.value(FieldId::range);
  const std::size_t equals = text.find('=');
  if (equals == text.npos || !iequals(trim(text.substr(0, equals)), kUnit)) return std::nullopt;
  RangeSet set;
  bool good = true;
  for_each_member(text.substr(equals + 1), [&](std::string_view member) {
    const auto spec = parse_spec(member);
    good = spec && set.size() < set.capacity();
    if (good) set.push_back(*spec);
    return good;
  });
  if (!good || set.empty()) return std::nullopt;
  return set;
}

RangeSelection select_ranges(const RangeSet& asked, std::uint64_t length) {
  RangeSelection selection{.kind = RangeSelection::Kind::unsatisfiable, .ranges = {}};
  std::uint64_t left = length;
  for (const RangeSpec& spec : asked) {
    const auto range = resolve(spec, length);
    if (!range) continue;
    if (range->size() > left) {
      // RFC 9110 §14.2: ranges that repeat the representation are a way to make much of little.
      return {.kind = RangeSelection::Kind::whole, .ranges = {}};
    }
    left -= range->size();
    selection.kind = RangeSelection::Kind::partial;
    selection.ranges.push_back(*range);
  }
  return selection;
}

bool is_range_wanted(const Fields& request, const Validators& current, std::optional<WallTime> date, WallTime now) {
  const std::size_t lines = request.count(FieldId::if_range);
  if (lines != 1) return lines == 0;
  const std::string_view wanted = request.value(FieldId::if_range);
  if (wanted.starts_with('"') || wanted.starts_with("W/")) return is_strong_match(wanted, current.etag);
  const auto when = parse_date(wanted, now);
  if (!when || !current.last_modified) return false;
  const WallTime modified = std::chrono::floor<std::chrono::seconds>(*current.last_modified);
  return *when == modified && date && *date >= modified + std::chrono::seconds(1);
}

std::optional<ContentRange> parse_content_range(std::string_view text) {
  const std::size_t space = text.find(' ');
  if (space == text.npos || !iequals(text.substr(0, space), kUnit)) return std::nullopt;
  text = trim(text.substr(space));
  const std::size_t slash = text.find('/');
  if (slash == text.npos) return std::nullopt;
  const std::string_view range = text.substr(0, slash), total = text.substr(slash + 1);
  ContentRange result{.range = {}, .total = parse_unsigned(total)};
  if (!result.total && total != "*") return std::nullopt;
  if (range == "*") return result.total ? std::optional(result) : std::nullopt;
  const std::size_t dash = range.find('-');
  if (dash == range.npos) return std::nullopt;
  const auto first = parse_unsigned(range.substr(0, dash)), last = parse_unsigned(range.substr(dash + 1));
  if (!first || !last || *last < *first || *last - *first == std::numeric_limits<std::uint64_t>::max())
    return std::nullopt;
  if (result.total && *last >= *result.total) return std::nullopt;
  result.range = ByteRange{*first, *last};
  return result;
}

std::string_view write_content_range(const ContentRange& range, Arena& arena) {
  char text[kContentRangeMax];
  return arena.copy({text, put_content_range(range, text)});
}

std::string_view write_multipart_type(std::string_view boundary, Arena& arena) {
  return arena.concat({"multipart/byteranges; boundary=", boundary});
}

std::string_view write_part_head(const MultipartForm& form, const ByteRange& range, Arena& arena) {
  char text[kContentRangeMax];
  const std::size_t size = put_content_range({range, form.total}, text);
  const bool typed = !form.content_type.empty();
  return arena.concat({kPartOpen, form.boundary, typed ? kPartType : std::string_view{}, form.content_type, kPartRange,
                       std::string_view(text, size), kPartEnd});
}

std::string_view write_multipart_end(std::string_view boundary, Arena& arena) {
  return arena.concat({kPartOpen, boundary, kBodyEnd});
}

std::uint64_t multipart_size(const MultipartForm& form, const RangeSelection& selection) {
  char text[kContentRangeMax];
  std::uint64_t size = kPartOpen.size() + form.boundary.size() + kBodyEnd.size();
  for (const ByteRange& range : selection.ranges) {
    size += kPartOpen.size() + form.boundary.size() + kPartRange.size() + kPartEnd.size() + range.size();
    size += put_content_range({range, form.total}, text);
    if (!form.content_type.empty()) size += kPartType.size() + form.content_type.size();
  }
  return size;
}

}  // namespace shellac::http
