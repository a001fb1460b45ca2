// Purges, and looks into the cache, by URLs as people write them.
#pragma once

#include <string>
#include <vector>

#include "shellac/edge/admin.hpp"
#include "shellac/proxy/proxy.hpp"
#include "url.hpp"

namespace shellac::edge {

// Where answers for a URL may be stored.
struct StoredUrl {
  std::string route;
  const cache::Policy* policy = nullptr;  // the configuration's
  std::string key;                        // without the policy's headers and cookies
  bool has_more_keys = false;             // the policy has such: the store knows all keys of the URL by a tag
};
// One for each key under which a route could have stored an answer to a GET of that URL. Which route a request takes
// can depend on its fields and its client: every route counts whose host and path fit.
std::vector<StoredUrl> find_stored_urls(const proxy::Config& config, const Url& url);

// A key as people can read it: its headers and cookies stand behind control octets.
std::string shown_key(std::string_view key);

// Thread: any.
Purged purge(const proxy::Config& config, const PurgeOrder& order, Time now);
// Those that come as requests with the method PURGE. Thread: any.
class RequestPurges final : public proxy::PurgeBus {
 public:
  std::optional<std::size_t> purge(const proxy::Config& config, const Order& order, Time now) override;
};
CacheAnswer look_into_cache(const proxy::Config& config, const CacheQuestion& question, Time now);

}  // namespace shellac::edge
