#include "cache_view.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "shellac/cache/key.hpp"
#include "shellac/cache/tags.hpp"

namespace shellac::edge {
namespace {

namespace json = boost::json;
using cache::Cache;

// Between the parts of a key (cache/key.hpp); a letter for the kind of the part follows.
constexpr char kKeyPart = '\x1f';
constexpr char kAbsent = '\x1d';
constexpr std::string_view kNoCache = "the configuration has no section cache";

// A URL that fits a route's host and path, whatever its other conditions say.
bool may_take(route::TraceStep::Why why) {
  using Why = route::TraceStep::Why;
  return why == Why::matched || why == Why::method || why == Why::header || why == Why::client;
}

std::size_t purge_url(Cache& cache, const StoredUrl& url, Cache::Purge how, Time now) {
  std::size_t count = cache.purge(url.key, how, now);
  if (!url.has_more_keys) return count;
  Arena arena;
  return count + cache.purge_tag(cache::tag_of_url(url.key, arena), how, now);
}

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

// The values of the fields in `vary`, each behind a control octet (cache/vary.hpp); "-" stands for an absent one.
std::string shown_variant(std::string_view variant) {
  std::string shown;
  for (const char c : variant) {
    if (static_cast<unsigned char>(c) >= ' ') {
      shown += c;
      continue;
    }
    if (!shown.empty()) shown += " | ";
    if (c == kAbsent) shown += '-';
  }
  return shown;
}

// Made by cache::tag_of_url() or for an origin's groups; no answer's own holds a control octet.
bool is_made_up(std::string_view tag) { return !tag.empty() && static_cast<unsigned char>(tag.front()) < ' '; }

json::object make_row(const cache::ObjectReport& report) {
  json::array tags;
  for (const std::string& tag : report.tags)
    if (!is_made_up(tag)) tags.emplace_back(tag);
  return {{"key", shown_key(report.key)},
          {"status", report.status},
          {"age", seconds(report.age)},
          {"ttl", seconds(report.freshness_left)},
          {"grace_left", seconds(report.grace_left)},
          {"size", report.size.count},
          {"memory", report.memory.count},
          {"hits", report.hits},
          {"vary", report.vary_names},
          {"variant", shown_variant(report.variant)},
          {"etag", report.etag},
          {"tags", std::move(tags)},
          {"growing", report.growing},
          {"soft_purged", report.soft_purged}};
}

void add_rows(const Cache& cache, const StoredUrl& url, Time now, json::array& rows) {
  for (const auto& report : cache.inspect(url.key, now)) rows.push_back(make_row(report));
  if (!url.has_more_keys) return;
  Arena arena;
  for (const auto& report : cache.inspect_tag(cache::tag_of_url(url.key, arena), now)) rows.push_back(make_row(report));
}

}  // namespace

std::string shown_key(std::string_view key) {
  std::string shown;
  for (std::size_t i = 0; i < key.size(); ++i) {
    if (static_cast<unsigned char>(key[i]) >= ' ') {
      shown += key[i];
    } else if (key[i] == kKeyPart && i + 1 < key.size()) {
      shown += key[++i] == 'c' ? " + cookie " : " + header ";
    } else {
      shown += '=';
    }
  }
  return shown;
}

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
                  policy->has_key_parts()};
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
  for (const StoredUrl& url : find_stored_urls(config, parsed.url)) add_rows(*config.cache, url, now, answer.objects);
  return answer;
}

std::optional<std::size_t> RequestPurges::purge(const proxy::Config& config, const Order& order, Time now) {
  PurgeOrder asked;
  asked.what = order.url.empty() ? PurgeOrder::What::tag : PurgeOrder::What::url;
  asked.value = order.url.empty() ? order.tag : order.url;
  asked.soft = order.soft;
  const Purged purged = edge::purge(config, asked, now);
  if (!purged.problem.empty()) return std::nullopt;
  return purged.objects;
}

}  // namespace shellac::edge
