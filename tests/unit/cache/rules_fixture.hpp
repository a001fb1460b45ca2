// What the tables of the rules are made of: fields and heads from few words, at a made-up time.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shellac/cache/judge.hpp"
#include "shellac/http/date.hpp"
#include "shellac/http/message.hpp"

namespace shellac::cache {

using Lines = std::vector<std::pair<std::string_view, std::string_view>>;
using std::chrono::seconds;

inline http::Fields fields_of(const Lines& lines) {
  http::Fields fields;
  for (const auto& [name, value] : lines) fields.add(name, value);
  return fields;
}

inline constexpr std::string_view kNow = "Sun, 06 Nov 1994 08:49:37 GMT";
inline constexpr std::string_view kHourAgo = "Sun, 06 Nov 1994 07:49:37 GMT";
inline constexpr std::string_view kHourAhead = "Sun, 06 Nov 1994 09:49:37 GMT";
inline WallTime now() { return *http::parse_date(kNow, {}); }

inline http::RequestHead request_of(const Lines& lines, std::string_view method = "GET") {
  http::RequestHead head;
  head.method = method;
  head.known = http::parse_method(method);
  head.scheme = "http";
  head.authority = "a.example";
  head.path = "/p";
  head.fields = fields_of(lines);
  return head;
}

inline http::ResponseHead response_of(const Lines& lines, int status = 200) {
  http::ResponseHead head;
  head.status = status;
  head.fields = fields_of(lines);
  return head;
}

inline PolicyOptions strict() {
  PolicyOptions options;
  options.strict_rfc = true;
  return options;
}

inline Storing judge(const PolicyOptions& options, const Lines& response, int status = 200, const Lines& request = {},
                     std::string_view method = "GET") {
  const Policy policy(options);
  const http::RequestHead head = request_of(request, method);
  return judge_response(policy, head, judge_request(policy, head, {}), response_of(response, status), {now(), now()});
}

}  // namespace shellac::cache
