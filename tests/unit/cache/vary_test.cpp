// RFC 9111 §4.1: which requests choose the same variant.
#include "shellac/cache/vary.hpp"

#include <gtest/gtest.h>

#include "cache/rules_fixture.hpp"

namespace shellac::cache {
namespace {

TEST(Vary, Names) {
  Arena arena;
  const auto names = [&](const Lines& lines) { return std::string(read_vary(fields_of(lines), arena).names); };
  EXPECT_EQ(names({}), "");
  EXPECT_EQ(names({{"Vary", "Foo, bar,,FOO"}, {"Vary", "Accept"}}), "accept,bar,foo");
  for (const Lines& lines : std::vector<Lines>{{{"Vary", "*"}},
                                               {{"Vary", "*, *"}},
                                               {{"Vary", ", *"}},
                                               {{"Vary", "Foo, *"}},
                                               {{"Vary", "*, Foo"}},
                                               {{"Vary", ""}, {"Vary", "*"}}})
    EXPECT_TRUE(read_vary(fields_of(lines), arena).any) << lines[0].second;
}

bool same(std::string_view names, const Lines& a, const Lines& b, const PolicyOptions& options = {}) {
  const Policy policy(options);
  Arena arena;
  return variant_of(policy, names, fields_of(a), arena) == variant_of(policy, names, fields_of(b), arena);
}

TEST(Vary, UnknownFields) {
  EXPECT_TRUE(same("foo", {{"Foo", "1"}}, {{"fOO", "1"}, {"Other", "2"}}));
  EXPECT_FALSE(same("foo", {{"Foo", "1"}}, {{"Foo", "2"}}));
  EXPECT_FALSE(same("foo", {{"Foo", "1"}}, {}));
  EXPECT_FALSE(same("foo", {{"Foo", ""}}, {}));
  EXPECT_TRUE(same("foo", {{"Foo", "1, 2"}}, {{"Foo", "1"}, {"Foo", "2"}}));
  EXPECT_TRUE(same("foo", {{"Foo", "1,2"}}, {{"Foo", "1 , \t2"}}));
  EXPECT_FALSE(same("foo", {{"Foo", "1,2"}}, {{"Foo", "2,1"}}));
  EXPECT_FALSE(same("foo", {{"Foo", "a b"}}, {{"Foo", "a  b"}}));
  EXPECT_FALSE(same("foo", {{"Foo", "\"a, b\""}}, {{"Foo", "\"a,b\""}}));
  EXPECT_FALSE(same("foo", {{"Foo", "a,,b"}}, {{"Foo", "a,b"}}));
  EXPECT_FALSE(same("bar,foo", {{"Foo", "1"}}, {{"Bar", "1"}}));
  EXPECT_TRUE(same("bar,foo", {{"Foo", "1"}, {"Bar", "2"}}, {{"Bar", "2"}, {"Foo", "1"}}));
  EXPECT_FALSE(same("bar,foo", {{"Bar", "1"}, {"Foo", "23"}}, {{"Bar", "12"}, {"Foo", "3"}}));
  EXPECT_TRUE(same("", {{"Foo", "1"}}, {}));
}

TEST(Vary, AcceptEncoding) {
  Arena arena;
  const auto normal = [&](std::string_view value) {
    return std::string(normalized_accept_encoding(fields_of({{"Accept-Encoding", value}}), arena));
  };
  EXPECT_EQ(normal("gzip, deflate, br"), "br, gzip");
  EXPECT_EQ(normal("BR;q=0.5,x-gzip"), "br, gzip");
  EXPECT_EQ(normal("gzip;q=0, zstd"), "zstd");
  EXPECT_EQ(normal("*"), "br, gzip, zstd");
  EXPECT_EQ(normal("*;q=0, gzip"), "gzip, identity;q=0");
  EXPECT_EQ(normal("*;q=0"), "");
  EXPECT_EQ(normal("identity;q=0"), "");
  EXPECT_EQ(normal("deflate"), "identity");
  EXPECT_EQ(normal(""), "identity");
  EXPECT_EQ(normal("gzip;q=x"), "identity");
  EXPECT_TRUE(same("accept-encoding", {{"Accept-Encoding", "gzip, deflate"}}, {{"Accept-Encoding", "gzip"}}));
  EXPECT_TRUE(same("accept-encoding", {{"Accept-Encoding", "identity"}}, {}));
  PolicyOptions options;
  options.normalize_accept_encoding = false;
  EXPECT_FALSE(same("accept-encoding", {{"Accept-Encoding", "gzip, deflate"}}, {{"Accept-Encoding", "gzip"}}, options));
}

TEST(Vary, AcceptLanguage) {
  const auto equal = [](std::string_view a, std::string_view b, const PolicyOptions& options = {}) {
    return same("accept-language", {{"Accept-Language", a}}, {{"Accept-Language", b}}, options);
  };
  EXPECT_TRUE(equal("en, de", "de, en"));
  EXPECT_TRUE(equal("en, de", "eN, De"));
  EXPECT_TRUE(equal("en, de", "en ,   de"));
  EXPECT_TRUE(equal("en;q=1.0, de;q=0.5", "de; q=0.500,en"));
  EXPECT_FALSE(equal("en, de;q=0.5", "en, de"));
  EXPECT_FALSE(equal("en", "de"));
  EXPECT_FALSE(same("accept-language", {{"Accept-Language", ""}}, {}));
  PolicyOptions options;
  options.accept_languages = {"en", "de"};
  EXPECT_TRUE(equal("de-CH, fr", "DE", options));
  EXPECT_TRUE(equal("de, en", "en", options));
  EXPECT_FALSE(equal("de, en;q=0.9", "en", options));
  EXPECT_TRUE(equal("*", "en-GB", options));
  EXPECT_TRUE(equal("fr", "it, de;q=0", options));
}

TEST(Vary, LanguageOfTheAnswer) {
  const auto suits = [](const Lines& stored, const Lines& asked, std::string_view language,
                        std::string_view list = {}) {
    PolicyOptions options;
    if (!list.empty()) options.accept_languages = {std::string(list)};
    const Policy policy(options);
    Arena arena;
    constexpr std::string_view kNames = "accept-language,foo";
    const std::string_view variant = variant_of(policy, kNames, fields_of(stored), arena);
    return suits_language(policy, {kNames, variant, language}, fields_of(asked), arena);
  };
  const Lines both = {{"Accept-Language", "en, de"}};
  EXPECT_TRUE(suits(both, {{"Accept-Language", "fr;q=0.5, de;q=1.0"}}, "de"));
  EXPECT_TRUE(suits(both, {{"Accept-Language", "DE"}}, "de"));
  EXPECT_FALSE(suits(both, {{"Accept-Language", "fr, de;q=0.5"}}, "de"));
  EXPECT_FALSE(suits(both, {{"Accept-Language", "fr, de"}}, "de"));  // no favourite
  EXPECT_FALSE(suits(both, {{"Accept-Language", "de;q=0"}}, "de"));
  EXPECT_FALSE(suits(both, {{"Accept-Language", "de"}}, ""));
  EXPECT_FALSE(suits(both, {{"Accept-Language", "de"}}, "de, en"));
  EXPECT_FALSE(suits(both, {}, "de"));
  EXPECT_FALSE(suits(both, {{"Accept-Language", "de"}, {"Foo", "1"}}, "de"));
  EXPECT_FALSE(suits(both, {{"Accept-Language", "de"}}, "de", "en"));
}

}  // namespace
}  // namespace shellac::cache
