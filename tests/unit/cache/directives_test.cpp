// RFC 9111 §5.2, RFC 9213: what Cache-Control and its relatives say.
#include "shellac/cache/directives.hpp"

#include <gtest/gtest.h>

#include "cache/rules_fixture.hpp"

namespace shellac::cache {
namespace {

using Source = ResponseDirectives::Source;

ResponseDirectives said(const Lines& lines) {
  static http::Fields fields;  // names point into it
  fields = fields_of(lines);
  return read_response_directives(fields);
}
ResponseDirectives control(std::string_view value) { return said({{"Cache-Control", value}}); }

TEST(Directives, DeltaSeconds) {
  EXPECT_EQ(parse_delta_seconds("0"), seconds(0));
  EXPECT_EQ(parse_delta_seconds("003600"), seconds(3600));
  EXPECT_EQ(parse_delta_seconds("2147483648"), kDeltaMax);  // §1.2.2
  EXPECT_EQ(parse_delta_seconds("2147483649"), kDeltaMax);
  EXPECT_EQ(parse_delta_seconds("99999999999999999999999"), kDeltaMax);
  for (const std::string_view text : {"", "-1", "+1", "1.0", "1a", "a1", "'1'", " 1"})
    EXPECT_FALSE(parse_delta_seconds(text)) << text;
}

TEST(Directives, MaxAge) {
  struct Row {
    std::string_view text;
    std::optional<Duration> expected;
  };
  const std::vector<Row> rows = {
      {"max-age=3600", seconds(3600)},
      {"MaX-aGe=3600", seconds(3600)},
      {"max-age=\"3600\"", seconds(3600)},
      {"max-age=3600, max-age=1800", seconds(1800)},  // §4.2.1
      {"max-age=1, max-age=1800", seconds(1)},
      {"max-age=-1", seconds(0)},
      {"max-age=3600.0", seconds(0)},
      {"max-age='3600'", seconds(0)},
      {"max-age", seconds(0)},
      {"max-age=", seconds(0)},
      {"max-age =3600", std::nullopt},
      {"max-age= 3600", seconds(0)},
      {"extension=\"max-age=3600\"", std::nullopt},
      {"extension=\"max-age=3600\", max-age=1", seconds(1)},
      {"x-max-age=5", std::nullopt},
      {"", std::nullopt},
  };
  for (const Row& row : rows) EXPECT_EQ(control(row.text).max_age, row.expected) << row.text;
  EXPECT_EQ(said({{"Cache-Control", "max-age=9"}, {"cache-control", "max-age=3, s-maxage=4"}}).max_age, seconds(3));
}

TEST(Directives, Flags) {
  const auto all = control(
      "No-StOrE, no-cache, private, public, must-revalidate, proxy-revalidate, must-understand, "
      "immutable, stale-while-revalidate=5, stale-if-error=6, s-maxage=7");
  EXPECT_TRUE(all.no_store && all.no_cache && all.private_ && all.public_ && all.must_revalidate &&
              all.proxy_revalidate && all.must_understand && all.immutable);
  EXPECT_EQ(all.stale_while_revalidate, seconds(5));
  EXPECT_EQ(all.stale_if_error, seconds(6));
  EXPECT_EQ(all.s_maxage, seconds(7));
  EXPECT_EQ(all.source, Source::cache_control);
  const auto none = said({});
  EXPECT_FALSE(none.no_store || none.no_cache || none.private_ || none.public_);
  EXPECT_EQ(none.source, Source::none);
}

TEST(Directives, Names) {
  const auto one = control("no-cache=\"a, Set-Cookie\", private=b, private=\"c\"");
  EXPECT_FALSE(one.no_cache || one.private_);
  EXPECT_EQ(one.no_cache_names, (FieldNames{"a", "Set-Cookie"}));
  EXPECT_EQ(one.private_names, (FieldNames{"b", "c"}));
  EXPECT_TRUE(control("private=\"\"").private_);
  EXPECT_TRUE(control("no-cache=\"a\", no-cache").no_cache);
  EXPECT_TRUE(control("private=\"a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q\"").private_);
}

TEST(Directives, Targeted) {
  // RFC 9213 §2.2: the first field that can be read speaks alone.
  const auto cdn =
      said({{"Cache-Control", "no-store"}, {"CDN-Cache-Control", "max-age=5"}, {"Surrogate-Control", "max-age=6"}});
  EXPECT_EQ(cdn.source, Source::cdn_cache_control);
  EXPECT_EQ(cdn.max_age, seconds(5));
  EXPECT_FALSE(cdn.no_store);
  const auto surrogate = said({{"Cache-Control", "no-store"}, {"Surrogate-Control", "max-age=6"}});
  EXPECT_EQ(surrogate.source, Source::surrogate_control);
  EXPECT_EQ(surrogate.max_age, seconds(6));
  for (const std::string_view broken : {"max-age=10000, &&&&&", "max-age =1", "MaX-aGe=1", "", "max-age=1,"})
    EXPECT_TRUE(said({{"CDN-Cache-Control", broken}, {"Cache-Control", "no-store"}}).no_store) << broken;
  // §2.1: members of the wrong type are ignored, the field counts.
  for (const std::string_view wrong : {"max-age=\"1\"", "max-age=1.5", "max-age=a", "max-age=-1", "max-age"}) {
    const auto read = said({{"CDN-Cache-Control", wrong}, {"Cache-Control", "max-age=9"}});
    EXPECT_TRUE(read.is_targeted()) << wrong;
  }
  EXPECT_FALSE(said({{"CDN-Cache-Control", "max-age=\"1\""}}).max_age);
  EXPECT_EQ(said({{"CDN-Cache-Control", "max-age=99999999999"}}).max_age, kDeltaMax);
  EXPECT_TRUE(said({{"CDN-Cache-Control", "private"}}).private_);
  EXPECT_FALSE(said({{"CDN-Cache-Control", "private=?0"}}).private_);
  EXPECT_EQ(said({{"CDN-Cache-Control", "no-cache=\"a\""}}).no_cache_names, (FieldNames{"a"}));
  EXPECT_TRUE(said({{"CDN-Cache-Control", "no-cache=\"a\""}, {"CDN-Cache-Control", "max-age=5"}}).no_cache);
  EXPECT_FALSE(said({{"Surrogate-Control", "max-age=5;other"}}).max_age);
  // A Surrogate-Control that tells this edge nothing of storing does not silence Cache-Control.
  for (const std::string_view silent :
       {"content=\"ESI/1.0\"", "max-age=5;other", "no-store;other", "stale-if-error=5"}) {
    const auto read = said({{"Surrogate-Control", silent}, {"Cache-Control", "private, max-age=9"}});
    EXPECT_EQ(read.source, Source::cache_control) << silent;
    EXPECT_TRUE(read.private_) << silent;
    EXPECT_EQ(read.max_age, seconds(9)) << silent;
  }
  EXPECT_EQ(said({{"Surrogate-Control", "content=\"ESI/1.0\", no-store"}}).source, Source::surrogate_control);
}

TEST(Directives, Request) {
  const auto read = [](const Lines& lines) { return read_request_directives(fields_of(lines)); };
  const auto all = read({{"Cache-Control", "no-cache, no-store, only-if-cached, max-age=1, min-fresh=2, max-stale=3"}});
  EXPECT_TRUE(all.no_cache && all.no_store && all.only_if_cached);
  EXPECT_EQ(all.max_age, seconds(1));
  EXPECT_EQ(all.min_fresh, seconds(2));
  EXPECT_EQ(all.max_stale, seconds(3));
  EXPECT_EQ(read({{"Cache-Control", "max-stale"}}).max_stale, kDeltaMax);
  EXPECT_EQ(read({{"Cache-Control", "max-stale=x"}}).max_stale, seconds(0));
  EXPECT_EQ(read({{"Cache-Control", "max-age=5, max-age=3"}}).max_age, seconds(3));
  EXPECT_EQ(read({{"Cache-Control", "min-fresh=x"}}).min_fresh, kDeltaMax);
  // §5.4
  EXPECT_TRUE(read({{"Pragma", "x, No-Cache"}}).no_cache);
  EXPECT_FALSE(read({{"Pragma", "no-cache"}, {"Cache-Control", "max-age=1"}}).no_cache);
}

}  // namespace
}  // namespace shellac::cache
