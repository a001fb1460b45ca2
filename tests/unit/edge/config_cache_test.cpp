// The section `cache`, and the policy of a route: what is read, and what is said of mistakes.
#include "config_fixture.hpp"

namespace shellac::edge {
namespace {

using ::testing::Values;
using Texts = std::vector<std::string>;

Options good(std::string_view text) {
  LoadedConfig loaded = load_text(text);
  for (const config::Problem& problem : loaded.problems) ADD_FAILURE() << to_string(problem);
  return loaded.options.value_or(Options{});
}

TEST(ConfigCache, IsOffWhenAbsent) {
  Options options = good(top_1_1("zone: a"));
  EXPECT_FALSE(options.cache.enabled);
  EXPECT_TRUE(options.cache.policies.empty());
  EXPECT_EQ(options.routes.at(0).cache, "");
}

TEST(ConfigCache, HasDefaults) {
  Options options = good(top_1_1("cache: { policies: { pages: {} } }"));
  EXPECT_TRUE(options.cache.enabled);
  EXPECT_EQ(options.cache.memory, 1_GiB);
  EXPECT_TRUE(options.cache.purge_from.empty());
  ASSERT_EQ(options.cache.policies.size(), 1u);
  const cache::PolicyOptions& policy = options.cache.policies[0];
  EXPECT_EQ(policy.name, "pages");
  EXPECT_EQ(policy.default_ttl, Duration(0));
  EXPECT_FALSE(policy.heuristic);
  EXPECT_EQ(policy.grace, std::chrono::seconds(10));
  EXPECT_EQ(policy.keep, std::chrono::hours(1));
  EXPECT_EQ(policy.stale_if_error, Duration(0));
  EXPECT_EQ(policy.negative_ttl, std::chrono::seconds(10));
  EXPECT_FALSE(policy.grace_over_s_maxage);
  EXPECT_FALSE(policy.ignore_all_cookies);
  EXPECT_TRUE(policy.ignore_cookies.empty());
  EXPECT_FALSE(policy.strip_set_cookie);
  EXPECT_FALSE(policy.honour_request_cache_control);
  EXPECT_FALSE(policy.strict_rfc);
  EXPECT_EQ(policy.max_object, 16_MiB);
  EXPECT_EQ(policy.min_uses, 1u);
  EXPECT_EQ(policy.max_variants, 32u);
  EXPECT_FALSE(policy.query.sort);
  EXPECT_TRUE(policy.query.drop.empty());
  EXPECT_TRUE(policy.query.keep.empty());
  EXPECT_TRUE(policy.key_headers.empty());
  EXPECT_TRUE(policy.key_cookies.empty());
  EXPECT_TRUE(policy.normalize_accept_encoding);
  EXPECT_TRUE(policy.accept_languages.empty());
}

TEST(ConfigCache, ReadsEveryKey) {
  Options options = good(R"(cache:
  memory: 64MiB
  peers: []
  purge_from: [ 10.0.0.0/8, "::1" ]
  policies:
    all:
      default_ttl: 1m
      heuristic: true
      grace: 30s
      keep: 2h
      stale_if_error: 1d
      negative_ttl: 5s
      grace_over_s_maxage: true
      ignore_request_cookies: true
      strip_set_cookie: true
      honour_request_cache_control: true
      strict_rfc: true
      max_object: 8MiB
      min_uses: 2
      max_variants: 4
      query: { sort: true, drop: [ "utm_*", fbclid ] }
      key: { headers: [ X-Device ], cookies: currency }
      normalize: { accept_encoding: false, accept_language: [ nl-BE, en ] }
      compress: []
    some: { ignore_request_cookies: [ "_ga*", _fbp ], query: { keep: page } }
    none: { ignore_request_cookies: false }
listeners: [ { name: l, bind: "127.0.0.1:8080" } ]
pools: { web: { backends: [ { name: a, address: "127.0.0.1:9001" } ] } }
routes: [ { name: a, pool: web, cache: some }, { name: b, pool: web, cache: off }, { name: c, respond: { body: x }, cache: all } ]
)");
  EXPECT_EQ(options.cache.memory, 64_MiB);
  EXPECT_EQ(options.cache.purge_from.size(), 2u);
  ASSERT_EQ(options.cache.policies.size(), 3u);
  const cache::PolicyOptions& all = options.cache.policies[0];
  EXPECT_EQ(all.default_ttl, std::chrono::minutes(1));
  EXPECT_TRUE(all.heuristic);
  EXPECT_EQ(all.grace, std::chrono::seconds(30));
  EXPECT_EQ(all.keep, std::chrono::hours(2));
  EXPECT_EQ(all.stale_if_error, std::chrono::hours(24));
  EXPECT_EQ(all.negative_ttl, std::chrono::seconds(5));
  EXPECT_TRUE(all.grace_over_s_maxage);
  EXPECT_TRUE(all.ignore_all_cookies);
  EXPECT_TRUE(all.strip_set_cookie);
  EXPECT_TRUE(all.honour_request_cache_control);
  EXPECT_TRUE(all.strict_rfc);
  EXPECT_EQ(all.max_object, 8_MiB);
  EXPECT_EQ(all.min_uses, 2u);
  EXPECT_EQ(all.max_variants, 4u);
  EXPECT_TRUE(all.query.sort);
  EXPECT_EQ(all.query.drop, (Texts{"utm_*", "fbclid"}));
  EXPECT_EQ(all.key_headers, Texts{"X-Device"});
  EXPECT_EQ(all.key_cookies, Texts{"currency"});
  EXPECT_FALSE(all.normalize_accept_encoding);
  EXPECT_EQ(all.accept_languages, (Texts{"nl-BE", "en"}));
  const cache::PolicyOptions& some = options.cache.policies[1];
  EXPECT_FALSE(some.ignore_all_cookies);
  EXPECT_EQ(some.ignore_cookies, (Texts{"_ga*", "_fbp"}));
  EXPECT_EQ(some.query.keep, Texts{"page"});
  EXPECT_FALSE(options.cache.policies[2].ignore_all_cookies);
  EXPECT_EQ(options.routes[0].cache, "some");
  EXPECT_EQ(options.routes[1].cache, "");
  EXPECT_EQ(options.routes[2].cache, "all");
}

TEST(ConfigCache, AnObjectIsAtMostAnEighthOfTheMemory) {
  auto max_object = [](std::string_view memory) {
    return good(top_1_1("cache: { memory: " + std::string(memory) + ", policies: { p: {} } }"))
        .cache.policies.at(0)
        .max_object;
  };
  EXPECT_EQ(max_object("128MiB"), 16_MiB);
  EXPECT_EQ(max_object("4GiB"), 16_MiB);
  EXPECT_EQ(max_object("64MiB"), 8_MiB);
  EXPECT_EQ(max_object("1MiB"), 128_KiB);
}

INSTANTIATE_TEST_SUITE_P(
    Cache, BadConfigs,
    Values(
        BadConfig{top_1_1("cache: {}"), {}}, BadConfig{top_1_1("cache: { peers: [], policies: {} }"), {}},
        BadConfig{top_1_1("cache: off"), {"1:8: cache: found \"off\", expected a map"}},
        BadConfig{policy_5_7("max_object: 128MiB"), {}},
        BadConfig{policy_5_7("max_object: 129MiB"),
                  {"5:19: cache.policies.pages.max_object: found \"129MiB\", expected at most an eighth of "
                   "cache.memory (1GiB / 8 = 128MiB)"}},
        BadConfig{top_1_1("cache: { memory: 8MiB, policies: { p: { max_object: 1025KiB } } }"),
                  {"1:53: cache.policies.p.max_object: found \"1025KiB\", expected at most an eighth of cache.memory "
                   "(8MiB / 8 = 1MiB)"}},
        BadConfig{policy_5_7("max_object: 0B"), {"5:19: cache.policies.pages.max_object: found \"0B\""}},
        BadConfig{policy_5_7("default_ttl: 10\n      graze: 1s"),
                  {"5:20: cache.policies.pages.default_ttl: found \"10\"",
                   "6:7: cache.policies.pages.graze: unknown key, did you mean \"grace\"?"}},
        BadConfig{policy_5_7("heuristic: yes\n      keep: -1s\n      stale_if_error: ''"),
                  {"5:18: cache.policies.pages.heuristic: found \"yes\", expected true or false",
                   "6:13: cache.policies.pages.keep: found \"-1s\"",
                   "7:23: cache.policies.pages.stale_if_error: found \"\""}},
        BadConfig{policy_5_7("ignore_request_cookies: maybe\n      compress: [ gzip, deflate ]"),
                  {"5:31: cache.policies.pages.ignore_request_cookies: found \"maybe\", expected true, false or a "
                   "list of globs",
                   "6:7: cache.policies.pages.compress: not in this version yet",
                   "6:25: cache.policies.pages.compress[]: found \"deflate\", expected gzip, br or zstd"}},
        BadConfig{policy_5_7("compress: gzip"), {"5:7: cache.policies.pages.compress: not in this version yet"}},
        BadConfig{policy_5_7("compress: []\n      ignore_request_cookies: []"), {}},
        BadConfig{policy_5_7("ignore_request_cookies: [ '' ]"),
                  {"5:33: cache.policies.pages.ignore_request_cookies[]: found \"\""}},
        BadConfig{policy_5_7("query: { drop: [ a ], keep: [ b ] }"),
                  {"5:29: cache.policies.pages.query.keep: stands beside drop"}},
        BadConfig{policy_5_7("key: { headers: [ \"a b\" ], cookies: [ \"a=b\" ] }\n      min_uses: 0"),
                  {"5:25: cache.policies.pages.key.headers[]: found \"a b\", expected the name of a header field",
                   "5:45: cache.policies.pages.key.cookies[]: found \"a=b\", expected the name of a cookie",
                   "6:17: cache.policies.pages.min_uses: found \"0\""}},
        BadConfig{policy_5_7("normalize: { accept_encoding: gzip, accept_language: [ en, en_GB ] }"),
                  {"5:37: cache.policies.pages.normalize.accept_encoding: found \"gzip\", expected true or false",
                   "5:66: cache.policies.pages.normalize.accept_language[]: found \"en_GB\", expected a language tag"}},
        BadConfig{policy_5_7("normalize: { accept_language: 1en }"),
                  {"5:37: cache.policies.pages.normalize.accept_language: found \"1en\""}},
        BadConfig{policy_5_7("max_variants: 10001"), {"5:21: cache.policies.pages.max_variants: found \"10001\""}},
        BadConfig{
            top_1_1("cache: { memory: lots, peers: [ edge2 ], purge_from: [ 10.0.0.1/8 ], snapshot: {} }"),
            {"1:18: cache.memory: found \"lots\", expected a size", "1:24: cache.peers: not in this version yet",
             "1:33: cache.peers[]: found \"edge2\", expected a URL",
             "1:56: cache.purge_from[]: found \"10.0.0.1/8\", expected 10.0.0.0/8",
             "1:70: cache.snapshot: not in this version yet", "1:80: cache.snapshot.file: missing, expected a path"}},
        BadConfig{top_1_1("cache: { memory: 1023KiB, peers: \"https://edge2.example:9180\" }"),
                  {"1:18: cache.memory: found \"1023KiB\", expected a size from 1MiB",
                   "1:27: cache.peers: not in this version yet"}},
        BadConfig{top_1_1("cache: { snapshot: { file: cache.snapshot } }"),
                  {"1:10: cache.snapshot: not in this version yet"}},
        BadConfig{
            top_1_1("cache: { policies: { off: {}, p: [], \"a b\": {}, q: } }"),
            {"1:22: cache.policies.off: off means no cache", "1:34: cache.policies.p: found a list, expected a map",
             "1:38: cache.policies.a b: found \"a b\", expected a name",
             "1:49: cache.policies.q: found nothing, expected a map"}}));

INSTANTIATE_TEST_SUITE_P(
    CacheOfRoutes, BadConfigs,
    Values(BadConfig{action_5_5("pool: web\n    cache: pages"),
                     {"6:12: routes[].cache: found \"pages\", expected the name of a cache policy, but there is none"}},
           BadConfig{action_5_5("pool: web\n    cache: pags\ncache: { policies: { pages: {}, images: {} } }"),
                     {"6:12: routes[].cache: found \"pags\", expected the name of a cache policy; did you mean "
                      "\"pages\"?"}},
           BadConfig{action_5_5("pool: web\n    cache: pages\ncache: { policies: { pages: {} } }"), {}},
           BadConfig{action_5_5("pool: web\n    cache: [ pages ]\ncache: { policies: { pages: {} } }"),
                     {"6:12: routes[].cache: found a list, expected the name of a cache policy"}},
           BadConfig{action_5_5("pool: web\n    cache: off"), {}}));

}  // namespace
}  // namespace shellac::edge
