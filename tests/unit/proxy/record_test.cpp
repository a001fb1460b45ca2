// What is told of a request when it has ended.
#include <chrono>

#include "proxy/fixture.hpp"

namespace shellac::proxy {
namespace {

class RecordTest : public ProxyTest {
 protected:
  test::Peer serve(MuxStream& stream, std::string_view answer) {
    test::Peer server = pool("web").accept();
    request_ = server.read_head();
    server.send(answer);
    EXPECT_TRUE(over(stream));
    return server;
  }
  std::string request_;
};

TEST_F(RecordTest, EverythingOfAProxiedRequest) {
  pool("web");
  configure({{"photos"}, {"rest"}});
  client_.client().listener = "https";
  client_.client().peer = *parse_endpoint("192.0.2.9:1234");
  MuxStream& a = client_.open({.head = "PUT /photos/1.jpg?size=2 HTTP/1.1\r\nHost: www.example\r\nReferer: /home\r\n"
                                       "User-Agent: test/1\r\nContent-Length: 4\r\n\r\n"});
  on_loop([&] {
    a.body().put("body");
    a.body().finish();
  });
  serve(a, "HTTP/1.1 201 Created\r\nContent-Length: 7\r\n\r\ncreated");
  ASSERT_EQ(records_.all.size(), 1u);
  const Recorded& record = last();
  EXPECT_EQ(record.listener, "https");
  EXPECT_EQ(record.protocol, "HTTP/2");
  EXPECT_EQ(record.method, "PUT");
  EXPECT_EQ(record.scheme, "http") << "of the connection";
  EXPECT_EQ(record.host, "www.example");
  EXPECT_EQ(record.path, "/photos/1.jpg?size=2");
  EXPECT_EQ(record.route, "photos");
  EXPECT_EQ(record.pool, "web");
  EXPECT_EQ(record.backend, "b1");
  EXPECT_EQ(record.zone, "zone-b1");
  EXPECT_EQ(record.status, 201);
  EXPECT_EQ(record.bytes_in, 4u);
  EXPECT_EQ(record.bytes_out, 7u);
  EXPECT_EQ(record.attempts, 1);
  EXPECT_EQ(record.referer, "/home");
  EXPECT_EQ(record.agent, "test/1");
  EXPECT_EQ(record.ended, Ended::completed);
  EXPECT_EQ(record.reason, "");
  EXPECT_LT(record.t_queue.count(), 0) << "there is no queue yet";
  EXPECT_GE(record.t_connect.count(), 0);
  EXPECT_GE(record.t_first_byte, record.t_connect);
  EXPECT_GE(record.t_total, record.t_first_byte);
  EXPECT_EQ(record.id.size(), 24u);
  EXPECT_EQ(a.field("X-Request-Id"), record.id);
  EXPECT_NE(request_.find("X-Request-Id: " + record.id + "\r\n"), std::string::npos);
  EXPECT_NE(request_.find("X-Forwarded-For: 192.0.2.9\r\n"), std::string::npos);
  EXPECT_EQ(counted("shellac_requests_total{listener=\"https\",route=\"photos\",method=\"PUT\","
                    "status_class=\"2xx\",cache=\"none\"}"),
            1);
  EXPECT_EQ(counted("shellac_request_bytes_total{route=\"photos\"}"), 4);
  EXPECT_EQ(counted("shellac_response_bytes_total{route=\"photos\",cache=\"none\"}"), 7);
  EXPECT_EQ(counted("shellac_backend_requests_total{pool=\"web\",backend=\"b1\",zone=\"zone-b1\","
                    "status_class=\"2xx\"}"),
            1);
}

TEST_F(RecordTest, IdentitiesDiffer) {
  pool("web");
  configure();
  test::Peer server = serve(client_.get("/1"), "HTTP/1.1 204 No Content\r\n\r\n");
  MuxStream& second = client_.get("/2");
  server.read_head();
  server.send("HTTP/1.1 204 No Content\r\n\r\n");
  ASSERT_TRUE(over(second));
  EXPECT_NE(records_.all[0].id, records_.all[1].id);
  EXPECT_LT(last().t_connect.count(), 0) << "on a connection that was kept";
  EXPECT_GE(last().t_first_byte.count(), 0);
}

TEST_F(RecordTest, ARefusedMessageIsAnsweredCountedAndLogged) {
  pool("web");
  configure();
  MuxStream& bad =
      client_.open({.head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n", .refused = front::Refused{431, "head_too_large"}});
  ASSERT_TRUE(over(bad));
  EXPECT_EQ(bad.status(), 431);
  EXPECT_EQ(bad.field("Proxy-Status"), "shellac; error=http_request_error");
  EXPECT_EQ(last().ended, Ended::refused);
  EXPECT_EQ(last().reason, "head_too_large");
  EXPECT_EQ(last().route, "");
  MuxStream& late =
      client_.open({.head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n", .refused = front::Refused{408, "head_timeout", true}});
  ASSERT_TRUE(over(late));
  EXPECT_EQ(late.status(), 408);
  EXPECT_EQ(last().ended, Ended::client_timeout);
  EXPECT_TRUE(pool("web").server(1).is_quiet());
}

TEST_F(RecordTest, NoRouteAndALoop) {
  pool("web");
  configure({{"only"}});
  MuxStream& lost = client_.get("/elsewhere");
  ASSERT_TRUE(over(lost));
  EXPECT_EQ(lost.status(), 404);
  EXPECT_EQ(last().reason, "no_route");
  EXPECT_EQ(last().ended, Ended::refused);
  MuxStream& loop = client_.open(
      {.head = "GET /only HTTP/1.1\r\nHost: a\r\nVia: 1.1 shellac, 1.1 shellac, 2 shellac, 1.1 shellac, 1.1 "
               "shellac\r\n\r\n"});
  ASSERT_TRUE(over(loop));
  EXPECT_EQ(loop.status(), 508);
  EXPECT_EQ(last().reason, "loop");
}

TEST_F(RecordTest, AnAnswerOfOurOwnAsksNobody) {
  route::RouteOptions text = route_of({"text"});
  text.action = route::RespondText{202, "hello", "text/x-test"};
  route::RouteOptions away = route_of({"away"});
  away.action = route::Redirect{"https://$host/new$path$query", 302};
  route::RouteOptions closed = route_of({"closed"});
  closed.deny = {*parse_network("0.0.0.0/0")};
  closed.action = route::RespondText{200, "secret", "text/plain"};
  adopt({text, away, closed});
  client_.client().peer = *parse_endpoint("192.0.2.9:1234");

  MuxStream& a = client_.get("/text");
  ASSERT_TRUE(over(a));
  EXPECT_EQ(a.status(), 202);
  EXPECT_EQ(a.text(), "hello");
  EXPECT_EQ(a.field("Content-Type"), "text/x-test");
  EXPECT_EQ(last().ended, Ended::completed);
  EXPECT_EQ(last().bytes_out, 5u);
  EXPECT_EQ(last().pool, "");
  EXPECT_EQ(last().attempts, 0);

  MuxStream& head = client_.open({.head = "HEAD /text HTTP/1.1\r\nHost: a\r\n\r\n"});
  ASSERT_TRUE(over(head));
  EXPECT_EQ(head.text(), "");
  EXPECT_EQ(head.told_length(), 5u);

  MuxStream& b = client_.open({.head = "GET /away?x=y HTTP/1.1\r\nHost: www.example:8443\r\n\r\n"});
  ASSERT_TRUE(over(b));
  EXPECT_EQ(b.status(), 302);
  EXPECT_EQ(b.field("Location"), "https://www.example/new/away?x=y");

  MuxStream& c = client_.get("/closed");
  ASSERT_TRUE(over(c));
  EXPECT_EQ(c.status(), 403);
  EXPECT_EQ(last().ended, Ended::refused);
  EXPECT_EQ(last().reason, "access");
}

TEST_F(RecordTest, FilesOfADirectory) {
  test::TempDir site;
  site.write("robots.txt", "User-agent: *\n");
  route::RouteOptions files = route_of({"files"});
  files.match.path = {"/files/*"};
  files.action = route::RespondDir{site.path()};
  adopt({files});
  struct Row {
    const char* request;
    int status;
    const char* text;
  };
  for (const Row& row : {Row{"GET /files/robots.txt", 200, "User-agent: *\n"}, Row{"HEAD /files/robots.txt", 200, ""},
                         Row{"GET /files/none", 404, nullptr}, Row{"GET /files/%2e%2e/x", 404, nullptr},
                         Row{"POST /files/robots.txt", 405, nullptr}}) {
    MuxStream& a = client_.open({.head = std::string(row.request) + " HTTP/1.1\r\nHost: a\r\n\r\n"});
    ASSERT_TRUE(over(a)) << row.request;
    EXPECT_EQ(a.status(), row.status) << row.request;
    if (row.text != nullptr) {
      EXPECT_EQ(a.text(), row.text) << row.request;
    }
  }
}

TEST_F(RecordTest, ErrorsInTheTypeThatTheClientAccepts) {
  pool("web");
  configure({{"nothing"}});  // no route matches
  struct Row {
    const char* accept;
    const char* type;
    const char* begin;
  };
  for (const Row& row :
       {Row{"text/html", "text/html; charset=utf-8", "<!doctype html>"},
        Row{"application/json", "application/problem+json", "{\"title\":\"Not Found\",\"status\":404}"},
        Row{"image/png", "text/plain; charset=utf-8", "404 Not Found"}}) {
    MuxStream& a =
        client_.open({.head = "GET / HTTP/1.1\r\nHost: a\r\nAccept: " + std::string(row.accept) + "\r\n\r\n"});
    ASSERT_TRUE(over(a));
    EXPECT_EQ(a.field("Content-Type"), row.type);
    EXPECT_TRUE(a.text().starts_with(row.begin)) << a.text();
  }
}

TEST_F(RecordTest, TheRoutesOwnErrorPage) {
  test::TempDir pages;
  auto& web = pool("web");
  web.server(1).close();
  route::RouteOptions route = route_of({"rest"});
  route.errors = {{502, pages.write("502.html", "<p>sorry</p>")}};
  route.response.set = {{"X-Edge", "yes"}};
  adopt({route});
  MuxStream& a = client_.get("/");
  ASSERT_TRUE(over(a));
  EXPECT_EQ(a.status(), 502);
  EXPECT_EQ(a.text(), "<p>sorry</p>");
  EXPECT_EQ(a.field("Content-Type"), "text/html; charset=utf-8");
  EXPECT_EQ(a.field("X-Edge"), "yes") << "edits hold for our own answers too";
}

TEST_F(RecordTest, RedirectToHttps) {
  pool("web");
  configure();
  client_.client().redirect_port = 8443;
  MuxStream& a = client_.open({.head = "GET /a?b HTTP/1.1\r\nHost: www.example:8080\r\n\r\n"});
  ASSERT_TRUE(over(a));
  EXPECT_EQ(a.status(), 308);
  EXPECT_EQ(a.field("Location"), "https://www.example:8443/a?b");
  client_.client().redirect_port = 443;
  MuxStream& b = client_.get("/");
  ASSERT_TRUE(over(b));
  EXPECT_EQ(b.field("Location"), "https://a/");
  MuxStream& challenge = client_.get("/.well-known/acme-challenge/x");
  serve(challenge, "HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(challenge.status(), 204);
}

TEST_F(RecordTest, NobodyGoesRoundTheRedirectToHttps) {
  pool("web");
  configure();
  client_.client().redirect_port = 443;
  for (const auto* const path : {"/.well-known/acme-challenge/../../account", "/.well-known/acme-challenge/%2e%2e/a",
                                 "/.well-known/acme-challenge", "//.well-known/acme-challenges/x"}) {
    MuxStream& a = client_.get(path);
    ASSERT_TRUE(over(a));
    EXPECT_EQ(a.status(), 308) << path;
    EXPECT_EQ(a.field("Location"), std::string("https://a") + path);
  }
  MuxStream& old = client_.open({.head = "GET /a HTTP/1.0\r\n\r\n"});
  ASSERT_TRUE(over(old));
  EXPECT_EQ(old.status(), 400);
  EXPECT_EQ(last().ended, Ended::refused);
  MuxStream& challenge = client_.open({.head = "GET /.well-known/acme-challenge/x HTTP/1.0\r\n\r\n"});
  serve(challenge, "HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(challenge.status(), 204);
}

TEST_F(RecordTest, ARefusedConnectAllowsNothingInParticular) {
  pool("web");
  configure();
  MuxStream& connect =
      client_.open({.head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n", .refused = front::Refused{405, "connect"}});
  ASSERT_TRUE(over(connect));
  EXPECT_EQ(connect.status(), 405);
  EXPECT_FALSE(connect.has_field("Allow"));
}

TEST(Ended, Words) {
  for (const auto& [ended, word] : std::map<Ended, std::string_view>{{Ended::completed, "completed"},
                                                                     {Ended::client_reset, "client_reset"},
                                                                     {Ended::client_timeout, "client_timeout"},
                                                                     {Ended::backend_error, "backend_error"},
                                                                     {Ended::backend_timeout, "backend_timeout"},
                                                                     {Ended::refused, "refused"},
                                                                     {Ended::limit, "limit"},
                                                                     {Ended::shutdown, "shutdown"}})
    EXPECT_EQ(to_string(ended), word);
}

}  // namespace
}  // namespace shellac::proxy
