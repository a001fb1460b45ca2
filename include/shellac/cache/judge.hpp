// The four decisions of a cache (RFC 9111 §3, §4): may it be looked up, may it be stored, may it be used, may it be
// used although the origin fails.
#pragma once

#include <optional>

#include "shellac/cache/directives.hpp"
#include "shellac/cache/freshness.hpp"
#include "shellac/cache/policy.hpp"
#include "shellac/cache/reasons.hpp"
#include "shellac/cache/terms.hpp"
#include "shellac/core/error.hpp"
#include "shellac/http/message.hpp"
#include "shellac/http/range.hpp"

namespace shellac::cache {

// What is decided of a request before anything is looked up. Value; no views.
struct RequestJudgement {
  Bypass bypass = Bypass::none;
  bool only_if_cached = false;   // obeyed under every policy: a usable stored answer, else 504, nothing is fetched
  bool has_credentials = false;  // Authorization: only objects with Terms::for_credentials answer it
  bool collapses = true;  // false: neither leads for others nor waits for them; its answer may be stored all the same
  RequestDirectives directives;  // those that count under the policy; otherwise empty
};
// `edge_cookie`: the name of the route's sticky cookie, which plays no part; empty: none.
RequestJudgement judge_request(const Policy& policy, const http::RequestHead& request, std::string_view edge_cookie);

// Whether and how an answer is stored. Value; `unstored` points into the response.
struct Storing {
  NotStored why = NotStored::none;  // none: it is storable
  Terms terms;
  Lifetime lifetime_from = Lifetime::none;
  Duration remember{0};  // not storable: for how long others do not wait for fetches of this key (hit-for-miss)
  bool strip_set_cookie = false;  // also towards the client that asked
  boost::container::static_vector<std::string_view, 2 * kNamesMax>
      unstored;                             // no-cache="…", private="…": delivered once, and not stored
  std::optional<http::ContentRange> range;  // a 206
};
// `response` without hop-by-hop fields. Also for what a 304 has made of a stored response: `response` is the merged
// head then, with the stored status.
Storing judge_response(const Policy& policy, const http::RequestHead& request, const RequestJudgement& judged,
                       const http::ResponseHead& response, const ResponseTimes& times);
// RFC 9111 §3.3: a hit-for-miss lasts at most this long.
inline constexpr Duration kRememberMax = std::chrono::seconds(120);
Duration remember_for(NotStored why, int status);

// How a stored response may be used now.
enum class Use : std::uint8_t {
  no,        // not by this request (credentials): as if it were another variant
  fresh,     // answer with it
  grace,     // answer with it, and refresh it
  validate,  // ask the origin first, conditionally if it has a validator
};
// `age`: Terms::age() now. `soft_purged`: it counts as just past its lifetime; how long ago that was: `purged_for`.
struct StoredState {
  const Terms& terms;
  Duration age{0};
  std::optional<Duration> purged_for;
};
Use judge_use(const StoredState& stored, const RequestJudgement& request);
// Why judge_use() said validate, for Cache-Status: Miss::stale or Miss::request.
Miss reason_to_validate(const StoredState& stored, const RequestJudgement& request);
// Seconds of freshness that are left, for Cache-Status's ttl; below zero in grace.
Duration time_to_live(const StoredState& stored);

// RFC 5861 §4, RFC 9111 §4.2.4: may the stored response be served in place of this failure? Connect errors, timeouts
// and 500, 502, 503, 504 only.
bool may_serve_on_error(const StoredState& stored, const RequestJudgement& request, const Error& error);
bool may_serve_on_status(const StoredState& stored, const RequestJudgement& request, int status);

// RFC 9111 §4.4: a successful answer (2xx, 3xx) to an unsafe method makes what is stored under its target invalid.
bool invalidates(const http::RequestHead& request, int status);

}  // namespace shellac::cache
