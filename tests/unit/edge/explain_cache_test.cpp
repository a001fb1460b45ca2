#include "edge/explain_cache.hpp"

#include <gmock/gmock.h>

#include <boost/json.hpp>

#include "shellac/edge/explain.hpp"

namespace shellac::edge {
namespace {

namespace json = boost::json;

class ExplainCache : public testing::Test {
 protected:
  ExplainCache() {
    auto& listener = config.listeners.emplace_back();
    listener.name = "http";
    listener.binds = {{parse_endpoint("0.0.0.0:80").value()}};
    auto& pool = config.pools.emplace_back();
    pool.name = "web";
    pool.backends = {{"web1", "127.0.0.1:9001", "ams1"}};
    pool.sticky.emplace().cookie = "STICK";
    config.cache.enabled = true;
    config.cache.policies.emplace_back().name = "pages";
    auto& route = config.routes.emplace_back();
    route.name = "rest";
    route.action = route::ToPool{"web"};
    route.cache = "pages";
  }
  cache::PolicyOptions& policy() { return config.cache.policies[0]; }
  json::object of(const std::string& url, std::vector<std::string> fields = {}) {
    options.url = url;
    options.fields = std::move(fields);
    return explain(config, options).at("cache").as_object();
  }
  // What would become of such an answer.
  json::object answer(const json::object& view, std::string_view text) {
    for (const auto& row : view.at("answers").as_array())
      if (row.at("answer").as_string() == text) return row.as_object();
    ADD_FAILURE() << text;
    return {};
  }

  Options config;
  ExplainOptions options;
};

TEST_F(ExplainCache, SaysOffWithoutAPolicy) {
  config.routes[0].cache.clear();
  EXPECT_EQ(of("http://h/"), (json::object{{"policy", "off"}}));
}

TEST_F(ExplainCache, ShowsTheKey) {
  policy().query.drop = {"utm_*"};
  policy().key_headers = {"X-Device"};
  policy().key_cookies = {"lang"};
  const auto view = of("http://H:80/a//b/../c?utm_source=x&d=1", {"X-Device: phone", "Cookie: lang=nl"});
  EXPECT_EQ(view.at("policy"), "pages");
  EXPECT_EQ(view.at("looked_up"), true);
  EXPECT_EQ(view.at("key"), "http://h/a/c?d=1 + header x-device=phone + cookie lang=nl");
}

TEST_F(ExplainCache, SaysWhyARequestPasses) {
  const auto why = [&](const std::string& method, const std::vector<std::string>& fields) {
    options.method = method;
    const auto view = of("http://h/", fields);
    EXPECT_EQ(view.at("looked_up").as_bool(), !view.contains("why"));
    return view.contains("why") ? std::string(view.at("why").as_string()) : std::string();
  };
  EXPECT_EQ(why("GET", {}), "");
  EXPECT_EQ(why("HEAD", {}), "");
  EXPECT_EQ(why("POST", {}), "method");
  EXPECT_EQ(why("GET", {"Cookie: a=1"}), "cookie");
  EXPECT_EQ(why("GET", {"Cookie: STICK=1"}), "");
  EXPECT_EQ(why("GET", {"Cookie: STICK=1; a=1"}), "cookie");
  EXPECT_EQ(why("GET", {"Content-Length: 1"}), "body");
  EXPECT_EQ(why("GET", {"Connection: upgrade", "Upgrade: websocket"}), "upgrade");
  EXPECT_EQ(why("GET", {"Cache-Control: no-store"}), "");
  policy().honour_request_cache_control = true;
  policy().ignore_cookies = {"a"};
  EXPECT_EQ(why("GET", {"Cache-Control: no-store"}), "no_store");
  EXPECT_EQ(why("GET", {"Cookie: STICK=1; a=1"}), "");
}

TEST_F(ExplainCache, SaysWhatItTakesToBeStored) {
  auto view = of("http://h/");
  EXPECT_EQ(answer(view, "200").at("why"), "no_freshness");
  EXPECT_EQ(answer(view, "200, Cache-Control: max-age=60").at("stored"), true);
  EXPECT_EQ(answer(view, "200, Cache-Control: max-age=60").at("fresh"), "1m");
  EXPECT_EQ(answer(view, "200, Cache-Control: max-age=60").at("grace"), "10s");
  EXPECT_EQ(answer(view, "200, Cache-Control: s-maxage=60").at("grace"), "-");
  EXPECT_EQ(answer(view, "200, Cache-Control: max-age=60, Set-Cookie").at("why"), "set_cookie");
  EXPECT_EQ(answer(view, "404").at("fresh"), "10s");
  EXPECT_EQ(answer(view, "500").at("stored"), false);
  policy().default_ttl = std::chrono::hours(1);
  policy().strip_set_cookie = true;
  view = of("http://h/");
  EXPECT_EQ(answer(view, "200").at("fresh"), "1h");
  EXPECT_EQ(answer(view, "200, Cache-Control: max-age=60, Set-Cookie").at("stored"), true);
  view = of("http://h/", {"Authorization: Basic eDp5"});
  EXPECT_EQ(answer(view, "200, Cache-Control: max-age=60").at("why"), "authorization");
  EXPECT_EQ(answer(view, "200, Cache-Control: max-age=60, public").at("stored"), true);
}

}  // namespace
}  // namespace shellac::edge
