#include "shellac/cache/freshness.hpp"

#include <algorithm>

#include "shellac/core/text.hpp"
#include "shellac/http/date.hpp"

namespace shellac::cache {

using http::FieldId;

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
  const Duration apparent = std::max<Duration>(times.received - dates.date, Duration{0});
  const Duration delay = std::max<Duration>(times.received - times.requested, Duration{0});
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
    const Duration lifetime = dates.expires ? *dates.expires - dates.date : Duration{0};
    return {Lifetime::expires, std::clamp(lifetime, Duration{0}, kDeltaMax)};
  }
  const PolicyOptions& options = policy.options();
  // RFC 9111 §4.2.2, §5.2.2.9: `public` says that what has no explicit freshness may be stored as well.
  if (!is_heuristically_cacheable(status) && !said.public_) return {};
  if ((options.strict_rfc || options.heuristic) && dates.last_modified && *dates.last_modified < dates.date)
    return {Lifetime::heuristic, std::min<Duration>((dates.date - *dates.last_modified) / 10, kHeuristicMax)};
  if (options.strict_rfc) return {};
  if (status == 404 || status == 410) return {Lifetime::negative, options.negative_ttl};
  if (options.default_ttl > Duration{0}) return {Lifetime::by_default, options.default_ttl};
  return {};
}

}  // namespace shellac::cache
