#include "route/fixture.hpp"

namespace shellac::route {
namespace {

// What goes to the backend, "refused", or "-" when no route matches.
struct Rewriting {
  std::string pattern;  // empty: none
  std::string prefix;   // "-": no rewrite
  NormalizePath mode = NormalizePath::full;

  std::string operator()(const std::string& path, const std::string& query = "") const {
    RouteOptions options = route("a", {}, mode);
    if (!pattern.empty()) options.match.path = {pattern};
    if (prefix != "-") options.rewrite_prefix = prefix;
    const Table table({options});
    Asked asked(Request{.path = path});
    const Match match = table.match(asked.query());
    if (!match.route) return "-";
    const auto target = backend_target(match, asked.forms(), query, asked.arena());
    return target ? std::string(*target) : "refused";
  }
};

TEST(BackendTarget, WithoutRewriteIsTheRoutesOwnForm) {
  EXPECT_EQ((Rewriting{"", "-"}("/a//b/%7e")), "/a/b/~");
  EXPECT_EQ((Rewriting{"", "-"}("/a", "?x=//..&y=%7e")), "/a?x=//..&y=%7e");
  EXPECT_EQ((Rewriting{"", "-", NormalizePath::safe}("/a//b/%7e")), "/a//b/~");
  EXPECT_EQ((Rewriting{"", "-", NormalizePath::none}("/a//b/%7e", "?")), "/a//b/%7e?");
  EXPECT_EQ((Rewriting{"", "-"}("*")), "*");
}

TEST(BackendTarget, RewriteReplacesWhatTheLiteralPrefixMatched) {
  EXPECT_EQ((Rewriting{"/i/*", "/spots/"}("/i/a.jpg")), "/spots/a.jpg");
  EXPECT_EQ((Rewriting{"/i/*", "/spots/"}("/i/a.jpg", "?w=1")), "/spots/a.jpg?w=1");
  EXPECT_EQ((Rewriting{"/i/*", "/spots/"}("/i/")), "/spots/");
  EXPECT_EQ((Rewriting{"/i/*", "/spots/"}("/i/i/a")), "/spots/i/a");
  EXPECT_EQ((Rewriting{"/i/*.jpg", "/spots/"}("/i/x/a.jpg")), "/spots/x/a.jpg");
  EXPECT_EQ((Rewriting{"/i/*", "/"}("/i/a")), "/a");
  EXPECT_EQ((Rewriting{"/i/*", ""}("/i/a")), "/a");
  EXPECT_EQ((Rewriting{"/i/*", "x/"}("/i/a")), "/x/a");
  EXPECT_EQ((Rewriting{"/i*", "/spots"}("/i/a")), "/spots/a");
  EXPECT_EQ((Rewriting{"/old", "/new"}("/old", "?q")), "/new?q");
  EXPECT_EQ((Rewriting{"", "/spots/"}("/a/b")), "/spots/a/b");
  EXPECT_EQ((Rewriting{"*.jpg", "/spots/"}("/a/b.jpg")), "/spots/a/b.jpg");
  EXPECT_EQ((Rewriting{"*", "/spots"}("/a")), "/spots/a");
  EXPECT_EQ((Rewriting{"*", "/spots/"}("*")), "*");
  EXPECT_EQ((Rewriting{"/caf%c3%a9/*", "/c/"}("/caf\xc3\xa9/x")), "/c/x");
}

TEST(BackendTarget, TheSeamBringsNothingBackThatNormalisationTookAway) {
  EXPECT_EQ((Rewriting{"/i*", "/spots/"}("/i../secret")), "refused");
  EXPECT_EQ((Rewriting{"/i*", "/spots/"}("/i..")), "refused");
  EXPECT_EQ((Rewriting{"/i*", "/spots/"}("/i./x")), "refused");
  EXPECT_EQ((Rewriting{"/i*", "/spots/"}("/i%2e%2e/secret")), "refused");
  EXPECT_EQ((Rewriting{"/i*", "/spots/."}("/i./x")), "refused");
  EXPECT_EQ((Rewriting{"/i*", "/spots/."}("/i/x")), "refused");
  EXPECT_EQ((Rewriting{"/i*", ""}("/i../x")), "refused");
  EXPECT_EQ((Rewriting{"/i*", "/spots/"}("/i/x")), "/spots/x");
  EXPECT_EQ((Rewriting{"/i*", "/spots/"}("/i...")), "/spots/...");
  EXPECT_EQ((Rewriting{"/i*", "/spots/"}("/i..a/x")), "/spots/..a/x");
  EXPECT_EQ((Rewriting{"/i*", "/spots"}("/i../x")), "/spots../x");
  EXPECT_EQ((Rewriting{"/i*", "/s"}("/i./x")), "/s./x");
  // These modes keep dots and slashes wherever they stand.
  EXPECT_EQ((Rewriting{"/i*", "/spots/", NormalizePath::none}("/i../x")), "/spots/../x");
  EXPECT_EQ((Rewriting{"/i*", "/spots/", NormalizePath::none}("/i//x")), "/spots///x");
}

std::string located(const std::string& to, const TargetParts& from) {
  Arena arena;
  return std::string(redirect_location({to, 308}, from, arena));
}

TEST(RedirectLocation, Variables) {
  const TargetParts from{"www.example.com", "/a/b", "?x=1"};
  const std::pair<const char*, const char*> rows[] = {
      {"https://$host$path$query", "https://www.example.com/a/b?x=1"},
      {"https://${host}${path}${query}", "https://www.example.com/a/b?x=1"},
      {"https://m.$host/", "https://m.www.example.com/"},
      {"/new${path}_x", "/new/a/b_x"},
      {"/$path_x", "/$path_x"},
      {"/$hostname", "/$hostname"},
      {"/$foo$", "/$foo$"},
      {"/$$path", "/$/a/b"},
      {"/${foo}", "/$%7Bfoo%7D"},
      {"/${path", "/$%7Bpath"},
      {"/${}", "/$%7B%7D"},
      {"$path", "/a/b"},
      {"https://x.example/y?u=$path#f", "https://x.example/y?u=/a/b#f"},
      {"", ""},
  };
  for (const auto& [to, expected] : rows) EXPECT_EQ(located(to, from), expected);
}

TEST(RedirectLocation, ValuesCannotBreakOut) {
  EXPECT_EQ(located("https://$host/", {"a\r\nSet-Cookie: x", "/", ""}), "https://a%0D%0ASet-Cookie/");
  EXPECT_EQ(located("$path", {"h", "/a\r\nX: y", ""}), "/a%0D%0AX:%20y");
  EXPECT_EQ(located("$path$query", {"h", "/a?b#c", "?d#e\n"}), "/a%3Fb%23c?d%23e%0A");
  EXPECT_EQ(located("/x\r\ny", {"h", "/", ""}), "/x%0D%0Ay");
  EXPECT_EQ(located("$path", {"h", "/caf\xc3\xa9 \"<>\\^`{|}", ""}), "/caf%C3%A9%20%22%3C%3E%5C%5E%60%7B%7C%7D");
  EXPECT_EQ(located("$path", {"h", "/%41%zz%", ""}), "/%41%25zz%25");
  EXPECT_EQ(located("https://$host/", {"good@evil.com/x?y#z", "/", ""}), "https://good%40evil.com%2Fx%3Fy%23z/");
  EXPECT_EQ(located("https://$host/", {"[2001:db8::1]:8443", "/", ""}), "https://[2001:db8::1]/");
}

TEST(RedirectLocation, APathNeverBecomesAHost) {
  EXPECT_EQ(located("$path", {"h", "//evil.com/x", ""}), "/.//evil.com/x");
  EXPECT_EQ(located("$query$path", {"h", "//evil.com", ""}), "/.//evil.com");
  EXPECT_EQ(located("/$path", {"h", "/evil.com", ""}), "/.//evil.com");
  EXPECT_EQ(located("$path", {"h", "/\\evil.com", ""}), "/%5Cevil.com");
  EXPECT_EQ(located("//cdn.example$path", {"h", "/a", ""}), "//cdn.example/a");
  EXPECT_EQ(located("https://h$path", {"h", "//a", ""}), "https://h//a");
}

}  // namespace
}  // namespace shellac::route
