#include "shellac/edge/explain.hpp"

#include <gmock/gmock.h>

#include <boost/json.hpp>
#include <sstream>

#include "admin_fixture.hpp"

namespace shellac::edge {
namespace {

using testing::HasSubstr;
namespace json = boost::json;

net::BindOptions bind(std::string_view text) { return {parse_endpoint(text).value()}; }

class Explain : public testing::Test {
 protected:
  Explain() {
    auto& plain = config.listeners.emplace_back();
    plain.name = "http";
    plain.binds = {bind("0.0.0.0:80")};
    auto& secure = config.listeners.emplace_back();
    secure.name = "https";
    secure.binds = {bind("0.0.0.0:443"), bind("[::]:443")};
    secure.tls.emplace();

    auto& pool = config.pools.emplace_back();
    pool.name = "web";
    pool.backends = {{"web1", "127.0.0.1:9001", "ams1"}, {"web2", "127.0.0.1:9002", "rtm1"}};
    pool.timeouts.first_byte = std::chrono::seconds(5);
  }
  route::RouteOptions& route(const std::string& name) {
    auto& added = config.routes.emplace_back();
    added.name = name;
    added.action = route::ToPool{"web"};
    return added;
  }
  json::object of(const std::string& url) {
    options.url = url;
    return explain(config, options);
  }
  std::string why(const json::object& explanation, std::size_t row) {
    const auto& step = explanation.at("routes").as_array().at(row).as_object();
    return std::string(step.at("route").as_string()) + ": " + std::string(step.at("why").as_string());
  }

  Options config;
  ExplainOptions options;
};

TEST_F(Explain, SaysWhichRouteAndWhyNoneBefore) {
  route("host").match.host = {"other.example"};
  route("path").match.path = {"/i/*"};
  route("method").match.method = {"POST"};
  route("header").match.header = {{"X-A", "b*"}};
  route("client").match.client = {parse_network("10.0.0.0/8").value()};
  route("rest");
  route("never");
  options.client = "192.0.2.1";
  const auto out = of("http://www.example.com/a//b/../c?x=1");
  EXPECT_EQ(why(out, 0), "host: host differs");
  EXPECT_EQ(why(out, 1), "path: path differs");
  EXPECT_EQ(why(out, 2), "method: method differs");
  EXPECT_EQ(why(out, 3), "header: header differs");
  EXPECT_EQ(why(out, 4), "client: client differs");
  EXPECT_EQ(why(out, 5), "rest: everything fits");
  EXPECT_EQ(out.at("routes").as_array().size(), 6u);
  EXPECT_EQ(out.at("route"), "rest");
  EXPECT_EQ(out.at("path"), "/a/c");
  EXPECT_EQ(out.at("normalize_path"), "full");
  EXPECT_EQ(out.at("outcome"), "pool");
  EXPECT_EQ(out.at("pool"), "web");
  EXPECT_EQ(out.at("target"), "GET /a/c?x=1");
}

TEST_F(Explain, TakesMethodFieldsAndClient) {
  auto& match = route("special").match;
  match.method = {"PURGE"};
  match.header = {{"X-A", "b*"}};
  match.client = {parse_network("10.0.0.0/8").value()};
  match.host = {"real.example"};
  route("rest");
  EXPECT_EQ(of("http://www.example.com/").at("route"), "rest");
  options.method = "PURGE";
  options.fields = {"x-a:  bcd ", "Host: real.example"};
  options.client = "10.1.2.3";
  EXPECT_EQ(of("http://www.example.com/").at("route"), "special");
}

TEST_F(Explain, ListsBackendsTimeoutsAndLimits) {
  auto& rest = route("rest");
  rest.max_body = 1_MiB;
  rest.timeout = std::chrono::seconds(7);
  rest.errors = {};
  rest.request.set = {{"X-B", "1"}};
  rest.response.remove = {"Server"};
  const auto out = of("http://h/");
  const auto& backends = out.at("backends").as_array();
  ASSERT_EQ(backends.size(), 2u);
  EXPECT_EQ(backends[0].at("backend"), "web1");
  EXPECT_EQ(backends[1].at("address"), "127.0.0.1:9002");
  EXPECT_EQ(out.at("timeouts").at("first_byte"), "5s");
  EXPECT_EQ(out.at("timeout"), "7s");
  EXPECT_EQ(out.at("max_body"), "1MiB");
  EXPECT_EQ(out.at("request_edits").as_array().at(0), "set X-B: 1");
  EXPECT_EQ(out.at("response_edits").as_array().at(0), "remove Server");
}

TEST_F(Explain, ShowsWhatARewriteDoes) {
  auto& photos = route("photos");
  photos.match.path = {"/i/*"};
  photos.rewrite_prefix = "/spots/";
  const auto out = of("http://h/i/a%2e.jpg?q");
  EXPECT_EQ(out.at("target"), "GET /spots/a..jpg?q");
  EXPECT_EQ(out.at("rewrite"), "/i/ becomes /spots/");
}

TEST_F(Explain, ShowsRedirectsAndAnswers) {
  auto& moved = route("moved");
  moved.match.path = {"/old/*"};
  moved.action = route::Redirect{"https://new.example$path$query", 301};
  auto& text = route("text");
  text.match.path = {"/robots.txt"};
  text.action = route::RespondText{200, "hello", "text/plain"};
  auto& files = route("files");
  files.match.path = {"/files/*"};
  files.action = route::RespondDir{"/srv"};

  const auto redirect = of("http://h/old/a?b");
  EXPECT_EQ(redirect.at("outcome"), "redirect");
  EXPECT_EQ(redirect.at("status"), 301);
  EXPECT_EQ(redirect.at("location"), "https://new.example/old/a?b");
  const auto answer = of("http://h/robots.txt");
  EXPECT_EQ(answer.at("outcome"), "respond");
  EXPECT_EQ(answer.at("bytes"), 5);
  const auto missing = of("http://h/files/a/b.txt");
  EXPECT_EQ(missing.at("file"), "/srv/a/b.txt");
  EXPECT_EQ(missing.at("status"), 404);
  EXPECT_EQ(of("http://h/files/.git").at("status"), 404);
}

TEST_F(Explain, SaysWhenTheRequestIsRefused) {
  route("rest").deny = {parse_network("10.0.0.0/8").value()};
  EXPECT_EQ(of("http://h/a/../../b").at("status"), 400);
  EXPECT_EQ(of("http://h/%zz").at("outcome"), "refused");
  options.client = "10.0.0.1";
  EXPECT_EQ(of("http://h/").at("status"), 403);
  options.client = "192.0.2.1";
  EXPECT_EQ(of("http://h/").at("outcome"), "pool");
  options.fields = {"Content-Length: 1", "Content-Length: 2"};
  const auto doubled = of("http://h/");
  EXPECT_EQ(doubled.at("status"), 400);
  EXPECT_EQ(doubled.at("reason"), "length_repeated");
  options.fields = {};
  config.routes.front().match.host = {"other"};
  EXPECT_EQ(of("http://h/").at("status"), 404);
  EXPECT_TRUE(of("http://h/").at("route").is_null());
}

TEST_F(Explain, NamesTheListenersThatFit) {
  route("rest");
  const auto fits = [&](const std::string& url) {
    std::string names;
    const auto answer = of(url);
    for (const auto& row : answer.at("listeners").as_array())
      if (row.at("candidate").as_bool()) names += std::string(row.at("listener").as_string()) + " ";
    return names;
  };
  EXPECT_EQ(fits("http://h/"), "http ");
  EXPECT_EQ(fits("https://h/"), "https ");
  EXPECT_EQ(fits("https://h:443/"), "https ");
  EXPECT_EQ(fits("http://h:8080/"), "");
  EXPECT_TRUE(of("http://h:8080/").contains("note"));
  EXPECT_FALSE(of("http://h/").contains("note"));
}

TEST_F(Explain, ObeysTheListener) {
  route("rest");
  config.listeners[0].redirect_https = true;
  EXPECT_EQ(of("http://h/").at("status"), 308);
  EXPECT_EQ(of("http://h:80/a//b?c").at("location"), "https://h/a//b?c");
  EXPECT_EQ(of("http://h/.well-known/acme-challenge/x").at("outcome"), "pool");
  EXPECT_EQ(of("http://h/.well-known/acme-challenge/../x").at("status"), 308);
  config.listeners[1].binds = {bind("0.0.0.0:8443")};
  EXPECT_EQ(of("http://h/a").at("location"), "https://h:8443/a");
  config.listeners[1].binds = {bind("0.0.0.0:443")};
  EXPECT_EQ(of("https://h/").at("outcome"), "pool");
  config.listeners[1].fields_max = 2;
  options.fields = {"A: 1", "B: 2"};
  EXPECT_EQ(of("https://h/").at("status"), 431);
}

TEST_F(Explain, RefusesWrongUsage) {
  route("rest");
  for (const auto* const url :
       {"", "h", "ftp://h/", "http://", "http:///x", "http://a b/", "http://h/a\r\nX: y", "http://user@h/", "/path"})
    EXPECT_THROW(of(url), std::invalid_argument) << url;
  options.fields = {"no colon"};
  EXPECT_THROW(of("http://h/"), std::invalid_argument);
  options.fields = {"A: b\r\nC: d"};
  EXPECT_THROW(of("http://h/"), std::invalid_argument);
  options.fields = {};
  options.client = "localhost";
  EXPECT_THROW(of("http://h/"), std::invalid_argument);
  options.client = "";
  options.method = "GET /";
  EXPECT_THROW(of("http://h/"), std::invalid_argument);
}

class ExplainFile : public testing::Test {
 protected:
  int run(const std::string& config, const std::string& url) {
    options.config_file = write_file(dir.file("shellac.yaml"), config);
    options.url = url;
    return run_explain(options, out, err);
  }
  const std::string kGood =
      "listeners: [ { name: http, bind: \"127.0.0.1:8080\" } ]\n"
      "pools: { web: { backends: [ { name: web1, address: \"127.0.0.1:9001\" } ] } }\n"
      "routes: [ { name: rest, pool: web } ]\n";
  web::TempDir dir;
  ExplainOptions options;
  std::ostringstream out, err;
};

TEST_F(ExplainFile, PrintsTextForPeople) {
  EXPECT_EQ(run(kGood, "http://localhost:8080/a"), 0) << err.str();
  EXPECT_THAT(out.str(), HasSubstr("pool            web\n"));
  EXPECT_THAT(out.str(), HasSubstr("\nbackends:\nORDER  BACKEND  ADDRESS         ZONE  WEIGHT  REASON\n"
                                   "1      web1     127.0.0.1:9001  -     1       eligible\n"));
  EXPECT_EQ(err.str(), "");
}

TEST_F(ExplainFile, PrintsJsonForPrograms) {
  options.json = true;
  EXPECT_EQ(run(kGood, "http://localhost:8080/a"), 0) << err.str();
  EXPECT_EQ(json::parse(out.str()).at("pool"), "web");
}

TEST_F(ExplainFile, TellsProblemsOfTheConfiguration) {
  EXPECT_EQ(run("listeners: 7\n", "http://h/"), 1);
  EXPECT_THAT(err.str(), HasSubstr("shellac.yaml:1:"));
}

TEST_F(ExplainFile, TellsWrongUsage) {
  EXPECT_EQ(run(kGood, "nonsense"), 2);
  EXPECT_THAT(err.str(), HasSubstr("nonsense"));
}

}  // namespace
}  // namespace shellac::edge
