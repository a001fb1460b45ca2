// Short words for routes and requests.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shellac/route/table.hpp"

namespace shellac::route {

inline Network network(std::string_view text) { return parse_network(text).value(); }

// A request that owns what a Query looks at.
struct Request {
  std::string host = "example.com";
  std::string path = "/";
  std::string method = "GET";
  std::vector<std::pair<std::string, std::string>> fields{};
  std::string client = "192.0.2.1";  // empty: none
};

class Asked {
 public:
  explicit Asked(Request request) : request_(std::move(request)), forms_(request_.path, arena_) {
    for (const auto& [name, value] : request_.fields) fields_.add(name, value);
    query_ = {request_.method, request_.host, &forms_, &fields_, {}, !request_.client.empty()};
    if (query_.has_client) query_.client = parse_ip(request_.client).value();
  }
  const Query& query() const { return query_; }
  const PathForms& forms() const { return forms_; }
  Arena& arena() { return arena_; }

 private:
  Request request_;
  Arena arena_;
  PathForms forms_;
  http::Fields fields_;
  Query query_;
};

inline RouteOptions route(std::string name, MatchOptions match = {}, NormalizePath mode = NormalizePath::full) {
  RouteOptions options;
  options.name = std::move(name);
  options.match = std::move(match);
  options.normalize_path = mode;
  options.action = ToPool{"web"};
  return options;
}

// The name of the route that the request takes, or "-".
inline std::string taken(const Table& table, const Request& request) {
  const Asked asked(request);
  const Match match = table.match(asked.query());
  return match.route ? match.route->name : "-";
}

}  // namespace shellac::route
