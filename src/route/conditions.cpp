#include "route/conditions.hpp"

#include <algorithm>

#include "route/pattern.hpp"
#include "shellac/core/text.hpp"

namespace shellac::route {

using Why = TraceStep::Why;

Conditions::Conditions(const MatchOptions& options, NormalizePath mode)
    : mode_(mode), methods_(options.method), clients_(options.client) {
  for (const auto& host : options.host) hosts_.emplace_back(HostName(host).text());
  for (const auto& path : options.path) paths_.push_back(normalize_pattern(path, mode));
  for (const auto& [name, glob] : options.header) headers_.push_back({name, glob, http::field_id(name)});
  if (hosts_.empty()) hosts_.emplace_back("*");
  if (paths_.empty()) paths_.emplace_back("*");
}

// A name that stands on several lines matches with any of them.
bool Conditions::Header::matches(const http::Fields& fields) const {
  return std::any_of(fields.begin(), fields.end(), [this](const http::Field& field) {
    if (field.id != id || (id == http::FieldId::other && !iequals(field.name, name))) return false;
    return glob_match(glob, field.value);
  });
}

Why Conditions::check_more(const Query& query) const {
  if (!methods_.empty() && std::find(methods_.begin(), methods_.end(), query.method) == methods_.end())
    return Why::method;
  for (const auto& header : headers_)
    if (!header.matches(*query.fields)) return Why::header;
  if (!clients_.empty() && !(query.has_client && clients_.contains(query.client))) return Why::client;
  return Why::matched;
}

bool Conditions::asks_same_as(const Conditions& other) const {
  return methods_ == other.methods_ && headers_ == other.headers_ && clients_ == other.clients_;
}

Why Conditions::check_place(const HostName& host, std::optional<std::string_view> path) const {
  const auto is_host = [&](const std::string& pattern) { return host_matches(pattern, host.text()); };
  if (std::none_of(hosts_.begin(), hosts_.end(), is_host)) return Why::host;
  const auto is_path = [&](const std::string& pattern) { return glob_match(pattern, *path); };
  if (!path) return Why::path_refused;
  if (std::none_of(paths_.begin(), paths_.end(), is_path)) return Why::path;
  return Why::matched;
}

}  // namespace shellac::route
