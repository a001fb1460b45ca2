// What holds for every key and for every file.
#include <algorithm>
#include <random>
#include <set>

#include "config_fixture.hpp"

namespace shellac::edge {
namespace {

// "a.*.b[].c" → "a: { any: { b: [ { c: ", " } ] } }" and "a.any.b[].c".
struct Nested {
  std::string open, close, path;
};
Nested nest(std::string_view key) {
  Nested nested;
  while (!key.empty()) {
    std::string_view word = key.substr(0, key.find('.'));
    key.remove_prefix(std::min(key.size(), word.size() + 1));
    bool list = word.ends_with("[]");
    std::string name(word == "*" ? "any" : word.substr(0, word.size() - (list ? 2 : 0)));
    nested.path += (nested.path.empty() ? "" : ".") + name + (list ? "[]" : "");
    nested.open += name + (list ? ": [ " : ": ") + (key.empty() ? "" : "{ ");
    nested.close = (key.empty() ? "" : " }") + std::string(list ? " ]" : "") + nested.close;
  }
  return nested;
}

// Every key of the table is read by somebody: a value of a kind that fits nowhere is reported, with the key's own path.
TEST(ConfigKeys, EveryOneIsRead) {
  std::vector<std::string> keys = all_config_keys();
  EXPECT_EQ(std::set<std::string>(keys.begin(), keys.end()).size(), keys.size());
  EXPECT_GT(keys.size(), 150u);
  for (const std::string& key : keys) {
    auto [open, close, path] = nest(key);
    // Not a scalar, not a list of maps, not a map of known keys.
    std::string yaml = open + "[ [ ] ]" + close + "\n";
    bool told = false;
    for (const config::Problem& problem : load_text(yaml).problems)
      told = told || (problem.text.starts_with(path) && problem.text.find("expected") != std::string::npos &&
                      problem.text.find("unknown key") == std::string::npos);
    EXPECT_TRUE(told) << key << "\n" << yaml;
  }
}

// Whatever stands in the file, loading ends with options or with problems, and never with an exception.
TEST(ConfigFuzz, SurvivesMutation) {
  std::string seed = R"(include: [ "conf.d/*.yaml" ]
workers: ${WORKERS:-2}
trusted: [ 10.0.0.0/8, "::1" ]
log: { level: info, access: { file: stdout, format: json } }
limits: { connections: 20000, buffers: 256MiB }
pool_defaults: { timeouts: { connect: 2s } }
listeners:
  - name: https
    bind: [ "0.0.0.0:8443", "unix:x.sock" ]
    limits: { head: 32KiB, fields: 100 }
    tls: { certificates: [ { chain: tls/one.crt, key: tls/one.key } ], client_ca: { file: ca.pem } }
pools:
  web:
    sticky: { cookie: S, mode: sealed }
    health: { probe: { interval: 2s, expect: "200-399" } }
    backends: [ { name: a, address: "127.0.0.1:9001", zone: z } ]
cache: { policies: { pages: { max_object: 16MiB, query: { drop: [ "utm_*" ] } } } }
routes:
  - name: r
    match: { host: "*.example.com", path: "/i/*", header: { X-A: 'b*' } }
    response: { set: { X-B: "c" }, remove: [ "X-*" ] }
    redirect: { to: "https://$host$path" }
  - { name: s, pool: web, cache: pages, errors: { 503: errors/503.html } }
)";
  static constexpr std::string_view kPieces[] = {"{",
                                                 "}",
                                                 "[",
                                                 "]",
                                                 ": ",
                                                 "- ",
                                                 "\n",
                                                 "\t",
                                                 "&a ",
                                                 "*a",
                                                 "!",
                                                 "|",
                                                 "\"",
                                                 "'",
                                                 "#",
                                                 "%",
                                                 "---\n",
                                                 "...\n",
                                                 "${",
                                                 "}",
                                                 "$",
                                                 "~",
                                                 ",",
                                                 "?",
                                                 "\xff",
                                                 "\x04",
                                                 "0",
                                                 "-",
                                                 "99999999999999999999",
                                                 "/",
                                                 "\xc3\xa9",
                                                 "<<: ",
                                                 "> "};
  std::mt19937 random(20240607);
  auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  int good_ones = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string text = seed;
    for (std::size_t i = below(4) + 1; i > 0 && !text.empty(); --i) {
      std::size_t at = below(text.size());
      switch (below(5)) {
        case 0:
          text[at] = static_cast<char>(below(256));
          break;
        case 1:
          text.erase(at, below(12) + 1);
          break;
        case 2:
          text.insert(at, kPieces[below(std::size(kPieces))]);
          break;
        case 3:
          text.insert(at, text.substr(below(text.size()), below(40)));
          break;
        default:
          text.resize(std::max<std::size_t>(at, 1));
          break;
      }
    }
    LoadedConfig loaded;
    ASSERT_NO_THROW(loaded = load_text(text)) << text;
    ASSERT_NE(loaded.options.has_value(), !loaded.problems.empty()) << text;
    good_ones += loaded.options.has_value();
    for (const config::Problem& problem : loaded.problems) ASSERT_FALSE(problem.text.empty());
  }
  EXPECT_GT(good_ones, 0);  // small changes leave some of them good
}

}  // namespace
}  // namespace shellac::edge
