// What the admin API says of the cache, and does to it.
#include <boost/json.hpp>

#include "admin_api.hpp"
#include "shellac/core/text.hpp"

namespace shellac::edge {
namespace {

namespace json = boost::json;
using Context = std::shared_ptr<const AdminContext>;

constexpr std::uint32_t kTopMax = 1000;
constexpr std::uint32_t kTopDefault = 20;
constexpr std::string_view kNotYet = "not in this version yet";

// {"url": …}, {"tag": …} or {"all": true}, and perhaps "soft".
struct OrderRead {
  PurgeOrder order;
  std::optional<web::Response> refusal;
};

std::optional<web::Response> read_member(std::string_view key, const json::value& value, PurgeOrder& order) {
  const auto refuse = [&](std::string_view what) {
    return web::make_problem(400, std::string(key) + std::string(what));
  };
  if (key == "prefix") return web::make_problem(501, "prefix: " + std::string(kNotYet));
  if (key == "soft") {
    if (!value.is_bool()) return refuse(" must be true or false");
    order.soft = value.get_bool();
  } else if (key == "all") {
    if (!value.is_bool() || !value.get_bool()) return refuse(" must be true");
    order.what = PurgeOrder::What::all;
  } else if (key == "url" || key == "tag") {
    if (!value.is_string() || value.get_string().empty()) return refuse(" must be a string that is not empty");
    order.what = key == "url" ? PurgeOrder::What::url : PurgeOrder::What::tag;
    order.value = value.get_string();
  } else {
    return web::make_problem(400, "unknown key " + std::string(key) + "; expected url, tag or all, and soft");
  }
  return std::nullopt;
}

OrderRead read_order(const web::Request& request) {
  const auto refuse = [](std::string_view detail) { return OrderRead{{}, web::make_problem(400, detail)}; };
  boost::system::error_code error;
  const json::value body = json::parse(request.body, error);
  if (error) return refuse("the body is not JSON: " + error.message());
  const json::object* const object = body.if_object();
  if (object == nullptr) return refuse("the body is not a JSON object");
  OrderRead read;
  for (const auto& member : *object) {
    read.refusal = read_member(member.key(), member.value(), read.order);
    if (read.refusal) return read;
  }
  const auto count = object->count("url") + object->count("tag") + object->count("all");
  if (count != 1) return refuse("expected exactly one of url, tag and all");
  return read;
}

std::string describe(const PurgeOrder& order) {
  std::string text = order.soft ? "soft purge of " : "purge of ";
  switch (order.what) {
    case PurgeOrder::What::all:
      return text + "everything";
    case PurgeOrder::What::tag:
      return text + "tag " + order.value;
    case PurgeOrder::What::url:
      return text + order.value;
  }
  return text;
}

web::Response purge(const Context& context, const web::Request& request) {
  const OrderRead read = read_order(request);
  if (read.refusal) return *read.refusal;
  const Purged purged = context->actions.purge(read.order);
  if (!purged.problem.empty()) return web::make_problem(400, purged.problem);
  context->log.info("admin: {} by {}: {} objects", describe(read.order), to_string(request.peer), purged.objects);
  return make_json(json::object{{"purged", purged.objects}, {"soft", read.order.soft}});
}

// The query's parameters; each of them known, at most once.
struct QuestionRead {
  CacheQuestion question;
  std::string problem;
};

std::string read_parameter(std::string_view name, const std::string& value, CacheQuestion& question) {
  if (name == "url") {
    question.url = value;
    return value.empty() ? "url is empty" : "";
  }
  if (name == "top") {
    const auto count = parse_unsigned<std::uint32_t>(value);
    if (!count || *count == 0 || *count > kTopMax) return "top is a number from 1 to " + std::to_string(kTopMax);
    question.count = *count;
    return "";
  }
  if (name == "order") {
    question.by_bytes = value == "bytes";
    return value == "bytes" || value == "hits" ? "" : "order is hits or bytes";
  }
  return "unknown parameter " + std::string(name) + "; expected url, or top and order";
}

QuestionRead read_question(std::string_view query) {
  QuestionRead read;
  while (!query.empty() && read.problem.empty()) {
    const std::string_view member = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), member.size() + 1));
    const std::size_t equals = std::min(member.find('='), member.size());
    const auto value = web::percent_decode(member.substr(std::min(equals + 1, member.size())));
    if (!value)
      read.problem = "a broken escape in the query";
    else
      read.problem = read_parameter(member.substr(0, equals), *value, read.question);
  }
  const bool has_url = !read.question.url.empty();
  if (read.problem.empty() && has_url && read.question.count != 0) read.problem = "expected url or top, not both";
  if (!has_url && read.question.count == 0) read.question.count = kTopDefault;
  return read;
}

web::Response look(const Context& context, const web::Request& request) {
  const QuestionRead read = read_question(request.query);
  if (!read.problem.empty()) return web::make_problem(400, read.problem);
  CacheAnswer answer = context->actions.look_into_cache(read.question);
  if (!answer.problem.empty()) return web::make_problem(400, answer.problem);
  return make_json(std::move(answer.objects));
}

}  // namespace

void add_cache_routes(web::Router& router, const Context& context) {
  router.add("GET", "/api/v1/cache",
             web::at_once([context](const web::Request& request) { return look(context, request); }));
  router.add("POST", "/api/v1/purge",
             web::at_once([context](const web::Request& request) { return purge(context, request); }), kAdminBodyMax);
}

}  // namespace shellac::edge
