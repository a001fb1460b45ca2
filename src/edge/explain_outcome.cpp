#include "explain_outcome.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <filesystem>

#include "explain_cache.hpp"
#include "shellac/balance/picker.hpp"
#include "shellac/proxy/hash_key.hpp"
#include "shellac/route/file_tree.hpp"
#include "shellac/upstream/pool.hpp"

namespace shellac::edge {
namespace {

namespace json = boost::json;

template <class... Alternatives>
struct Overloaded : Alternatives... {
  using Alternatives::operator()...;
};

std::string or_none(Duration duration) { return duration <= Duration{0} ? "none" : to_string(duration); }

json::array lines_of(const route::EditOptions& edits) {
  json::array lines;
  for (const auto& name : edits.remove) lines.emplace_back("remove " + name);
  for (const auto& [name, value] : edits.set) lines.emplace_back(fmt::format("set {}: {}", name, value));
  for (const auto& [name, value] : edits.add) lines.emplace_back(fmt::format("add {}: {}", name, value));
  return lines;
}

std::string_view to_word(net::SendProxy version) {
  return version == net::SendProxy::off ? "off" : version == net::SendProxy::v1 ? "v1" : "v2";
}

std::string describe(const std::optional<tls::ClientOptions>& tls) {
  if (!tls) return "off";
  if (!tls->verify) return "on, certificates are not verified";
  return "verified by " + tls->ca + ", name " + tls->sni;
}

// As if every server were up: the order of a first request and its retries.
json::array explain_order(const upstream::PoolOptions& pool, const std::string& zone, const ExplainedRequest& request) {
  std::vector<std::shared_ptr<balance::Server>> servers;
  servers.reserve(pool.backends.size());
  for (const auto& backend : pool.backends)
    servers.push_back(std::make_shared<balance::Server>(
        balance::Server::Identity{pool.name, backend.name, backend.address}, WallTime{}));
  balance::Ask ask;
  ask.hash =
      proxy::hash_of_key(pool.balance.key, request.head, request.client != nullptr ? *request.client : IpAddress{});
  ask.ignore_full = true;
  json::array backends;
  for (const auto& one : balance::order_of(upstream::make_group(pool, zone, servers), ask)) {
    const auto& backend = pool.backends[one.index];
    backends.push_back(json::object{{"order", backends.size() + 1},
                                    {"backend", backend.name},
                                    {"address", backend.address},
                                    {"zone", backend.zone},
                                    {"weight", backend.weight},
                                    {"reason", backend.backup ? "backup" : to_string(one.standing)}});
  }
  return backends;
}

void explain_pool(const upstream::PoolOptions& pool, const std::string& zone, const ExplainedRequest& request,
                  json::object& out) {
  out["balance"] = to_string(pool.balance.algorithm);
  out["sticky"] = pool.sticky ? "cookie " + pool.sticky->cookie : "off";
  out["backends"] = explain_order(pool, zone, request);
  out["connection"] = {{"tls", describe(pool.tls)},
                       {"send_proxy", to_word(pool.send_proxy)},
                       {"buffer_request", to_string(pool.buffer_request)},
                       {"max_idle", pool.max_idle}};
  out["timeouts"] = {{"connect", or_none(pool.timeouts.connect)},
                     {"first_byte", or_none(pool.timeouts.first_byte)},
                     {"between_bytes", or_none(pool.timeouts.between_bytes)},
                     {"idle", or_none(pool.timeouts.idle)},
                     {"whole_request", out.at("timeout")}};
}

void explain_to_pool(const Options& config, const std::string& name, const route::Match& match,
                     const ExplainedRequest& request, json::object& out) {
  const auto target = route::backend_target(match, request.forms, request.head.query, request.arena);
  if (!target) {
    explain_refusal(400, "the rewritten path would hold a dot segment", out);
    return;
  }
  out["outcome"] = "pool";
  out["pool"] = name;
  out["target"] = std::string(request.head.method) + " " + std::string(*target);
  const auto pool = std::ranges::find(config.pools, name, &upstream::PoolOptions::name);
  if (pool == config.pools.end()) return;
  explain_cache(config, *match.route, request, pool->sticky ? pool->sticky->cookie : "", out);
  explain_pool(*pool, config.zone, request, out);
}

void explain_redirect(const route::Redirect& redirect, const ExplainedRequest& request, json::object& out) {
  out["outcome"] = "redirect";
  out["status"] = redirect.status;
  out["location"] = route::redirect_location(redirect, {request.head.authority, request.head.path, request.head.query},
                                             request.arena);
}

void explain_text(const route::RespondText& respond, json::object& out) {
  out["outcome"] = "respond";
  out["status"] = respond.status;
  out["type"] = respond.type;
  out["bytes"] = respond.body.size();
}

void explain_dir(const route::RespondDir& respond, std::string_view path, std::size_t literal_prefix,
                 const http::RequestHead& head, json::object& out) {
  if (head.known != http::Method::get && head.known != http::Method::head) {
    explain_refusal(405, "files answer to GET and HEAD only", out);
    return;
  }
  const auto file = route::relative_file(path, literal_prefix);
  if (!file) {
    explain_refusal(404, "no file may have that name", out);
    return;
  }
  const std::string name = respond.dir + "/" + *file;
  out["file"] = name;
  std::error_code unknown;
  if (!std::filesystem::is_regular_file(std::filesystem::symlink_status(name, unknown))) {
    explain_refusal(404, "there is no such file", out);
    return;
  }
  out["outcome"] = "respond";
  out["status"] = 200;
  out["type"] = route::media_type(*file);
}

}  // namespace

void explain_refusal(int status, std::string_view reason, json::object& out) {
  out["outcome"] = "refused";
  out["status"] = status;
  out["reason"] = reason;
}

void explain_outcome(const Options& config, const route::Match& match, const ExplainedRequest& request,
                     json::object& out) {
  const route::Route& route = *match.route;
  const route::RouteOptions& options = config.routes[route.index];
  const std::string_view path = request.forms.get(route.normalize_path).value_or(request.forms.raw());
  if (!route::is_allowed(route, request.client != nullptr, request.client == nullptr ? IpAddress{} : *request.client)) {
    explain_refusal(403, "allow and deny of the route refuse this client", out);
    return;
  }
  if (options.rewrite_prefix)
    out["rewrite"] = std::string(path.substr(0, match.literal_prefix)) + " becomes " + *options.rewrite_prefix;
  out["request_edits"] = lines_of(options.request);
  out["response_edits"] = lines_of(options.response);
  out["max_body"] = to_string(options.max_body);
  out["timeout"] = or_none(options.timeout);
  json::array pages;
  for (const auto& [status, file] : options.errors) pages.emplace_back(std::to_string(status) + ": " + file);
  out["error_pages"] = std::move(pages);
  std::visit(Overloaded{
                 [&](const route::ToPool& to) { explain_to_pool(config, to.pool, match, request, out); },
                 [&](const route::Redirect& to) { explain_redirect(to, request, out); },
                 [&](const route::RespondText& respond) { explain_text(respond, out); },
                 [&](const route::RespondDir& respond) {
                   explain_dir(respond, path, match.literal_prefix, request.head, out);
                 },
             },
             options.action);
}

}  // namespace shellac::edge
