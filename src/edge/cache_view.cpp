#include "cache_view.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "shellac/cache/key.hpp"
#include "shellac/cache/tags.hpp"

namespace shellac::edge {
namespace {

namespace json = boost::json;
using cache::Cache;

constexpr std::string_view kNoCache = "the configuration has no section cache";

// A URL that fits a route's host and path, whatever its other conditions say.
bool may_take(route::TraceStep::Why why) {
  using Why = route::TraceStep::Why;
  return why == Why::matched || why == Why::method || why == Why::header || why == Why::client;
}

bool has_key_parts(const cache::Policy& policy) {
  return !policy.key_headers().empty() || !policy.key_cookies().empty();
}

std::size_t purge_url(Cache& cache, const StoredUrl& url, Cache::Purge how, Time now) {
  std::size_t count = cache.purge(url.key, how, now);
  if (!url.has_more_keys) return count;
  Arena arena;
  return count + cache.purge_tag(cache::tag_of_url(url.key, arena), how, now);
}

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

// Headers and cookies of a key stand behind control octets.
std::string shown_key(std::string_view key) {
  std::string shown;
  for (const char c : key) {
    if (static_cast<unsigned char>(c) < ' ')
      shown += " + ";
    else
      shown += c;
  }
  return shown;
}

json::object make_row(const cache::ObjectReport& report) {
  return {{"key", shown_key(report.key)},
          {"status", report.status},
          {"age", seconds(report.age)},
          {"ttl", seconds(report.freshness_left)},
          {"size", report.size.count},
          {"memory", report.memory.count},
          {"hits", report.hits},
          {"vary", report.vary_names},
          {"variant", shown_key(report.variant)},
          {"etag", report.etag},
          {"growing", report.growing},
          {"soft_purged", report.soft_purged}};
}

}  // namespace

std::vector<StoredUrl> find_stored_urls(const proxy::Config& config, const Url& url) {
  Arena arena;
  const std::string_view target = url.target;
  const std::string_view path = target.substr(0, target.find('?'));
  const route::PathForms forms(path, arena);
  const http::Fields none;
  const route::Query query{"GET", url.authority, &forms, &none, {}, false};
  std::vector<StoredUrl> found;
  for (const route::TraceStep& step : config.routes.trace(query)) {
    const cache::Policy* const policy = config.policy_of_route[step.route->index].get();
    const auto form = forms.get(step.route->normalize_path);
    if (policy == nullptr || !form || !may_take(step.why)) continue;
    const cache::KeySource source{url.tls ? "https" : "http", url.authority, *form, target.substr(path.size()),
                                  nullptr};
    StoredUrl one{step.route->name, policy, std::string(cache::url_of_key(cache::make_key(*policy, source, arena))),
                  has_key_parts(*policy)};
    const auto known = std::ranges::find(found, one.key, &StoredUrl::key);
    if (known == found.end())
      found.push_back(std::move(one));
    else
      known->has_more_keys = known->has_more_keys || one.has_more_keys;
  }
  return found;
}

Purged purge(const proxy::Config& config, const PurgeOrder& order, Time now) {
  if (!config.cache) return {0, std::string(kNoCache)};
  const auto how = order.soft ? Cache::Purge::soft : Cache::Purge::hard;
  switch (order.what) {
    case PurgeOrder::What::all:
      return {config.cache->purge_all(how, now), {}};
    case PurgeOrder::What::tag:
      return {config.cache->purge_tag(order.value, how, now), {}};
    case PurgeOrder::What::url:
      break;
  }
  const ParsedUrl parsed = parse_url(order.value);
  if (!parsed.wrong.empty()) return {0, parsed.wrong};
  Purged purged;
  for (const StoredUrl& url : find_stored_urls(config, parsed.url))
    purged.objects += purge_url(*config.cache, url, how, now);
  return purged;
}

CacheAnswer look_into_cache(const proxy::Config& config, const CacheQuestion& question, Time now) {
  if (!config.cache) return {{}, std::string(kNoCache)};
  CacheAnswer answer;
  if (question.url.empty()) {
    const auto order = question.by_bytes ? Cache::Order::bytes : Cache::Order::hits;
    for (const auto& report : config.cache->top(question.count, order, now)) answer.objects.push_back(make_row(report));
    return answer;
  }
  const ParsedUrl parsed = parse_url(question.url);
  if (!parsed.wrong.empty()) return {{}, parsed.wrong};
  for (const StoredUrl& url : find_stored_urls(config, parsed.url))
    for (const auto& report : config.cache->inspect(url.key, now)) answer.objects.push_back(make_row(report));
  return answer;
}

}  // namespace shellac::edge
