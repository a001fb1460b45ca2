// Cache-Control and its relatives as values (RFC 9111 §5.2, RFC 5861, RFC 8246, RFC 9213).
#pragma once

#include <boost/container/static_vector.hpp>
#include <cstdint>
#include <optional>
#include <string_view>

#include "shellac/core/units.hpp"
#include "shellac/http/fields.hpp"

namespace shellac::cache {

// RFC 9111 §1.2.2: what does not fit becomes this.
inline constexpr Duration kDeltaMax = std::chrono::seconds(std::int64_t{1} << 31);
// delta-seconds: digits only; larger than kDeltaMax becomes that. Nothing when malformed (sign, fraction, empty).
std::optional<Duration> parse_delta_seconds(std::string_view text);

// RFC 9111 §5.2.1. Value. Where a directive stands twice, the stricter one counts.
struct RequestDirectives {
  bool no_cache = false;
  bool no_store = false;
  bool only_if_cached = false;
  std::optional<Duration> max_age;
  std::optional<Duration> min_fresh;
  std::optional<Duration> max_stale;  // kDeltaMax when it stands without a number
  std::optional<Duration> stale_if_error;
};
// Pragma: no-cache counts where there is no Cache-Control (RFC 9111 §5.4).
RequestDirectives read_request_directives(const http::Fields& request);

// Field names of no-cache="…" and private="…". Over `kNamesMax` of them are taken for the directive without names.
inline constexpr std::size_t kNamesMax = 16;
using FieldNames = boost::container::static_vector<std::string_view, kNamesMax>;

// RFC 9111 §5.2.2. Value; names point into the response's fields.
struct ResponseDirectives {
  // Which field spoke: the first of these that is there and can be read; the others and Expires do not count then.
  enum class Source : std::uint8_t { none, cdn_cache_control, surrogate_control, cache_control };
  Source source = Source::none;
  bool no_store = false;
  bool no_cache = false;  // without names
  bool private_ = false;  // without names
  bool public_ = false;
  bool must_revalidate = false;
  bool proxy_revalidate = false;
  bool must_understand = false;
  bool immutable = false;
  std::optional<Duration> max_age;   // malformed, or twice with different values: the strictest, 0 (§4.2.1)
  std::optional<Duration> s_maxage;  // likewise
  std::optional<Duration> stale_while_revalidate;
  std::optional<Duration> stale_if_error;
  FieldNames no_cache_names, private_names;

  bool is_targeted() const { return source == Source::cdn_cache_control || source == Source::surrogate_control; }
};
// CDN-Cache-Control (RFC 9213) before Surrogate-Control before Cache-Control. The first two are structured fields: one
// that cannot be read counts as absent, and so does a member of the wrong type. CDN-Cache-Control is passed on,
// Surrogate-Control is for this edge alone and is taken out of the answer; it counts only when it tells a lifetime or
// no-store, for it may also announce other things (content="ESI/1.0") or speak to other edges.
ResponseDirectives read_response_directives(const http::Fields& response);

}  // namespace shellac::cache
