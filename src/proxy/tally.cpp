#include "tally.hpp"

#include <array>

namespace shellac::proxy {
namespace {

constexpr std::array<std::string_view, 6> kClasses{"other", "1xx", "2xx", "3xx", "4xx", "5xx"};

std::size_t class_of(int status) { return status >= 100 && status < 600 ? static_cast<std::size_t>(status / 100) : 0; }
double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

std::string_view label_of(http::Method method) {
  switch (method) {
    case http::Method::get:
      return "GET";
    case http::Method::head:
      return "HEAD";
    case http::Method::post:
      return "POST";
    case http::Method::put:
      return "PUT";
    case http::Method::delete_:
      return "DELETE";
    case http::Method::connect:
      return "CONNECT";
    case http::Method::options:
      return "OPTIONS";
    case http::Method::trace:
      return "TRACE";
    case http::Method::patch:
      return "PATCH";
    case http::Method::purge:
      return "PURGE";
    case http::Method::other:
      break;
  }
  return "other";
}

}  // namespace

Metrics::Metrics(metrics::Registry& registry)
    : requests(registry.counters("shellac_requests_total", "Requests by where they came in and how they ended.",
                                 {"listener", "route", "method", "status_class", "cache"})),
      duration(registry.histograms("shellac_request_duration_seconds", "From the complete head to the last octet sent.",
                                   {"route", "cache"})),
      request_bytes(registry.counters("shellac_request_bytes_total", "Octets of request bodies.", {"route"})),
      response_bytes(
          registry.counters("shellac_response_bytes_total", "Octets of response bodies.", {"route", "cache"})),
      backend_requests(registry.counters("shellac_backend_requests_total", "Requests by backend and its answer.",
                                         {"pool", "backend", "zone", "status_class"})),
      backend_response(registry.histograms("shellac_backend_response_seconds", "Until the first octet of the answer.",
                                           {"pool", "backend"})),
      backend_errors(registry.counters("shellac_backend_errors_total", "Requests that a backend failed.",
                                       {"pool", "backend", "reason"})),
      retries(registry.counters("shellac_retries_total", "Requests sent again.", {"pool", "reason", "result"})),
      refusals(registry.counters("shellac_backend_queue_rejected_total", "Requests that no server could take.",
                                 {"pool", "reason"})),
      sticky(
          registry.counters("shellac_sticky_total", "Requests by what their sticky cookie said.", {"pool", "result"})),
      lookups(registry.counters("shellac_cache_lookups_total",
                                "Requests of routes with a cache, by what became of them.", {"policy", "result"})),
      lookup_bytes(registry.counters("shellac_cache_lookup_bytes_total", "Octets of their answers' bodies.",
                                     {"policy", "result"})),
      not_stored(registry.counters("shellac_cache_not_stored_total", "Answers that were not stored.", {"reason"})) {}

void Tally::count(const RequestRecord& record, const Where& where, http::Method method) {
  const route::Route* const route = where.route;
  const std::string_view name = route ? std::string_view(route->name) : std::string_view("none");
  const std::string_view cache = to_string(record.cache);
  RouteCells& cells = routes_[route][static_cast<std::size_t>(record.cache)];
  if (cells.duration == nullptr) {
    cells.duration = &metrics_.duration.at(shard_, {name, cache});
    cells.request_bytes = &metrics_.request_bytes.at(shard_, {name});
    cells.response_bytes = &metrics_.response_bytes.at(shard_, {name, cache});
  }
  const std::size_t status_class = class_of(record.status);
  // A listener's name lives as long as its connections; the address of its first letter stands for it.
  const std::uint64_t key = (reinterpret_cast<std::uintptr_t>(record.listener.data()) << 8) ^
                            (static_cast<std::uint64_t>(method) << 4) ^ status_class;
  metrics::Counter*& requests = cells.requests[key];
  if (requests == nullptr)
    requests = &metrics_.requests.at(shard_, {record.listener, name, label_of(method), kClasses[status_class], cache});
  requests->add();
  cells.duration->observe(seconds(record.t_total));
  if (record.bytes_in > 0) cells.request_bytes->add(record.bytes_in);
  if (record.bytes_out > 0) cells.response_bytes->add(record.bytes_out);
  if (where.policy.empty()) return;
  if (cells.lookups == nullptr) {
    cells.lookups = &metrics_.lookups.at(shard_, {where.policy, cache});
    cells.lookup_bytes = &metrics_.lookup_bytes.at(shard_, {where.policy, cache});
  }
  cells.lookups->add();
  if (record.bytes_out > 0) cells.lookup_bytes->add(record.bytes_out);
}

void Tally::count_backend(const upstream::Pool& pool, const upstream::Backend& backend, int status, Duration response) {
  BackendCells& cells = backends_[&backend];
  const std::size_t status_class = class_of(status);
  metrics::Counter*& counter = cells.by_class[status_class];
  if (counter == nullptr)
    counter =
        &metrics_.backend_requests.at(shard_, {pool.options.name, backend.name, backend.zone, kClasses[status_class]});
  if (cells.response == nullptr)
    cells.response = &metrics_.backend_response.at(shard_, {pool.options.name, backend.name});
  counter->add();
  cells.response->observe(seconds(response));
}

void Tally::count_backend_error(const upstream::Pool& pool, const upstream::Backend& backend, std::string_view reason) {
  metrics_.backend_errors.at(shard_, {pool.options.name, backend.name, reason}).add();
}

void Tally::count_retry(const upstream::Pool& pool, std::string_view reason, std::string_view result) {
  metrics_.retries.at(shard_, {pool.options.name, reason, result}).add();
}

void Tally::count_refusal(const upstream::Pool& pool, std::string_view reason) {
  metrics_.refusals.at(shard_, {pool.options.name, reason}).add();
}

void Tally::count_not_stored(cache::NotStored why) { metrics_.not_stored.at(shard_, {to_string(why)}).add(); }

void Tally::count_sticky(const upstream::Pool& pool, balance::StickyResult result) {
  metrics::Counter*& counter = sticky_[&pool][static_cast<std::size_t>(result)];
  if (counter == nullptr) counter = &metrics_.sticky.at(shard_, {pool.options.name, to_string(result)});
  counter->add();
}

}  // namespace shellac::proxy
