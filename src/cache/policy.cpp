#include "shellac/cache/policy.hpp"

#include <algorithm>

#include "shellac/core/text.hpp"

namespace shellac::cache {

NameGlobs::NameGlobs(const std::vector<std::string>& globs) {
  for (const std::string& glob : globs) (glob.find('*') == glob.npos ? exact_ : globs_).push_back(glob);
  std::ranges::sort(exact_);
}

bool NameGlobs::matches(std::string_view name) const {
  if (std::ranges::binary_search(exact_, name, std::less<std::string_view>{})) return true;
  return std::ranges::any_of(globs_, [&](const std::string& glob) { return glob_match(glob, name); });
}

Policy::Policy(PolicyOptions options)
    : options_(std::move(options)),
      ignored_cookies_(options_.ignore_cookies),
      dropped_(options_.query.drop),
      kept_(options_.query.keep),
      key_cookies_(options_.key_cookies),
      changes_query_(options_.query.sort || !dropped_.empty() || !kept_.empty()) {
  for (const std::string& name : options_.key_headers) key_headers_.push_back({lowercase(name), http::field_id(name)});
  std::ranges::sort(key_headers_, {}, &KeyHeader::name);
  std::ranges::sort(key_cookies_);
}

bool Policy::ignores_cookie(std::string_view name) const {
  return ignores_all_cookies() || ignored_cookies_.matches(name) ||
         std::ranges::binary_search(key_cookies_, name, std::less<std::string_view>{});
}

bool Policy::keeps_query_member(std::string_view name) const {
  return (kept_.empty() || kept_.matches(name)) && !dropped_.matches(name);
}

}  // namespace shellac::cache
