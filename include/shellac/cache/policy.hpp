// A cache policy, ready to be asked.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "shellac/cache/options.hpp"
#include "shellac/http/fields.hpp"

namespace shellac::cache {

// A list of globs of names (of cookies, of members of a query): case counts. Immutable.
class NameGlobs {
 public:
  explicit NameGlobs(const std::vector<std::string>& globs);
  bool matches(std::string_view name) const;
  bool empty() const { return exact_.empty() && globs_.empty(); }

 private:
  std::vector<std::string> exact_;  // sorted
  std::vector<std::string> globs_;
};

// Made once when the configuration is compiled, shared by all workers. Immutable. Thread: any.
class Policy {
 public:
  explicit Policy(PolicyOptions options);
  Policy(const Policy&) = delete;
  Policy& operator=(const Policy&) = delete;

  const PolicyOptions& options() const { return options_; }
  // Request directives count.
  bool listens() const { return options_.strict_rfc || options_.honour_request_cache_control; }
  // A cookie that does not keep a request from being looked up: the policy ignores it or it is a part of the key.
  bool ignores_cookie(std::string_view name) const;
  bool ignores_all_cookies() const { return options_.strict_rfc || options_.ignore_all_cookies; }
  // A member of the query that counts in the key.
  bool keeps_query_member(std::string_view name) const;
  bool changes_query() const { return changes_query_; }

  struct KeyHeader {
    std::string name;  // lower case
    http::FieldId id;
  };
  const std::vector<KeyHeader>& key_headers() const { return key_headers_; }    // sorted by name
  const std::vector<std::string>& key_cookies() const { return key_cookies_; }  // sorted
  // A URL has more keys than one.
  bool has_key_parts() const { return !key_headers_.empty() || !key_cookies_.empty(); }

 private:
  PolicyOptions options_;
  NameGlobs ignored_cookies_, dropped_, kept_;
  std::vector<KeyHeader> key_headers_;
  std::vector<std::string> key_cookies_;
  bool changes_query_;
};

}  // namespace shellac::cache
