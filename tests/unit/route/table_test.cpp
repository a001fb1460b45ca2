#include "shellac/route/table.hpp"

#include "route/fixture.hpp"

namespace shellac::route {
namespace {

// One pattern against one subject. What explains must agree with what matches.
bool host_takes(const std::string& pattern, const std::string& host) {
  const Table table({route("a", {.host = {pattern}})});
  const Asked asked(Request{.host = host});
  const bool takes = table.match(asked.query()).route != nullptr;
  EXPECT_EQ(table.trace(asked.query()).at(0).why, takes ? TraceStep::Why::matched : TraceStep::Why::host);
  return takes;
}
bool path_takes(const std::string& pattern, const std::string& path, NormalizePath mode = NormalizePath::full) {
  const Table table({route("a", {.path = {pattern}}, mode)});
  return taken(table, {.path = path}) == "a";
}

TEST(Host, Patterns) {
  struct Row {
    const char *pattern, *host;
    bool takes;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"example.com", "example.com", true},
           {"example.com", "EXAMPLE.com", true},
           {"example.com", "example.com.", true},
           {"example.com", "example.com:8443", true},
           {"example.com", "Example.Com.:8443", true},
           {"example.com", "www.example.com", false},
           {"example.com", "example.org", false},
           {"example.com", "xexample.com", false},
           {"example.com", "", false},
           {"*.example.com", "www.example.com", true},
           {"*.example.com", "A.B.C.Example.com:1", true},
           {"*.example.com", "example.com", false},
           {"*.example.com", ".example.com", false},
           {"*.example.com", "wwwexample.com", false},
           {"*.example.com", "example.com.evil", false},
           {"*.com", "example.com", true},
           {"*.com", "com", false},
           {"*", "anything", true},
           {"*", "", true},
           {"[2001:db8::1]", "[2001:db8::1]", true},
           {"[2001:db8::1]", "[2001:DB8::1]:443", true},
           {"192.0.2.7", "192.0.2.7:80", true},
       })
    EXPECT_EQ(host_takes(row.pattern, row.host), row.takes) << row.pattern << " " << row.host;
}

TEST(Host, LongerThanAnyNameIsNone) {
  std::string name = "a.example.com";
  while (name.size() < 300) name.insert(0, "a.");
  EXPECT_FALSE(host_takes("*.example.com", name));
  EXPECT_TRUE(host_takes("*.example.com", name.substr(name.size() - 255)));
  EXPECT_TRUE(host_takes("*", name));
}

TEST(Host, EveryWildcardThatMatchesIsTriedInOrder) {
  const Table table({
      route("deep", {.host = {"*.b.example.com"}, .method = {"PUT"}}),
      route("any", {.host = {"*"}, .method = {"POST"}}),
      route("exact", {.host = {"a.b.example.com"}, .method = {"PATCH"}}),
      route("wide", {.host = {"*.com"}, .method = {"DELETE"}}),
      route("middle", {.host = {"*.example.com"}}),
  });
  for (const auto& [method, name] : {std::pair("PUT", "deep"), std::pair("POST", "any"), std::pair("PATCH", "exact"),
                                     std::pair("DELETE", "wide"), std::pair("GET", "middle")})
    EXPECT_EQ(taken(table, {.host = "a.b.example.com", .method = method}), name);
  EXPECT_EQ(taken(table, {.host = "b.example.com", .method = "PUT"}), "middle");
  EXPECT_EQ(taken(table, {.host = "example.com", .method = "GET"}), "-");
}

TEST(PathPattern, Globs) {
  struct Row {
    const char *pattern, *path;
    bool takes;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"/a", "/a", true},
           {"/a", "/a/", false},
           {"/a", "/ab", false},
           {"/a", "/A", false},
           {"/a", "/", false},
           {"/i/*", "/i/a.jpg", true},
           {"/i/*", "/i/a/b/c", true},
           {"/i/*", "/i/", true},
           {"/i/*", "/i", false},
           {"/i/*", "/j/a", false},
           {"*", "/", true},
           {"*", "*", true},
           {"/*", "*", false},
           {"*.jpg", "/x/y.jpg", true},
           {"*.jpg", "/x/y.jpg/z", false},
           {"*.jpg", "/y.JPG", false},
           {"/i/*.jpg", "/i/.jpg", true},
           {"/i/*.jpg", "/i/a/b.jpg", true},
           {"/i/*.jpg", "/i.jpg", false},
           {"/a*a", "/a", false},  // prefix and suffix may not share octets
           {"/a*a", "/aa", true},
           {"/aXa*aXa", "/aXaXa", false},
           {"*/admin/*", "/x/admin/y", true},
           {"*/admin/*", "/admin/", true},
           {"*/admin/*", "/x/administrator", false},
           {"/*/b/*/d", "/a/b/c/d", true},
           {"/*/b/*/d", "/a/b/d", false},
           {"/a**b", "/ab", true},
           {"/a**b", "/axyb", true},
           {"**", "/anything", true},
           {"/a?b", "/aXb", false},
           {"/[ab]", "/a", false},
       })
    EXPECT_EQ(path_takes(row.pattern, row.path), row.takes) << row.pattern << " " << row.path;
}

TEST(PathPattern, SeesTheRoutesOwnForm) {
  EXPECT_TRUE(path_takes("/b", "/a/%2e%2e/b"));
  EXPECT_FALSE(path_takes("/b", "/a/%2e%2e/b", NormalizePath::safe));
  EXPECT_TRUE(path_takes("/a/../b", "/a/%2e%2e/b", NormalizePath::safe));
  EXPECT_TRUE(path_takes("/a/%2e%2e/b", "/a/%2e%2e/b", NormalizePath::none));
  EXPECT_FALSE(path_takes("/a/../b", "/a/%2e%2e/b", NormalizePath::none));
}

TEST(PathPattern, EscapesInItAreNormalisedLikeThePath) {
  EXPECT_TRUE(path_takes("/caf%c3%a9/*", "/caf%C3%A9/x"));
  EXPECT_TRUE(path_takes("/caf\xc3\xa9/*", "/caf%c3%a9/x"));
  EXPECT_TRUE(path_takes("/%7euser", "/~user", NormalizePath::safe));
  EXPECT_FALSE(path_takes("/%7euser", "/~user", NormalizePath::none));
  EXPECT_TRUE(path_takes("/%7euser", "/%7euser", NormalizePath::none));
}

TEST(PathPattern, ARefusedFormTakesNoRouteAndIsTold) {
  const Table full({route("a", {.path = {"/a*"}}), route("rest")});
  const Asked climbing(Request{.path = "/a/../../x"});
  EXPECT_EQ(full.match(climbing.query()).route, nullptr);
  EXPECT_TRUE(full.match(climbing.query()).path_refused);

  const Asked missing(Request{.path = "/b"});
  const Table narrow({route("a", {.path = {"/a*"}})});
  EXPECT_EQ(narrow.match(missing.query()).route, nullptr);
  EXPECT_FALSE(narrow.match(missing.query()).path_refused);

  // A route that takes paths byte for byte takes that one too.
  const Table mixed(
      {route("objects", {.host = {"example.com"}, .path = {"/a*"}}, NormalizePath::none), route("pages")});
  EXPECT_EQ(taken(mixed, {.path = "/a/../../x"}), "objects");
  EXPECT_EQ(taken(mixed, {.path = "/a%zz"}), "objects");
  EXPECT_EQ(taken(mixed, {.path = "/b"}), "pages");
}

// "+name" is the route taken, "400" a refused path, "404" no route. What explains must agree.
std::string outcome(const Table& table, const Request& request) {
  const Asked asked(request);
  const Match match = table.match(asked.query());
  const auto steps = table.trace(asked.query());
  const auto last = steps.empty() ? TraceStep::Why::host : steps.back().why;
  EXPECT_EQ(last == TraceStep::Why::matched, match.route != nullptr);
  EXPECT_TRUE(!match.route || steps.back().route == match.route);
  EXPECT_TRUE(match.path_refused || last != TraceStep::Why::path_refused);
  return match.route ? "+" + match.route->name : match.path_refused ? "400" : "404";
}

TEST(PathPattern, NoLaxerRouteTakesWhatAnEarlierOneRefuses) {
  using enum NormalizePath;
  struct Row {
    const char* what;
    std::vector<RouteOptions> routes;
    Request request;
    const char* outcome;
  };
  const RouteOptions admin = route("admin", {.path = {"/admin/*"}});
  const RouteOptions rest = route("rest", {}, none);
  for (const Row& row : std::initializer_list<Row>{
           {"climbs", {admin, rest}, {.path = "/../admin/x"}, "400"},
           {"bad escape", {admin, rest}, {.path = "/%zz/../admin/x"}, "400"},
           {"NUL", {admin, rest}, {.path = "/a%00/../admin/x"}, "400"},
           {"fine", {admin, rest}, {.path = "/x"}, "+rest"},
           {"the laxer one is first", {rest, admin}, {.path = "/%zz"}, "+rest"},
           {"another host", {route("a", {.host = {"a.test"}}), rest}, {.host = "b.test", .path = "/%zz"}, "+rest"},
           {"the same host", {route("a", {.host = {"*.test"}}), rest}, {.host = "b.test", .path = "/%zz"}, "400"},
           {"another method", {route("a", {.method = {"PUT"}}), rest}, {.path = "/%zz"}, "+rest"},
           {"the same method", {route("a", {.method = {"PUT"}}), rest}, {.path = "/%zz", .method = "PUT"}, "400"},
           {"second of two", {route("a", {.method = {"PUT"}}), admin, rest}, {.path = "/%zz"}, "400"},
           {"after it", {route("a", {.method = {"PUT"}}), rest, admin}, {.path = "/%zz"}, "+rest"},
           {"no header", {route("a", {.header = {{"x-a", "1"}}}), rest}, {.path = "/%zz"}, "+rest"},
           {"header",
            {route("a", {.header = {{"x-a", "1"}}}), rest},
            {.path = "/%zz", .fields = {{"X-A", "1"}}},
            "400"},
           {"other header",
            {route("a", {.header = {{"x-a", "1"}}}), route("b", {.header = {{"x-a", "2"}}}), rest},
            {.path = "/%zz", .fields = {{"X-A", "2"}}},
            "400"},
           {"other client", {route("a", {.client = {network("10.0.0.0/8")}}), rest}, {.path = "/%zz"}, "+rest"},
           {"safe refuses escapes", {route("a", {.path = {"/a"}}, safe), rest}, {.path = "/%zz"}, "400"},
           {"safe lets dots pass", {route("a", {.path = {"/a"}}, safe), rest}, {.path = "/../x"}, "+rest"},
           {"nobody takes it", {admin}, {.path = "/%zz"}, "400"},
       })
    EXPECT_EQ(outcome(Table(row.routes), row.request), row.outcome) << row.what;
}

TEST(Method, IsComparedExactly) {
  const Table table({route("read", {.method = {"GET", "HEAD"}}), route("purge", {.method = {"PURGE"}})});
  EXPECT_EQ(taken(table, {.method = "GET"}), "read");
  EXPECT_EQ(taken(table, {.method = "HEAD"}), "read");
  EXPECT_EQ(taken(table, {.method = "PURGE"}), "purge");
  EXPECT_EQ(taken(table, {.method = "get"}), "-");
  EXPECT_EQ(taken(table, {.method = "POST"}), "-");
}

TEST(Header, GlobsPresenceAndSeveralLines) {
  const auto takes = [](std::vector<std::pair<std::string, std::string>> header,
                        std::vector<std::pair<std::string, std::string>> fields) {
    const Table table({route("a", {.header = std::move(header)})});
    return taken(table, {.fields = std::move(fields)}) == "a";
  };
  EXPECT_TRUE(takes({{"X-A", "b*"}}, {{"x-a", "bcd"}}));
  EXPECT_TRUE(takes({{"X-A", "b*"}}, {{"X-A", "b"}}));
  EXPECT_FALSE(takes({{"X-A", "b*"}}, {{"X-A", "ab"}}));
  EXPECT_FALSE(takes({{"X-A", "b*"}}, {{"X-A", "B"}}));
  EXPECT_FALSE(takes({{"X-A", "b*"}}, {{"X-B", "b"}}));
  EXPECT_TRUE(takes({{"X-A", "*"}}, {{"X-A", ""}}));
  EXPECT_FALSE(takes({{"X-A", "*"}}, {}));
  EXPECT_TRUE(takes({{"X-A", ""}}, {{"X-A", ""}}));
  EXPECT_FALSE(takes({{"X-A", ""}}, {{"X-A", "b"}}));
  EXPECT_TRUE(takes({{"accept", "*json*"}}, {{"Accept", "text/html"}, {"Accept", "application/json;q=1"}}));
  EXPECT_TRUE(takes({{"X-A", "1"}, {"X-B", "2"}}, {{"X-B", "2"}, {"X-A", "1"}}));
  EXPECT_FALSE(takes({{"X-A", "1"}, {"X-B", "2"}}, {{"X-A", "1"}}));
}

TEST(Client, Networks) {
  const Table table({route("v4", {.client = {network("10.0.0.0/8"), network("192.0.2.1")}}),
                     route("v6", {.client = {network("2001:db8::/32")}})});
  EXPECT_EQ(taken(table, {.client = "10.255.0.1"}), "v4");
  EXPECT_EQ(taken(table, {.client = "192.0.2.1"}), "v4");
  EXPECT_EQ(taken(table, {.client = "192.0.2.2"}), "-");
  EXPECT_EQ(taken(table, {.client = "2001:db8::1"}), "v6");
  EXPECT_EQ(taken(table, {.client = ""}), "-");
  const Table everybody({route("a", {.client = {network("::/0"), network("0.0.0.0/0")}})});
  EXPECT_EQ(taken(everybody, {.client = "2001:db9::1"}), "a");
  EXPECT_EQ(taken(everybody, {.client = ""}), "-");
}

TEST(Table, FirstInOrderWinsWhateverIsMoreSpecific) {
  const Table table({
      route("wide", {.path = {"/a*"}, .method = {"PUT"}}),
      route("exact", {.host = {"example.com"}, .path = {"/a/b"}}),
      route("suffix", {.path = {"*.jpg"}}),
      route("images", {.path = {"/a/i/*"}}),
      route("rest"),
  });
  EXPECT_EQ(taken(table, {.path = "/a/b", .method = "PUT"}), "wide");
  EXPECT_EQ(taken(table, {.path = "/a/b"}), "exact");
  EXPECT_EQ(taken(table, {.path = "/a/i/x.jpg"}), "suffix");
  EXPECT_EQ(taken(table, {.path = "/a/i/x.png"}), "images");
  EXPECT_EQ(taken(table, {.path = "/"}), "rest");
}

TEST(Table, LiteralPrefixIsThatOfTheFirstOfTheRoutesPatterns) {
  const Table table(
      {route("a", {.host = {"*.example.com", "www.example.com"}, .path = {"/x", "/i/j/*", "/i/*", "*.c"}})});
  const auto prefix = [&](const char* path) {
    const Asked asked(Request{.host = "www.example.com", .path = path});
    const Match match = table.match(asked.query());
    return match.route ? static_cast<int>(match.literal_prefix) : -1;
  };
  EXPECT_EQ(prefix("/x"), 2);
  EXPECT_EQ(prefix("/i/j/k"), 5);
  EXPECT_EQ(prefix("/i/k"), 3);
  EXPECT_EQ(prefix("/a.c"), 0);
  EXPECT_EQ(prefix("/a.d"), -1);
}

TEST(Table, Empty) {
  const Table table({});
  EXPECT_EQ(taken(table, {}), "-");
  EXPECT_TRUE(table.trace(Asked(Request{}).query()).empty());
}

TEST(Table, KeepsTheOrderOfTheConfiguration) {
  const Table table({route("a"), route("b"), route("c")});
  ASSERT_EQ(table.routes().size(), 3u);
  for (std::uint32_t i = 0; i < 3; ++i) EXPECT_EQ(table.routes()[i]->index, i);
}

TEST(Trace, NamesTheFirstConditionThatFailed) {
  const Table table({
      route("host", {.host = {"other.com"}, .path = {"/other"}, .method = {"PUT"}}),
      route("path", {.host = {"example.com"}, .path = {"/other"}, .method = {"PUT"}}),
      route("method", {.path = {"/x"}, .method = {"PUT"}, .header = {{"X-A", "1"}}}),
      route("header", {.method = {"GET"}, .header = {{"X-A", "1"}}, .client = {network("10.0.0.0/8")}}),
      route("client", {.client = {network("10.0.0.0/8")}}),
      route("matched"),
      route("behind"),
  });
  const Asked asked(Request{.path = "/x"});
  const auto steps = table.trace(asked.query());
  ASSERT_EQ(steps.size(), 6u);
  for (const auto& step : steps) EXPECT_EQ(to_string(step.why), step.route->name);
}

TEST(Trace, ARefusedFormEndsTheListWhereItCounts) {
  const Table table({route("put", {.method = {"PUT"}}), route("a"), route("b", {}, NormalizePath::none)});
  const Asked asked(Request{.path = "/%00"});
  const auto steps = table.trace(asked.query());
  ASSERT_EQ(steps.size(), 2u);
  EXPECT_EQ(steps[0].why, TraceStep::Why::path);
  EXPECT_EQ(steps[1].why, TraceStep::Why::path_refused);
  EXPECT_EQ(to_string(steps[1].why), "path_refused");
}

}  // namespace
}  // namespace shellac::route
