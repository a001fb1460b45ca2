#include "shellac/edge/explain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <ostream>
#include <stdexcept>

#include "explain_outcome.hpp"
#include "shellac/core/text.hpp"
#include "shellac/edge/config_file.hpp"
#include "shellac/http/head_scan.hpp"
#include "shellac/http/parser.hpp"
#include "snapshot.hpp"
#include "text_document.hpp"
#include "url.hpp"

namespace shellac::edge {
namespace {

namespace json = boost::json;

[[noreturn]] void refuse_usage(const std::string& what) { throw std::invalid_argument(what); }

// The head as a client would send it, so that the daemon's own parser judges it.
std::string make_head(const Url& url, const ExplainOptions& options) {
  if (!http::is_token(options.method)) refuse_usage("\"" + options.method + "\" is no method");
  std::string fields;
  bool has_host = false;
  for (const std::string& field : options.fields) {
    const std::size_t colon = field.find(':');
    if (colon == field.npos) refuse_usage("expected 'Name: value', not '" + field + "'");
    const std::string_view name = std::string_view(field).substr(0, colon);
    const std::string_view value = trim(std::string_view(field).substr(colon + 1));
    if (!http::is_token(name) || !http::is_field_value(value)) refuse_usage("'" + field + "' is no valid field");
    has_host = has_host || iequals(name, "Host");
    fields.append(name).append(": ").append(value).append("\r\n");
  }
  std::string head = options.method + " " + url.target + " HTTP/1.1\r\n";
  if (!has_host) head += "Host: " + url.authority + "\r\n";
  return head + fields + "\r\n";
}

// Nothing = understood. The views of `out` point into `text`.
std::optional<http::Refusal> parse_head(std::string_view text, const http::HeadLimits& limits, http::RequestHead& out) {
  http::HeadScan scan(http::HeadScan::Kind::request, limits);
  if (scan.scan(text) != http::HeadScan::State::complete) return scan.refusal();
  return http::parse_request(text.substr(scan.start(), scan.size() - scan.start()), out);
}

std::string why_not_here(const front::ListenerOptions& listener, const Url& url) {
  if (listener.tls.has_value() != url.tls) return url.tls ? "speaks no TLS" : "speaks TLS only";
  const auto on_port = [&](const net::BindOptions& bind) {
    return bind.endpoint.kind == Endpoint::Kind::unix_path || bind.endpoint.port == url.port;
  };
  return std::ranges::any_of(listener.binds, on_port) ? "" : "listens on another port";
}

// Adds "listeners", and returns those that may get such a request.
std::vector<const front::ListenerOptions*> explain_listeners(const Options& config, const Url& url, json::object& out) {
  std::vector<const front::ListenerOptions*> candidates;
  json::array rows;
  for (const auto& listener : config.listeners) {
    const std::string why_not = why_not_here(listener, url);
    if (why_not.empty()) candidates.push_back(&listener);
    json::array binds;
    for (const auto& bind : listener.binds) binds.emplace_back(to_string(bind.endpoint));
    rows.push_back(json::object{{"listener", listener.name},
                                {"bind", std::move(binds)},
                                {"candidate", why_not.empty()},
                                {"why", why_not.empty() ? "scheme and port fit" : why_not},
                                {"head", to_string(listener.head_max)},
                                {"fields", listener.fields_max}});
  }
  out["listeners"] = std::move(rows);
  if (candidates.empty()) out["note"] = "no listener fits this URL; the rest is what the routes would do";
  return candidates;
}

http::HeadLimits limits_of(const std::vector<const front::ListenerOptions*>& candidates) {
  http::HeadLimits limits;
  if (candidates.empty()) return limits;
  limits.head_bytes = candidates.front()->head_max.count;
  limits.fields = candidates.front()->fields_max;
  return limits;
}

bool is_redirected(const std::vector<const front::ListenerOptions*>& candidates) {
  return !candidates.empty() && std::ranges::all_of(candidates, &front::ListenerOptions::redirect_https);
}

std::string_view to_word(route::NormalizePath mode) {
  switch (mode) {
    case route::NormalizePath::full:
      return "full";
    case route::NormalizePath::safe:
      return "safe";
    case route::NormalizePath::none:
      return "none";
  }
  return "";
}

std::string describe(route::TraceStep::Why why) {
  switch (why) {
    case route::TraceStep::Why::matched:
      return "everything fits";
    case route::TraceStep::Why::path_refused:
      return "the form of the path that it wants is refused";
    default:
      return std::string(to_string(why)) + " differs";
  }
}

void explain_routes(const Options& config, const http::RequestHead& head, const IpAddress* client, json::object& out) {
  Arena arena;
  const route::Table table(config.routes);
  const route::PathForms forms(head.path, arena);
  const route::Query query{
      head.method, head.authority, &forms, &head.fields, client == nullptr ? IpAddress{} : *client, client != nullptr};
  json::array rows;
  for (const auto& step : table.trace(query)) {
    rows.push_back(json::object{{"route", step.route->name},
                                {"matched", step.why == route::TraceStep::Why::matched},
                                {"why", describe(step.why)}});
  }
  out["routes"] = std::move(rows);

  const route::Match match = table.match(query);
  if (match.route == nullptr) {
    out["route"] = nullptr;
    match.path_refused ? explain_refusal(400, "the path is refused", out)
                       : explain_refusal(404, "no route matches", out);
    return;
  }
  out["route"] = match.route->name;
  out["normalize_path"] = to_word(match.route->normalize_path);
  out["path"] = forms.get(match.route->normalize_path).value_or("");
  explain_outcome(config, match, {head, forms, client, arena}, out);
}

// What `redirect: https` of the listener does.
void explain_https(std::uint16_t port, const route::TargetParts& from, Arena& arena, json::object& out) {
  const auto location = route::https_location(from, port, arena);
  if (!location) return explain_refusal(400, "no host to redirect to", out);
  out["outcome"] = "redirect";
  out["status"] = 308;
  out["location"] = *location;
  out["reason"] = "the listener sends everybody to https";
}

}  // namespace

json::object explain(const Options& config, const ExplainOptions& options) {
  const auto parsed = parse_url(options.url);
  if (!parsed.wrong.empty()) refuse_usage(parsed.wrong);
  const Url& url = parsed.url;
  const std::string text = make_head(url, options);
  const auto client = parse_ip(options.client);
  if (!options.client.empty() && !client) refuse_usage("\"" + options.client + "\" is no IP address");

  json::object out;
  out["request"] = options.method + " " + options.url;
  out["client"] = client ? json::value(to_string(*client)) : json::value(nullptr);
  const auto candidates = explain_listeners(config, url, out);
  http::RequestHead head;
  if (const auto refusal = parse_head(text, limits_of(candidates), head)) {
    explain_refusal(http::status_of(*refusal), to_string(*refusal), out);
    return out;
  }
  head.scheme = url.tls ? "https" : "http";
  out["host"] = head.authority;
  if (is_redirected(candidates)) {
    Arena arena;
    const route::PathForms forms(head.path, arena);
    if (!route::is_challenge(forms)) {
      explain_https(https_port(config), {head.authority, head.path, head.query}, arena, out);
      return out;
    }
  }
  explain_routes(config, head, client ? &*client : nullptr, out);
  return out;
}

int run_explain(const ExplainOptions& options, std::ostream& out, std::ostream& err) {
  const LoadedConfig loaded = load_config(options.config_file);
  for (const auto& problem : loaded.problems) err << config::to_string(problem) << "\n";
  if (!loaded.options) return 1;
  try {
    const json::object explanation = explain(*loaded.options, options);
    if (options.json)
      out << json::serialize(explanation) << "\n";
    else
      print_document(explanation, out);
    return 0;
  } catch (const std::invalid_argument& error) {
    err << "shellac explain: " << error.what() << "\n";
    return 2;
  } catch (const std::runtime_error& error) {  // an error page that vanished since the check
    err << "shellac explain: " << error.what() << "\n";
    return 1;
  }
}

}  // namespace shellac::edge
