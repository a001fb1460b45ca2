#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json.hpp>
#include <initializer_list>

#include "admin_api.hpp"

namespace shellac::edge {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using Context = std::shared_ptr<const AdminContext>;

// A reload reads files and waits for every worker; who waits longer than this is told so.
constexpr auto kReloadPatience = std::chrono::minutes(2);
constexpr std::string_view kMetricsType = "text/plain; version=0.0.4; charset=utf-8";  // Prometheus' text format

// The body's one member, which is a string; or why it is not.
struct Argument {
  std::string value;
  std::optional<web::Response> refusal;
};

Argument read_argument(const web::Request& request, std::string_view key) {
  const auto refuse = [](std::string detail) { return Argument{{}, web::make_problem(400, detail)}; };
  boost::system::error_code error;
  const json::value body = json::parse(request.body, error);
  if (error) return refuse("the body is not JSON: " + error.message());
  const json::object* const object = body.if_object();
  if (object == nullptr) return refuse("the body is not a JSON object");
  for (const auto& member : *object)
    if (std::string_view(member.key()) != key)
      return refuse("unknown key " + std::string(member.key()) + "; expected " + std::string(key));
  const json::value* const found = object->if_contains(key);
  if (found == nullptr || !found->is_string()) return refuse(std::string(key) + " must be a string");
  return {std::string(found->get_string()), std::nullopt};
}

web::Response set_backend_state(const Context& context, const web::Request& request) {
  const auto state = read_argument(request, "state");
  if (state.refusal) return *state.refusal;
  if (state.value != "ready" && state.value != "drain" && state.value != "down")
    return web::make_problem(400, "state is ready, drain or down");
  const std::string &pool = request.params[0], &backend = request.params[1];
  if (const auto failure = context->actions.set_backend_state(pool, backend, state.value))
    return web::make_problem(404, *failure);
  context->log.info("admin: backend {}/{} is set to {} by {}", pool, backend, state.value, to_string(request.peer));
  return make_json(json::object{{"pool", pool}, {"backend", backend}, {"state", state.value}});
}

web::Response set_log_level(const Context& context, const web::Request& request) {
  const auto level = read_argument(request, "level");
  if (level.refusal) return *level.refusal;
  if (const auto failure = context->actions.set_log_level(level.value)) return web::make_problem(400, *failure);
  context->log.info("admin: log level is set to {} by {}", level.value, to_string(request.peer));
  return make_json(json::object{{"level", level.value}});
}

// A problem with each line of `problems` as a member of its own besides.
web::Response reload_failed(const std::string& problems) {
  auto response = web::make_problem(422, problems);
  json::object body = json::parse(response.body).as_object();
  json::array lines;
  for (std::string_view rest = problems; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    if (!line.empty()) lines.emplace_back(line);
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
  }
  body["problems"] = std::move(lines);
  response.body = json::serialize(body) + "\n";
  return response;
}

// What the reload's `done` and the request that waits for it share: either may be gone before the other.
struct ReloadOutcome {
  explicit ReloadOutcome(const asio::any_io_executor& executor) : news(executor, kReloadPatience) {}
  asio::steady_timer news;
  bool done = false;
  std::optional<std::string> problems;
};

// By value: the frame outlives the caller's.
asio::awaitable<web::Response> reload(Context context, const web::Request& request) {
  if (!request.body.empty()) {
    boost::system::error_code error;
    const json::value body = json::parse(request.body, error);
    if (error || !body.is_object() || !body.get_object().empty())
      co_return web::make_problem(400, "a reload takes no body, or {}");
  }
  const auto executor = co_await asio::this_coro::executor;
  const auto outcome = std::make_shared<ReloadOutcome>(executor);
  context->log.info("admin: reload is asked for by {}", to_string(request.peer));
  context->actions.reload([outcome](std::optional<std::string> problems) {
    outcome->problems = std::move(problems);
    outcome->done = true;
    outcome->news.cancel();
  });
  if (!outcome->done) co_await outcome->news.async_wait(asio::as_tuple(asio::use_awaitable));
  if (!outcome->done) co_return web::make_problem(503, "the reload is still under way; the log will tell its end");
  if (outcome->problems) co_return reload_failed(*outcome->problems);
  co_return make_json(json::object{{"result", "ok"}});
}

web::Response not_yet(const web::Request&) { return web::make_problem(501, "not in this version yet"); }

void add_reads(web::Router& router, const Context& context) {
  const auto get = [&](std::string_view path, std::function<web::Response(const web::Request&)> answer) {
    router.add("GET", path, web::at_once(std::move(answer)));
  };
  get("/healthz", [](const web::Request&) { return web::make_text("ok\n"); });
  get("/readyz", [context](const web::Request&) {
    return context->actions.is_ready() ? web::make_text("ready\n") : web::make_problem(503, "not ready");
  });
  get("/metrics", [context](const web::Request&) { return web::make_text(context->actions.metrics(), kMetricsType); });
  get("/api/v1/status", [context](const web::Request&) { return make_json(context->actions.status()); });
  get("/api/v1/backends", [context](const web::Request&) { return make_json(context->actions.backends()); });
  get("/api/v1/config", [context](const web::Request&) { return make_json(context->actions.config()); });
}

}  // namespace

web::Response make_json(const json::value& value) {
  auto response = web::make_text(json::serialize(value) + "\n", "application/json");
  response.fields.push_back({"Cache-Control", "no-store"});
  return response;
}

web::Router make_admin_router(const Context& context) {
  web::Router router;
  add_reads(router, context);
  router.add("POST", "/api/v1/backends/{pool}/{backend}",
             web::at_once([context](const web::Request& request) { return set_backend_state(context, request); }),
             kAdminBodyMax);
  router.add("PUT", "/api/v1/log-level",
             web::at_once([context](const web::Request& request) { return set_log_level(context, request); }),
             kAdminBodyMax);
  router.add(
      "POST", "/api/v1/reload", [context](const web::Request& request) { return reload(context, request); },
      kAdminBodyMax);
  add_cache_routes(router, context);
  router.add("POST", "/api/v1/ban", web::at_once(not_yet), kAdminBodyMax);
  return router;
}

}  // namespace shellac::edge
