// Keys: what shares one and what does not; RFC 9111 §4.4 and RFC 3986 §5.2 for those of others' URLs.
#include "shellac/cache/key.hpp"

#include <gtest/gtest.h>

#include "cache/rules_fixture.hpp"

namespace shellac::cache {
namespace {

std::string key(const PolicyOptions& options, KeySource source, const Lines& lines = {}) {
  const Policy policy(options);
  const http::Fields fields = fields_of(lines);
  source.fields = &fields;
  Arena arena;
  return std::string(make_key(policy, source, arena));
}

std::string plain(std::string_view scheme, std::string_view authority, std::string_view path,
                  std::string_view query = {}) {
  return key({}, {scheme, authority, path, query, nullptr});
}

TEST(Key, Url) {
  EXPECT_EQ(plain("http", "A.Example:80", "/p", "?q=1"), "http://a.example/p?q=1");
  EXPECT_EQ(plain("https", "a:443", "/"), "https://a/");
  EXPECT_EQ(plain("https", "a:80", "/"), "https://a:80/");
  EXPECT_EQ(plain("http", "a:8080", "/P"), "http://a:8080/P");
  EXPECT_EQ(plain("http", "[::1]:80", "/"), "http://[::1]/");
  EXPECT_NE(plain("http", "a", "/p"), plain("http", "a", "/p", "?"));
  EXPECT_EQ(plain("http", "a", "/p\x1fq"), "http://a/p%1Fq");
}

TEST(Key, Query) {
  PolicyOptions options;
  options.query.drop = {"utm_*", "fbclid"};
  const auto query = [&](std::string_view text) { return key(options, {"http", "a", "/", text, nullptr}).substr(9); };
  EXPECT_EQ(query("?b=2&utm_x=1&a=1&fbclid"), "?b=2&a=1");
  EXPECT_EQ(query("?utm_source=x"), "");
  EXPECT_EQ(query("?&&"), "");
  EXPECT_EQ(query("?UTM_x=1"), "?UTM_x=1");
  options.query.sort = true;
  EXPECT_EQ(query("?b=2&a=2&a=1"), "?a=2&a=1&b=2");  // members of one name keep their order
  EXPECT_EQ(query("?b&a&b=1&a"), "?a&a&b&b=1");
  options.query = {.sort = false, .drop = {}, .keep = {"id", "p*"}};
  EXPECT_EQ(query("?x=1&id=2&page=3&identity"), "?id=2&page=3");
}

TEST(Key, PartsAreUnambiguous) {
  PolicyOptions options;
  options.key_headers = {"X-B", "x-a"};
  options.key_cookies = {"lang"};
  const auto of = [&](const Lines& lines) { return key(options, {"http", "a", "/", {}, nullptr}, lines); };
  EXPECT_EQ(of({{"X-A", "1"}, {"X-B", "2"}}), of({{"x-b", "2"}, {"x-a", "1"}}));
  const std::vector<Lines> all = {
      {},
      {{"X-A", ""}},
      {{"X-A", "1"}},
      {{"X-B", "1"}},
      {{"X-A", "1"}, {"X-A", "2"}},
      {{"X-A", "1, 2"}},
      {{"X-A", "1x-b2"}},
      {{"X-A", "1"}, {"X-B", "2"}},
      {{"Cookie", "lang=de"}},
      {{"Cookie", "lang="}},
      {{"Cookie", "x=1; lang=de; lang=en"}},
      {{"X-B", "lang"}, {"Cookie", "lang=de"}},
  };
  for (std::size_t i = 0; i < all.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) EXPECT_NE(of(all[i]), of(all[j])) << i << ' ' << j;
  EXPECT_EQ(of({{"Cookie", "y=2;lang=de"}}), of({{"Cookie", "lang=de; y=3"}}));
  EXPECT_EQ(url_of_key(of(all[7])), "http://a/");
  EXPECT_EQ(url_of_key("http://a/"), "http://a/");
}

TEST(Key, OfUrl) {
  const Policy policy{PolicyOptions{}};
  Arena arena;
  EXPECT_EQ(key_of_url(policy, "HTTP://A.example:80/p?q#f", arena), "http://a.example/p?q");
  EXPECT_EQ(key_of_url(policy, "https://a", arena), "https://a/");
  EXPECT_EQ(key_of_url(policy, "https://a?q", arena), "https://a/?q");
  for (const std::string_view url : {"/p", "ftp://a/", "http://", "http:///p", "http://u@a/", "http://a b/", ""})
    EXPECT_FALSE(key_of_url(policy, url, arena)) << url;
}

TEST(Key, OfReference) {
  const Policy policy{PolicyOptions{}};
  Arena arena;
  const KeySource source{"http", "a.example", "/d/e/f", "?q", nullptr};
  struct Row {
    std::string_view reference, expected;
  };
  const std::vector<Row> rows = {
      {"/x", "http://a.example/x"},
      {"x", "http://a.example/d/e/x"},
      {"./x", "http://a.example/d/e/x"},
      {"../x?y", "http://a.example/d/x?y"},
      {"../../../x", "http://a.example/x"},
      {"..", "http://a.example/d/"},
      {".", "http://a.example/d/e/"},
      {"?z", "http://a.example/d/e/f?z"},
      {"", "http://a.example/d/e/f?q"},
      {"#f", "http://a.example/d/e/f?q"},
      {"/a/./b/../c", "http://a.example/a/c"},
      {"/.hidden/..x", "http://a.example/.hidden/..x"},
      {"http://A.example:80/x", "http://a.example/x"},
      {"//a.example/x", "http://a.example/x"},
      // RFC 9111 §4.4: of another origin.
      {"https://a.example/x", ""},
      {"http://b.example/x", ""},
      {"http://a.example:81/x", ""},
      {"//b.example/x", ""},
      {"mailto:x", ""},
      {"/a b", ""},
  };
  for (const Row& row : rows) {
    const auto found = key_of_reference(policy, source, row.reference, arena);
    EXPECT_EQ(found.value_or(""), row.expected) << row.reference;
  }
}

TEST(Key, ToInvalidate) {
  const Policy policy{PolicyOptions{}};
  Arena arena;
  const KeySource source{"http", "a", "/p", "?q", nullptr};
  const auto keys = [&](const Lines& lines) { return keys_to_invalidate(policy, source, fields_of(lines), arena); };
  EXPECT_EQ(keys({}), (InvalidKeys{"http://a/p?q"}));
  EXPECT_EQ(keys({{"Location", "/x"}, {"Content-Location", "y"}}),
            (InvalidKeys{"http://a/p?q", "http://a/x", "http://a/y"}));
  EXPECT_EQ(keys({{"Location", "http://b/x"}, {"Content-Location", "/p?q"}}), (InvalidKeys{"http://a/p?q"}));
}

}  // namespace
}  // namespace shellac::cache
