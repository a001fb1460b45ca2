// routes, without match and edits.
#include <algorithm>
#include <array>
#include <utility>

#include "schema.hpp"
#include "schema_rules.hpp"
#include "shellac/config/key_table.hpp"
#include "shellac/core/text.hpp"

namespace shellac::edge {

using config::Value;

namespace {

constexpr Bytes kBodyMax = 1048576_GiB;

constexpr auto kNormalizations = std::to_array<std::pair<std::string_view, route::NormalizePath>>(
    {{"full", route::NormalizePath::full}, {"safe", route::NormalizePath::safe}, {"none", route::NormalizePath::none}});
constexpr auto kVariables = std::to_array<std::string_view>({"host", "path", "query"});
constexpr auto kRedirectStatuses = std::to_array<std::pair<std::string_view, int>>(
    {{"301", 301}, {"302", 302}, {"303", 303}, {"307", 307}, {"308", 308}});

// RFC 9110 §15: no body ever follows these.
bool is_bodyless(std::uint32_t status) { return status == 204 || status == 205 || status == 304; }

// Every $name or ${name} in a redirect must be one that we know; a `$` before anything else stands for itself.
bool check_variables(const Value& to) {
  std::string_view rest = to.text();
  for (std::size_t dollar; (dollar = rest.find('$')) != std::string_view::npos;) {
    rest.remove_prefix(dollar + 1);
    if (rest.starts_with('{')) rest.remove_prefix(1);
    auto is_word = [](char c) { return c == '_' || is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z'); };
    std::string_view name =
        rest.substr(0, static_cast<std::size_t>(std::find_if_not(rest.begin(), rest.end(), is_word) - rest.begin()));
    if (name.empty() || is_digit(name.front()) ||
        std::find(kVariables.begin(), kVariables.end(), name) != kVariables.end())
      continue;
    to.expected("$host, $path or $query, not $" + std::string(name));
    return false;
  }
  return true;
}

void read_redirect(const Value& redirect, route::Redirect& out) {
  Value to = redirect["to"];
  if (!to) {
    report_missing(redirect, "to", "a URL such as https://$host$path$query");
  } else if (std::string_view text = to.text();
             !is_visible(text) ||
             !(text.starts_with("http://") || text.starts_with("https://") || text.starts_with('/'))) {
    to.expected("a URL that begins with http://, https:// or /");
  } else if (check_variables(to)) {
    out.to = text;
  }
  redirect["status"].read_enum(out.status, kRedirectStatuses);
}

void read_respond(const Value& respond, route::RouteOptions& route) {
  Value dir = respond["dir"];
  Value status = respond["status"];
  Value body = respond["body"];
  Value type = respond["type"];
  if (dir) {
    if (status || body || type) dir.key_problem("stands beside status, body or type, expected one way or the other");
    read_readable_directory(dir, route.action.emplace<route::RespondDir>().dir);
    return;
  }
  if (!status && !body) respond.expected("status and body, or dir");
  auto& text = route.action.emplace<route::RespondText>();
  std::uint32_t number = 200;
  status.read_number(number, 200, 599);
  text.status = static_cast<int>(number);
  if (body.read(text.body) && !text.body.empty() && is_bodyless(number))
    body.expected("no body, which the status " + std::to_string(number) + " never has");
  if (type.read(text.type) && (text.type.find('/') == std::string::npos || !is_field_value(text.type)))
    type.expected("a media type such as text/plain");
}

// Exactly one of pool, redirect and respond.
void read_action(const Value& route, const RouteTargets& targets, route::RouteOptions& options) {
  std::string_view first;
  for (const char* key : {"pool", "redirect", "respond"}) {
    Value action = route[key];
    if (action && !first.empty())
      action.key_problem("stands beside " + std::string(first) +
                         ", expected exactly one of pool, redirect and respond");
    else if (action)
      first = key;
  }
  if (first.empty()) route.problem("found no action, expected exactly one of pool, redirect and respond");
  if (Value pool = route["pool"]) {
    if (!pool.is_scalar() || !targets.pools.contains(std::string(pool.text())))
      report_unknown_name(pool, "pool", targets.pools);
    options.action = route::ToPool{std::string(pool.text())};
  }
  if (Value redirect = route["redirect"]; redirect.expect_map())
    read_redirect(redirect, options.action.emplace<route::Redirect>());
  if (Value respond = route["respond"]; respond.expect_map()) read_respond(respond, options);
}

void read_rewrite(const Value& rewrite, route::RouteOptions& options) {
  if (!rewrite.expect_map()) return;
  Value prefix = rewrite["prefix"];
  if (!prefix) return report_missing(rewrite, "prefix", "a path that begins with /");
  std::string_view text = prefix.text();
  if (!is_visible(text) || text.front() != '/' || text.find_first_of("?#*") != std::string_view::npos)
    return prefix.expected("a path that begins with /, without query or *");
  options.rewrite_prefix = text;
}

void read_errors(const Value& errors, std::map<int, std::string>& out) {
  if (!errors) return;
  for (const config::Member& page : errors.members()) {
    auto status = parse_unsigned<std::uint32_t>(page.key);
    std::string file;
    bool readable = read_readable_file(page.value, file);
    if (!status || page.key.size() != 3 || *status < 400 || *status > 599)
      page.value.key_problem("found " + config::shown_text(page.key) + ", expected a status from 400 to 599");
    else if (readable)
      out[static_cast<int>(*status)] = file;
  }
}

// A policy's name, or off.
void read_cache_of_route(const Value& cache, const RouteTargets& targets, std::string& out) {
  if (!cache || cache.text() == "off") return;
  if (!cache.is_scalar() || !targets.policies.contains(std::string(cache.text())))
    report_unknown_name(cache, "cache policy", targets.policies);
  else
    out = cache.text();
}

}  // namespace

void read_routes(const Value& root, const RouteTargets& targets, Options& options) {
  Value routes = root["routes"];
  if (!routes) return report_missing(root, "routes", "a list of at least one route");
  Unique names("name");
  std::vector<Value> values = routes.list_of_maps();
  if (routes.is_empty_list()) routes.expected("at least one route");
  for (const Value& route : values) {
    route::RouteOptions& one = options.routes.emplace_back();
    if (read_name(route, one.name)) names.add(route["name"], one.name);
    read_match(route["match"], one.match);
    route["normalize_path"].read_enum(one.normalize_path, kNormalizations);
    read_networks(route["allow"], one.allow);
    read_networks(route["deny"], one.deny);
    read_edits(route["request"], one.request);
    read_edits(route["response"], one.response);
    read_rewrite(route["rewrite"], one);
    route["max_body"].read(one.max_body, Bytes{0}, kBodyMax);
    route["timeout"].read(one.timeout, Duration(0));
    read_action(route, targets, one);
    read_cache_of_route(route["cache"], targets, one.cache);
    read_errors(route["errors"], one.errors);
  }
}

}  // namespace shellac::edge
