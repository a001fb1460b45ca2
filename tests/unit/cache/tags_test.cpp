// Surrogate-Key, xkey and RFC 9875: by which names a response is purged.
#include "shellac/cache/tags.hpp"

#include <gtest/gtest.h>

#include "cache/rules_fixture.hpp"

namespace shellac::cache {
namespace {

constexpr KeySource kSource{"http", "A:80", "/", {}, nullptr};
Tags of(const Lines& lines, Arena& arena) {
  static http::Fields fields;
  fields = fields_of(lines);
  return read_tags(kSource, fields, arena);
}

TEST(Tags, Words) {
  Arena arena;
  EXPECT_EQ(of({{"Surrogate-Key", "a b  a"}, {"xkey", "c, d"}, {"XKEY", "B"}}, arena), (Tags{"a", "b", "c", "d", "B"}));
  EXPECT_TRUE(of({{"Surrogate-Key", " , "}}, arena).empty());
  EXPECT_TRUE(of({{"Surrogate-Key", std::string(kTagSizeMax + 1, 'x')}}, arena).empty());
  std::string many;
  for (int i = 0; i < 100; ++i) many += std::to_string(i) + " ";
  EXPECT_EQ(of({{"Surrogate-Key", many}}, arena).size(), kTagsMax);
}

TEST(Tags, Groups) {
  Arena arena;
  EXPECT_EQ(of({{"Cache-Groups", "\"a b\", \"c\", x"}}, arena), (Tags{"\x1e"
                                                                      "http://a\x1e"
                                                                      "a b",
                                                                      "a b",
                                                                      "\x1e"
                                                                      "http://a\x1e"
                                                                      "c",
                                                                      "c"}));
  EXPECT_TRUE(of({{"Cache-Groups", "\"a\", &"}}, arena).empty());
  const http::Fields answer = fields_of({{"Cache-Group-Invalidation", "\"c\""}});
  EXPECT_EQ(groups_to_invalidate(kSource, answer, arena), (Tags{"\x1e"
                                                                "http://a\x1e"
                                                                "c"}));
  EXPECT_NE(groups_to_invalidate({"https", "A", "/", {}, nullptr}, answer, arena)[0],
            groups_to_invalidate(kSource, answer, arena)[0]);
}

TEST(Tags, OfUrl) {
  Arena arena;
  EXPECT_EQ(tag_of_url("http://a/", arena), "\x1fhttp://a/");
}

}  // namespace
}  // namespace shellac::cache
