// May a stored response be used now (RFC 9111 §4), or although the origin fails (§4.2.4, RFC 5861)?
#include <algorithm>

#include "shellac/cache/judge.hpp"

namespace shellac::cache {
namespace {

// How long it has been stale; nothing while it is fresh.
std::optional<Duration> stale_for(const StoredState& stored) {
  const Duration past = stored.age - stored.terms.lifetime;
  if (stored.purged_for) return std::max(past, *stored.purged_for);
  return past >= Duration{0} ? std::optional(past) : std::nullopt;
}

// RFC 9111 §5.2.1.1, §5.2.1.3.
bool is_too_old_for(const StoredState& stored, const RequestDirectives& wanted) {
  if (wanted.no_cache) return true;
  if (wanted.max_age && stored.age > *wanted.max_age) return true;
  return wanted.min_fresh && stored.terms.lifetime - stored.age < *wanted.min_fresh;
}

bool is_locked(const StoredState& stored, const RequestJudgement& request) {
  const Terms& terms = stored.terms;
  return terms.must_revalidate || terms.always_validate || request.directives.no_cache ||
         (request.has_credentials && !terms.for_credentials);
}

bool is_within_error_window(const StoredState& stored, const RequestJudgement& request) {
  const auto past = stale_for(stored);
  if (!past) return true;  // fresh: the request only wanted newer
  const Duration asked = request.directives.stale_if_error.value_or(Duration{0});
  return *past < std::max({stored.terms.stale_if_error, stored.terms.grace, asked});
}

// RFC 9111 §4.2.4: nothing came back from the origin.
bool is_disconnected(Cause cause) {
  switch (cause) {
    case Cause::closed:
    case Cause::reset:
    case Cause::timeout:
    case Cause::connect_refused:
    case Cause::connect_timeout:
    case Cause::unreachable:
    case Cause::dns:
    case Cause::no_backend:
      return true;
    default:
      return false;
  }
}

bool is_failure(Cause cause) {
  return is_disconnected(cause) || cause == Cause::tls || cause == Cause::tls_certificate;
}

}  // namespace

Use judge_use(const StoredState& stored, const RequestJudgement& request) {
  const Terms& terms = stored.terms;
  if (request.has_credentials && !terms.for_credentials) return Use::no;
  if (terms.always_validate || is_too_old_for(stored, request.directives)) return Use::validate;
  const auto past = stale_for(stored);
  if (!past) return Use::fresh;
  if (terms.must_revalidate) return Use::validate;
  if (*past < terms.grace) return Use::grace;
  // §5.2.1.2. What was purged is not merely stale.
  const auto& max_stale = request.directives.max_stale;
  if (max_stale && terms.allow_max_stale && !stored.purged_for && *past <= *max_stale) return Use::fresh;
  return Use::validate;
}

Miss reason_to_validate(const StoredState& stored, const RequestJudgement& request) {
  if (stored.terms.always_validate || stale_for(stored)) return Miss::stale;
  return is_too_old_for(stored, request.directives) ? Miss::request : Miss::stale;
}

Duration time_to_live(const StoredState& stored) {
  const auto past = stale_for(stored);
  return past ? -*past : stored.terms.lifetime - stored.age;
}

bool may_serve_on_error(const StoredState& stored, const RequestJudgement& request, const Error& error) {
  if (is_locked(stored, request)) return false;
  if (stored.terms.allow_stale_on_disconnect && is_disconnected(error.cause)) return true;
  return is_failure(error.cause) && is_within_error_window(stored, request);
}

bool may_serve_on_status(const StoredState& stored, const RequestJudgement& request, int status) {
  const bool fails = status == 500 || status == 502 || status == 503 || status == 504;
  return fails && !is_locked(stored, request) && is_within_error_window(stored, request);
}

}  // namespace shellac::cache
