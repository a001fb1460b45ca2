#include "edge/cache_view.hpp"

#include <gmock/gmock.h>

#include <boost/json.hpp>
#include <map>

#include "cache/store_fixture.hpp"
#include "shellac/cache/key.hpp"
#include "shellac/cache/tags.hpp"

namespace shellac::edge {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class CacheView : public cache::StoreTest {
 protected:
  CacheView() {
    add_policy("pages").query.drop = {"utm_*"};
    add_policy("shop").key_headers = {"X-Device"};
    auto& photos = add_route("photos", "pages");
    photos.match.path = {"/i/*"};
    photos.normalize_path = route::NormalizePath::none;
    add_route("staff", "shop").match.header = {{"X-Staff", "*"}};
    add_route("inside", "").match.client = {parse_network("10.0.0.0/8").value()};
    add_route("rest", "pages");
    add_route("never", "shop");
  }
  cache::PolicyOptions& add_policy(const std::string& name) {
    auto& policy = policies.emplace_back();
    policy.name = name;
    return policy;
  }
  route::RouteOptions& add_route(const std::string& name, const std::string& policy) {
    auto& route = routes.emplace_back();
    route.name = name;
    route.action = route::ToPool{"web"};
    route.cache = policy;
    return route;
  }
  const proxy::Config& config() {
    if (config_) return *config_;
    config_ = std::make_unique<proxy::Config>(routes);
    std::map<std::string, std::shared_ptr<const cache::Policy>, std::less<>> made;
    for (const auto& policy : policies) made[policy.name] = std::make_shared<const cache::Policy>(policy);
    for (const auto& route : routes) config_->policy_of_route.push_back(made[route.cache]);
    cache();
    config_->cache = std::shared_ptr<cache::Cache>(std::shared_ptr<void>(), cache_.get());
    return *config_;
  }
  std::vector<std::string> keys_of(const std::string& url) {
    std::vector<std::string> keys;
    for (const auto& one : find_stored_urls(config(), parse_url(url).url))
      keys.push_back(one.route + " " + one.key + (one.has_more_keys ? " and more" : ""));
    return keys;
  }
  Purged purge_url(const std::string& url, bool soft = false) {
    return purge(config(), {PurgeOrder::What::url, url, soft}, now_);
  }
  std::size_t stored(const std::string& url) { return look_into_cache(config(), {url}, now_).objects.size(); }

  std::vector<cache::PolicyOptions> policies;
  std::vector<route::RouteOptions> routes;
  std::unique_ptr<proxy::Config> config_;
};

// Every route whose host and path fit may have stored an answer, up to the first that takes any request.
TEST_F(CacheView, KnowsWhereAUrlMayBeStored) {
  EXPECT_THAT(keys_of("http://H.example:80/a/../b?utm_x=1&c=2#d"),
              ElementsAre("staff http://h.example/b?utm_x=1&c=2 and more", "rest http://h.example/b?c=2"));
  EXPECT_THAT(keys_of("https://h/i//x"), ElementsAre("photos https://h/i//x"));
  EXPECT_THAT(keys_of("https://h:8443"), ElementsAre("staff https://h:8443/ and more"));
}

TEST_F(CacheView, PurgesAUrlUnderEveryKey) {
  const auto& at = config();
  store("http://h/b?c=2", "rest");
  store("http://h/other", "other");
  Arena arena;
  http::Fields fields;
  fields.add("X-Device", "phone");
  const cache::Policy& shop = *at.policy_of_route[1];
  const auto key = cache::make_key(shop, {"http", "h", "/b", "?c=2", &fields}, arena);
  Answer answer;
  answer.tags = {cache::tag_of_url("http://h/b?c=2", arena)};
  store(key, "shop", answer);
  const auto objects = look_into_cache(at, {"http://h/b?c=2"}, now_).objects;
  ASSERT_EQ(objects.size(), 2u);
  EXPECT_THAT(std::string(objects.at(1).as_object().at("key").as_string()), HasSubstr("http://h/b?c=2 + "));
  EXPECT_TRUE(objects.at(1).as_object().at("tags").as_array().empty());
  const Purged purged = purge_url("http://h/b?c=2");
  EXPECT_EQ(purged.problem, "");
  EXPECT_EQ(purged.objects, 2u);
  EXPECT_EQ(ask(key).kind, Kind::lead);
  EXPECT_EQ(ask("http://h/b?c=2").kind, Kind::lead);
  EXPECT_EQ(ask("http://h/other").kind, Kind::hit);
}

TEST_F(CacheView, PurgesSoftly) {
  Answer answer;
  answer.grace = std::chrono::seconds(10);
  store("http://h/", "x", answer);
  EXPECT_EQ(purge_url("http://h/", true).objects, 1u);
  EXPECT_EQ(ask("http://h/").kind, Kind::stale);
}

TEST_F(CacheView, PurgesTagsAndEverything) {
  Answer answer;
  answer.tags = {"front"};
  store("http://h/1", "x", answer);
  store("http://h/2", "x", answer);
  store("http://h/3", "x");
  EXPECT_EQ(purge(config(), {PurgeOrder::What::tag, "front"}, now_).objects, 2u);
  EXPECT_EQ(ask("http://h/1").kind, Kind::lead);
  EXPECT_EQ(purge(config(), {PurgeOrder::What::all, ""}, now_).objects, 1u);
  EXPECT_EQ(ask("http://h/3").kind, Kind::lead);
}

TEST_F(CacheView, SaysWhatIsWrong) {
  EXPECT_THAT(purge_url("ftp://h/").problem, HasSubstr("http://HOST/PATH"));
  EXPECT_THAT(look_into_cache(config(), {"h"}, now_).problem, HasSubstr("http://HOST/PATH"));
  config_->cache.reset();
  for (const auto what : {PurgeOrder::What::url, PurgeOrder::What::tag, PurgeOrder::What::all})
    EXPECT_EQ(purge(*config_, {what, "http://h/"}, now_).problem, "the configuration has no section cache");
  EXPECT_EQ(look_into_cache(*config_, {"http://h/"}, now_).problem, "the configuration has no section cache");
}

TEST_F(CacheView, ShowsWhatIsStored) {
  Answer answer;
  answer.vary = "accept-language";
  answer.grace = std::chrono::seconds(10);
  answer.tags = {"front"};
  answer.says = {{"accept-language", "nl"}};
  store("http://h/", "vier", answer);
  answer.says = {{"accept-language", "en"}};
  store("http://h/", "four", answer);
  pass(std::chrono::seconds(20));
  EXPECT_EQ(purge(config(), {PurgeOrder::What::tag, "none"}, now_).objects, 0u);
  const auto objects = look_into_cache(config(), {"http://h/?utm_source=x"}, now_).objects;
  ASSERT_EQ(objects.size(), 2u);
  const auto& one = objects.at(0).as_object();
  EXPECT_EQ(one.at("key"), "http://h/");
  EXPECT_EQ(one.at("status"), 200);
  EXPECT_EQ(one.at("age"), 20.0);
  EXPECT_EQ(one.at("ttl"), 40.0);
  EXPECT_EQ(one.at("grace_left"), 10.0);
  EXPECT_EQ(one.at("size"), 4u);
  EXPECT_EQ(one.at("tags"), boost::json::array{"front"});
  EXPECT_EQ(one.at("vary"), "accept-language");
  EXPECT_EQ(stored("http://h/other"), 0u);
}

TEST_F(CacheView, ShowsTheMostWanted) {
  store("http://h/1", "x");
  store("http://h/2", std::string(3000, 'x'));
  for (int i = 0; i < 3; ++i) ask("http://h/1");
  const auto top = look_into_cache(config(), {"", 1}, now_).objects;
  ASSERT_EQ(top.size(), 1u);
  EXPECT_EQ(top.at(0).as_object().at("key"), "http://h/1");
  EXPECT_EQ(look_into_cache(config(), {"", 1, true}, now_).objects.at(0).as_object().at("key"), "http://h/2");
  EXPECT_EQ(look_into_cache(config(), {"", 10}, now_).objects.size(), 2u);
}

}  // namespace
}  // namespace shellac::edge
