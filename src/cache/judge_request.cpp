// May it be looked up (RFC 9111 §4)?
#include "cache/cookies.hpp"
#include "shellac/cache/judge.hpp"

namespace shellac::cache {
namespace {

using http::FieldId;
using http::Method;

// RFC 6265 §4.2.1. True when some cookie is neither ignored nor the edge's own.
bool has_cookie_that_counts(const Policy& policy, const http::Fields& fields, std::string_view edge_cookie) {
  bool counts = false;
  for_each_cookie(fields, [&](std::string_view name, std::string_view) {
    const bool is_edges = !edge_cookie.empty() && name == edge_cookie;
    counts |= !is_edges && !policy.ignores_cookie(name);
  });
  return counts;
}

}  // namespace

RequestJudgement judge_request(const Policy& policy, const http::RequestHead& request, std::string_view edge_cookie) {
  RequestJudgement judged;
  const RequestDirectives said = read_request_directives(request.fields);
  judged.only_if_cached = said.only_if_cached;
  if (policy.listens()) judged.directives = said;
  // Others could not use what comes back, nor could this one wait for what they get.
  judged.has_credentials = request.fields.has(FieldId::authorization);
  judged.collapses = !judged.has_credentials;
  if (request.known != Method::get && request.known != Method::head)
    judged.bypass = Bypass::method;
  else if (request.has_body())
    judged.bypass = Bypass::body;
  else if (!request.upgrade.empty())
    judged.bypass = Bypass::upgrade;
  else if (!policy.ignores_all_cookies() && has_cookie_that_counts(policy, request.fields, edge_cookie))
    judged.bypass = Bypass::cookie;
  else if (judged.directives.no_store)
    judged.bypass = Bypass::no_store;
  return judged;
}

bool invalidates(const http::RequestHead& request, int status) {
  return !http::is_safe(request.known) && status >= 200 && status < 400;
}

}  // namespace shellac::cache
