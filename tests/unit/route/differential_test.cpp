// Random tables and requests: the compiled table must answer like a loop over the routes.
#include <random>

#include "route/fixture.hpp"

namespace shellac::route {
namespace {

// The obvious, exponential glob.
bool naive_glob(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*')
    return naive_glob(pattern.substr(1), text) || (!text.empty() && naive_glob(pattern, text.substr(1)));
  return !text.empty() && text[0] == pattern[0] && naive_glob(pattern.substr(1), text.substr(1));
}

// Hosts of the requests are in lower case here, without ports: table_test has those.
bool naive_host(const std::string& pattern, const std::string& host) {
  if (pattern == "*") return true;
  if (pattern[0] != '*') return pattern == host;
  return host.size() >= pattern.size() && host.substr(host.size() - pattern.size() + 1) == pattern.substr(1);
}

TraceStep::Why naive_why(const RouteOptions& options, const Query& query) {
  const auto any = [](const auto& list, auto matches) {
    if (list.empty()) return true;
    for (const auto& item : list)
      if (matches(item)) return true;
    return false;
  };
  const MatchOptions& match = options.match;
  using Why = TraceStep::Why;
  if (!any(match.host, [&](auto& host) { return naive_host(host, std::string(query.host)); })) return Why::host;
  const auto path = query.path->get(options.normalize_path);
  if (path && !any(match.path, [&](auto& pattern) { return naive_glob(pattern, *path); })) return Why::path;
  if (!any(match.method, [&](auto& method) { return method == query.method; })) return path ? Why::method : Why::path;
  for (const auto& [name, glob] : match.header) {
    const http::Field* const field = query.fields->find(name);
    if (!field || !naive_glob(glob, field->value)) return path ? Why::header : Why::path;
  }
  const auto in_network = [&](auto& item) { return query.has_client && item.contains(query.client); };
  if (!any(match.client, in_network)) return path ? Why::client : Why::path;
  return path ? Why::matched : Why::path_refused;
}

std::size_t naive_prefix(const RouteOptions& options, std::string_view path) {
  for (const auto& pattern : options.match.path)
    if (naive_glob(pattern, path)) return std::min(pattern.find('*'), pattern.size());
  return 0;
}

class Dice {
 public:
  explicit Dice(std::uint32_t seed) : random_(seed) {}
  std::size_t below(std::size_t bound) { return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random_); }
  bool one_in(std::size_t n) { return below(n) == 0; }
  template <class List>
  std::string of(const List& list) {
    return std::data(list)[below(std::size(list))];
  }
  std::string text(std::string_view alphabet, std::size_t size_max) {
    std::string out;
    for (std::size_t i = below(size_max + 1); i > 0; --i) out += alphabet[below(alphabet.size())];
    return out;
  }

 private:
  std::mt19937 random_;
};

constexpr const char* kHosts[] = {"a.example", "b.example", "x.a.example", "y.x.a.example", "example", "c.test", ""};
constexpr const char* kHostPatterns[] = {"a.example",   "b.example", "*.example", "*.a.example",
                                         "x.a.example", "*",         "*.test",    "*.x.a.example"};
constexpr const char* kMethods[] = {"GET", "HEAD", "POST"};
constexpr const char* kNetworks[] = {"10.0.0.0/8", "10.1.0.0/16", "2001:db8::/32", "0.0.0.0/0"};
constexpr const char* kClients[] = {"10.1.2.3", "10.2.0.1", "192.0.2.1", "2001:db8::1", ""};

RouteOptions random_route(Dice& dice, std::size_t index) {
  RouteOptions options = route("r" + std::to_string(index));
  MatchOptions& match = options.match;
  if (dice.one_in(4)) options.normalize_path = dice.one_in(2) ? NormalizePath::safe : NormalizePath::none;
  if (!dice.one_in(3))
    for (std::size_t i = dice.below(3); i > 0; --i) match.host.push_back(dice.of(kHostPatterns));
  if (!dice.one_in(6))
    for (std::size_t i = dice.below(4); i > 0; --i) {
      // A narrow alphabet, so that prefixes, suffixes and stars meet.
      std::string pattern = dice.one_in(5) ? "" : "/";
      pattern += dice.text("aab/*", 6);
      match.path.push_back(pattern.empty() ? "*" : pattern);
    }
  if (dice.one_in(3)) match.method.push_back(dice.of(kMethods));
  if (dice.one_in(4)) match.header.emplace_back(dice.one_in(2) ? "X-A" : "accept", dice.text("ab*", 2));
  if (dice.one_in(4)) match.client.push_back(network(dice.of(kNetworks)));
  return options;
}

Request random_request(Dice& dice) {
  Request request{.host = dice.of(kHosts), .path = "/" + dice.text("aab/", 7), .method = dice.of(kMethods)};
  if (dice.one_in(4))
    request.path += dice.of(std::array{"/../a", "//", "/.", "%61", "/%2e%2E/b", "/../../../..", "%zz"});
  if (dice.one_in(2)) request.fields.emplace_back("x-a", dice.text("ab", 2));
  if (dice.one_in(2)) request.fields.emplace_back("Accept", dice.text("ab", 2));
  request.client = dice.of(kClients);
  return request;
}

void expect_same(const Table& table, const std::vector<RouteOptions>& routes, const Request& request) {
  const Asked asked(request);
  const Match match = table.match(asked.query());
  const auto steps = table.trace(asked.query());
  for (std::size_t i = 0; i < routes.size(); ++i) {
    const auto why = naive_why(routes[i], asked.query());
    ASSERT_LT(i, steps.size());
    ASSERT_EQ(to_string(steps[i].why), to_string(why));
    if (why == TraceStep::Why::path_refused) {
      ASSERT_EQ(match.route, nullptr) << "not expected " << match.route->name;
      ASSERT_TRUE(match.path_refused);
      ASSERT_EQ(steps.size(), i + 1);
      return;
    }
    if (why != TraceStep::Why::matched) continue;
    ASSERT_NE(match.route, nullptr) << "expected " << routes[i].name;
    ASSERT_EQ(match.route->name, routes[i].name);
    ASSERT_EQ(match.literal_prefix, naive_prefix(routes[i], *asked.forms().get(routes[i].normalize_path)));
    ASSERT_EQ(steps.size(), i + 1);
    return;
  }
  ASSERT_EQ(match.route, nullptr) << "not expected " << match.route->name;
}

std::string describe(const std::vector<RouteOptions>& routes, const Request& request) {
  std::string out = request.method + " " + request.host + " " + request.path + " from " + request.client;
  for (const auto& options : routes) {
    out += "\n" + options.name + ":";
    for (const auto& host : options.match.host) out += " host " + host;
    for (const auto& path : options.match.path) out += " path " + path;
    for (const auto& method : options.match.method) out += " " + method;
  }
  return out;
}

TEST(Differential, TheTableAnswersLikeALoopOverTheRoutes) {
  std::size_t matched = 0, late = 0;
  for (std::uint32_t seed = 1; seed <= 1500; ++seed) {
    Dice dice(seed);
    std::vector<RouteOptions> routes;
    for (std::size_t i = 0, count = dice.below(40); i < count; ++i) routes.push_back(random_route(dice, i));
    const Table table(routes);
    for (int i = 0; i < 30; ++i) {
      const Request request = random_request(dice);
      ASSERT_NO_FATAL_FAILURE(expect_same(table, routes, request)) << "seed " << seed << "\n"
                                                                   << describe(routes, request);
      const std::string name = taken(table, request);
      matched += name != "-";
      late += name != "-" && name != "r0";
    }
  }
  // The dice must not make it easy.
  EXPECT_GT(matched, 10000u);
  EXPECT_GT(late, 5000u);
}

}  // namespace
}  // namespace shellac::route
