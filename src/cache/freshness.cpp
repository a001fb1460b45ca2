#include "shellac/cache/freshness.hpp"

#include <algorithm>

#include "shellac/core/text.hpp"
#include "shellac/http/date.hpp"

namespace shellac::cache {

using http::FieldId;

namespace {

// `to` - `from` within [0, kDeltaMax]. Dates may lie five centuries apart, which no Duration holds.
Duration time_from(WallTime from, WallTime to) {
  if (to <= from) return Duration{0};
  Duration::rep span = 0;
  if (__builtin_sub_overflow(Duration(to.time_since_epoch()).count(), Duration(from.time_since_epoch()).count(), &span))
    return kDeltaMax;
  return std::min(Duration(span), kDeltaMax);
}

}  // namespace

std::optional<Duration> read_age(const http::Fields& response) {
  std::string_view first;
  http::for_each_member(response, FieldId::age, [&](std::string_view member) {
    first = member;
    return false;
  });
  // A parameter is none of Age's, but the number in front of it is what its sender means.
  return parse_delta_seconds(trim(first.substr(0, first.find(';'))));
}

ResponseDates read_dates(const http::Fields& response, WallTime received) {
  ResponseDates dates;
  const auto date = http::parse_date(response.value(FieldId::date), received);
  dates.has_date = date.has_value();
  dates.date = date.value_or(received);
  dates.last_modified = http::parse_date(response.value(FieldId::last_modified), received);
  dates.has_expires = response.has(FieldId::expires);
  // RFC 9111 §5.3: several lines are no date.
  if (response.count(FieldId::expires) == 1)
    dates.expires = http::parse_date(response.value(FieldId::expires), received);
  return dates;
}

Duration corrected_initial_age(const http::Fields& response, const ResponseDates& dates, const ResponseTimes& times) {
  const Duration apparent = time_from(dates.date, times.received);
  const Duration delay = time_from(times.requested, times.received);
  return std::min(std::max(apparent, read_age(response).value_or(Duration{0}) + delay), kDeltaMax);
}

bool is_heuristically_cacheable(int status) {
  constexpr int kStatuses[] = {200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501};
  return std::ranges::find(kStatuses, status) != std::end(kStatuses);
}

Freshness freshness_of(const Policy& policy, const ResponseDirectives& said, const ResponseDates& dates, int status) {
  if (said.s_maxage) return {Lifetime::s_maxage, *said.s_maxage};
  if (said.max_age) return {Lifetime::max_age, *said.max_age};
  // RFC 9213 §2.2: a targeted field takes the place of Expires, too.
  if (dates.has_expires && !said.is_targeted()) {
    return {Lifetime::expires, dates.expires ? time_from(dates.date, *dates.expires) : Duration{0}};
  }
  const PolicyOptions& options = policy.options();
  // RFC 9111 §4.2.2, §5.2.2.9: `public` says that what has no explicit freshness may be stored as well.
  if (!is_heuristically_cacheable(status) && !said.public_) return {};
  if ((options.strict_rfc || options.heuristic) && dates.last_modified && *dates.last_modified < dates.date)
    return {Lifetime::heuristic, std::min(time_from(*dates.last_modified, dates.date) / 10, Duration(kHeuristicMax))};
  if (options.strict_rfc) return {};
  if (status == 404 || status == 410) return {Lifetime::negative, options.negative_ttl};
  if (options.default_ttl > Duration{0}) return {Lifetime::by_default, options.default_ttl};
  return {};
}

}  // namespace shellac::cache
