// What a route asks of a request, one route at a time.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "route/host_index.hpp"
#include "shellac/route/table.hpp"

namespace shellac::route {

// `match` of one route, compiled: hosts and patterns in the form in which they are compared. Immutable.
class Conditions {
 public:
  Conditions(const MatchOptions& options, NormalizePath mode);

  NormalizePath mode() const { return mode_; }
  const std::vector<std::string>& hosts() const { return hosts_; }  // never empty: "*" stands for all
  const std::vector<std::string>& paths() const { return paths_; }  // likewise
  bool has_more() const { return !methods_.empty() || !headers_.empty() || !clients_.empty(); }

  // The first of method, header and client that fails, or `matched`.
  TraceStep::Why check_more(const Query& query) const;
  // Whether both ask the same of method, header and client.
  bool asks_same_as(const Conditions& other) const;
  // The first of host and path that fails, or `matched`, one pattern after the other. `path` is empty when the route's
  // form was refused.
  TraceStep::Why check_place(const HostName& host, std::optional<std::string_view> path) const;

 private:
  struct Header {
    std::string name;
    std::string glob;
    http::FieldId id;
    bool matches(const http::Fields& fields) const;
    bool operator==(const Header&) const = default;
  };
  NormalizePath mode_;
  std::vector<std::string> hosts_, paths_, methods_;
  std::vector<Header> headers_;
  NetworkSet clients_;
};

}  // namespace shellac::route
