#include "explain_cache.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "cache_view.hpp"
#include "shellac/cache/judge.hpp"
#include "shellac/cache/key.hpp"
#include "shellac/http/date.hpp"

namespace shellac::edge {
namespace {

namespace json = boost::json;

// Answers as backends give them. The judge of the daemon decides about each, so that the table cannot say anything else
// than what will happen.
struct Sample {
  int status;
  std::string_view cache_control, extra_name, extra_value;
};
constexpr auto kSamples = std::to_array<Sample>({
    {200, "", "", ""},
    {200, "max-age=60", "", ""},
    {200, "s-maxage=60", "", ""},
    {200, "max-age=60", "Set-Cookie", "id=1"},
    {200, "no-cache", "ETag", "\"1\""},
    {200, "private, max-age=60", "", ""},
    {200, "max-age=60, public", "", ""},
    {404, "", "", ""},
    {500, "", "", ""},
});

std::string describe(const Sample& sample) {
  std::string text = std::to_string(sample.status);
  if (!sample.cache_control.empty()) text.append(", Cache-Control: ").append(sample.cache_control);
  if (!sample.extra_name.empty()) text.append(", ").append(sample.extra_name);
  return text;
}

std::string or_dash(Duration duration) { return duration <= Duration{0} ? "-" : to_string(duration); }

json::object judge(const cache::Policy& policy, const ExplainedRequest& request, const cache::RequestJudgement& judged,
                   const Sample& sample) {
  const WallTime now = std::chrono::system_clock::now();
  http::ResponseHead response;
  response.status = sample.status;
  if (!sample.cache_control.empty()) response.fields.add("Cache-Control", sample.cache_control);
  if (!sample.extra_name.empty()) response.fields.add(sample.extra_name, sample.extra_value);
  const auto storing = cache::judge_response(policy, request.head, judged, response, {now, now});
  json::object row{{"answer", describe(sample)},
                   {"stored", storing.why == cache::NotStored::none},
                   {"why", storing.why == cache::NotStored::none ? "" : to_string(storing.why)}};
  const bool stored = storing.why == cache::NotStored::none;
  row["fresh"] = stored ? or_dash(storing.terms.lifetime) : "-";
  row["grace"] = stored ? or_dash(storing.terms.grace) : "-";
  row["stale_if_error"] = stored ? or_dash(storing.terms.stale_if_error) : "-";
  row["keep"] = stored ? or_dash(storing.terms.keep) : "-";
  return row;
}

}  // namespace

void explain_cache(const Options& config, const route::Route& route, const ExplainedRequest& request,
                   std::string_view edge_cookie, json::object& out) {
  const std::string& name = config.routes[route.index].cache;
  const auto options = std::ranges::find(config.cache.policies, name, &cache::PolicyOptions::name);
  if (name.empty() || options == config.cache.policies.end()) {
    out["cache"] = json::object{{"policy", "off"}};
    return;
  }
  const cache::Policy policy(*options);
  const auto judged = cache::judge_request(policy, request.head, edge_cookie);
  const bool passes = judged.bypass != cache::Bypass::none;
  json::object view{{"policy", name}, {"looked_up", !passes}};
  if (passes) {
    view["why"] = to_string(judged.bypass);
    out["cache"] = std::move(view);
    return;
  }
  const cache::KeySource source{request.head.scheme, request.head.authority,
                                request.forms.get(route.normalize_path).value_or(request.forms.raw()),
                                request.head.query, &request.head.fields};
  view["key"] = shown_key(cache::make_key(policy, source, request.arena));
  if (judged.only_if_cached) view["only_if_cached"] = "a usable stored answer, or 504";
  if (judged.has_credentials) view["credentials"] = "only answers with public, s-maxage or must-revalidate";
  view["max_object"] = to_string(options->max_object);
  if (options->min_uses > 1) view["min_uses"] = options->min_uses;
  json::array answers;
  for (const Sample& sample : kSamples) answers.push_back(judge(policy, request, judged, sample));
  view["answers"] = std::move(answers);
  out["cache"] = std::move(view);
}

}  // namespace shellac::edge
