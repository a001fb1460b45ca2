// May it be stored (RFC 9111 §3), and on which terms?
#include <algorithm>

#include "shellac/cache/judge.hpp"
#include "shellac/cache/key.hpp"
#include "shellac/core/text.hpp"
#include "shellac/http/conditional.hpp"

namespace shellac::cache {
namespace {

using http::FieldId;
using http::Method;

struct Case {
  const Policy& policy;
  const http::RequestHead& request;
  const RequestJudgement& judged;
  const http::ResponseHead& response;
  const ResponseDirectives& said;
  const Freshness& freshness;
};

// RFC 9111 §3: a status whose caching behaviour we know.
bool is_understood(int status) { return http::reason_phrase(status) != "Unknown"; }

// RFC 9110 §9.3.3: an answer to POST that is what GET of its target would give.
bool is_for_get(const Case& c) {
  if (!c.policy.options().strict_rfc || c.request.known != Method::post || !c.freshness.is_explicit()) return false;
  const http::Field* const location = c.response.fields.find(FieldId::content_location);
  if (location == nullptr || c.response.status != 200) return false;
  const KeySource source{c.request.scheme, c.request.authority, c.request.path, c.request.query, nullptr};
  Arena arena;
  const auto key = key_of_reference(c.policy, source, location->value, arena);
  return key && *key == make_key(c.policy, source, arena);
}

// A part that can be placed: one range of a known whole, as long as it says (RFC 9110 §15.3.7).
std::optional<http::ContentRange> read_part(const Case& c) {
  if (c.response.fields.count(FieldId::content_range) != 1) return std::nullopt;
  const auto range = http::parse_content_range(c.response.fields.value(FieldId::content_range));
  if (!range || !range->range || !range->total) return std::nullopt;
  if (c.response.framing == http::Framing::length && c.response.content_length != range->range->size())
    return std::nullopt;
  return range;
}

bool names_set_cookie(const FieldNames& names) {
  return std::ranges::any_of(names, [](std::string_view name) { return iequals(name, "set-cookie"); });
}

bool varies_on_anything(const http::Fields& fields) {
  bool any = false;
  http::for_each_member(fields, FieldId::vary, [&](std::string_view name) {
    any |= name == "*";
    return !any;
  });
  return any;
}

// RFC 9111 §3.5.
bool allows_credentials(const ResponseDirectives& said) {
  return said.public_ || said.s_maxage || said.must_revalidate;
}

NotStored find_obstacle(const Case& c) {
  const int status = c.response.status;
  if (c.request.known != Method::get && !is_for_get(c)) return NotStored::method;
  if (status < 200 || status == 304 || (c.said.must_understand && !is_understood(status))) return NotStored::status;
  if (c.said.no_store && !c.said.must_understand) return NotStored::no_store;  // §5.2.2.3
  if (c.judged.directives.no_store) return NotStored::request_no_store;
  if (c.said.private_) return NotStored::private_;
  if (c.judged.has_credentials && !allows_credentials(c.said)) return NotStored::authorization;
  const PolicyOptions& options = c.policy.options();
  if (c.response.fields.has(FieldId::set_cookie) && !options.strict_rfc && !options.strip_set_cookie &&
      !names_set_cookie(c.said.no_cache_names) && !names_set_cookie(c.said.private_names))
    return NotStored::set_cookie;
  if (varies_on_anything(c.response.fields)) return NotStored::vary_any;
  const bool allowed = c.freshness.is_explicit() || c.said.public_ || is_heuristically_cacheable(status);
  return allowed ? NotStored::none : NotStored::status;
}

bool has_validator(const http::Fields& fields) {
  return fields.has(FieldId::etag) || fields.has(FieldId::last_modified);
}

Terms make_terms(const Case& c, Duration initial_age) {
  const PolicyOptions& options = c.policy.options();
  const ResponseDirectives& said = c.said;
  Terms terms;
  terms.initial_age = initial_age;
  terms.lifetime = c.freshness.lifetime;
  terms.always_validate = said.no_cache;
  terms.must_revalidate = said.must_revalidate || said.proxy_revalidate || said.no_cache;
  // §5.2.2.10: s-maxage implies proxy-revalidate, but what the answer itself grants counts.
  const bool shared = said.s_maxage.has_value();
  const bool ours = !terms.must_revalidate && !options.strict_rfc && (!shared || options.grace_over_s_maxage);
  if (!terms.must_revalidate) {
    const bool fresh_at_first = terms.lifetime > initial_age;
    terms.grace = said.stale_while_revalidate.value_or(ours && fresh_at_first ? options.grace : Duration{0});
    terms.stale_if_error = said.stale_if_error.value_or(ours ? options.stale_if_error : Duration{0});
  }
  terms.allow_stale_on_disconnect = options.strict_rfc && !terms.must_revalidate && !shared;
  terms.allow_max_stale = !terms.must_revalidate && !shared;
  terms.for_credentials = options.strict_rfc || allows_credentials(said);
  if (has_validator(c.response.fields) || terms.allow_stale_on_disconnect) terms.keep = options.keep;
  return terms;
}

// What nobody could ever be answered with is not worth its memory.
bool is_of_use(const Case& c, const Terms& terms) {
  const bool can_validate = has_validator(c.response.fields) && terms.keep > Duration{0};
  if (terms.always_validate) return can_validate;
  return can_validate || terms.lifetime > terms.initial_age || terms.grace > Duration{0} ||
         terms.stale_if_error > Duration{0};
}

}  // namespace

Duration remember_for(NotStored why, int status) {
  switch (why) {
    case NotStored::none:
    case NotStored::method:
    case NotStored::request_no_store:  // says nothing of other requests
    case NotStored::authorization:
    case NotStored::full:
    case NotStored::purged:
    case NotStored::min_uses:
    case NotStored::variants:
    case NotStored::broken:
      return Duration{0};
    default:
      // An error is likely to be over soon.
      return status >= 500 ? Duration(std::chrono::seconds(1)) : Duration(kRememberMax);
  }
}

Storing judge_response(const Policy& policy, const http::RequestHead& request, const RequestJudgement& judged,
                       const http::ResponseHead& response, const ResponseTimes& times) {
  const ResponseDirectives said = read_response_directives(response.fields);
  const ResponseDates dates = read_dates(response.fields, times.received);
  const Freshness freshness = freshness_of(policy, said, dates, response.status);
  const Case c{policy, request, judged, response, said, freshness};
  Storing storing;
  storing.lifetime_from = freshness.from;
  storing.why = find_obstacle(c);
  if (response.status == 206 && storing.why == NotStored::none) {
    storing.range = read_part(c);
    if (!storing.range) storing.why = NotStored::status;
  }
  if (storing.why == NotStored::none) {
    storing.terms = make_terms(c, corrected_initial_age(response.fields, dates, times));
    if (!is_of_use(c, storing.terms))
      storing.why = freshness.from == Lifetime::none ? NotStored::no_freshness : NotStored::uncacheable;
  }
  const PolicyOptions& options = policy.options();
  storing.strip_set_cookie = options.strip_set_cookie && !options.strict_rfc && storing.why == NotStored::none;
  storing.remember = remember_for(storing.why, response.status);
  for (const FieldNames* const names : {&said.no_cache_names, &said.private_names})
    for (const std::string_view name : *names)
      if (storing.unstored.size() < storing.unstored.capacity()) storing.unstored.push_back(name);
  return storing;
}

}  // namespace shellac::cache
