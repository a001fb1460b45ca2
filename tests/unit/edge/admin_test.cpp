#include "shellac/edge/admin.hpp"

#include <gmock/gmock.h>

#include "admin_fixture.hpp"

namespace shellac::edge {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

class Admin : public testing::Test {
 protected:
  Admin() { token_file = write_file(dir.file("token"), std::string(kToken) + "\n"); }
  // Listens there and remembers where that is.
  std::optional<std::string> listen(const std::string& text, const std::string& token) {
    const auto problem = server.listen({parse_endpoint(text).value(), token});
    if (!problem) address = parse_endpoint(server.address()).value();
    return problem;
  }
  void listen_tcp() { ASSERT_EQ(listen("127.0.0.1:0", token_file), std::nullopt); }
  void listen_unix() { ASSERT_EQ(listen("unix:" + dir.file("admin"), ""), std::nullopt); }

  std::string host() const { return "localhost:" + std::to_string(address.port); }
  std::string talk(const std::string& octets) {
    return web::Peer(context, address).send(octets).finish().receive_all();
  }
  std::string get(const std::string& path) { return talk("GET " + path + " HTTP/1.1\r\nHost: " + host() + "\r\n\r\n"); }
  std::string get_from(const std::string& host_field) {
    return talk("GET /healthz HTTP/1.1\r\n" + host_field + "\r\n\r\n");
  }
  // A write with these fields, each with its line end.
  std::string write_with(const std::string& fields, const std::string& request, const std::string& body) {
    return talk(request + " HTTP/1.1\r\nHost: " + host() + "\r\n" + fields +
                "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  }
  std::string write(const std::string& request, const std::string& body) {
    return write_with(kAuthorized + kJson, request, body);
  }

  const std::string kAuthorized = "Authorization: Bearer " + std::string(kToken) + "\r\n";
  const std::string kJson = "Content-Type: application/json\r\n";
  const std::string kDrain = "POST /api/v1/backends/web/web1";
  const std::string kDrainBody = R"({"state":"drain"})";

  web::TempDir dir;
  std::string token_file;
  Log log{LogLevel::off};
  boost::asio::io_context context{1};
  Daemon daemon;
  AdminServer server{context, log, daemon.actions()};
  Endpoint address;
};

TEST_F(Admin, TellsHealthAndReadiness) {
  listen_tcp();
  EXPECT_THAT(get("/healthz"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(get("/readyz"), StartsWith("HTTP/1.1 200 "));
  daemon.ready = false;
  EXPECT_THAT(get("/readyz"), StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(get("/healthz"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(Admin, AnswersReads) {
  listen_tcp();
  EXPECT_THAT(get("/metrics"), HasSubstr("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  EXPECT_THAT(get("/metrics"), EndsWith("\r\n\r\nup 1\n"));
  EXPECT_THAT(get("/api/v1/status"), HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_THAT(get("/api/v1/status"), EndsWith("\r\n\r\n{\"version\":\"1.2\",\"listeners\":[]}\n"));
  EXPECT_THAT(get("/api/v1/backends"), HasSubstr("\r\n\r\n[{\"pool\":\"web\",\"backend\":\"web1\",\"up\":true},"));
  EXPECT_THAT(get("/api/v1/config"), EndsWith("\r\n\r\n{\"workers\":2}\n"));
  EXPECT_THAT(get("/api/v1/nothing"), StartsWith("HTTP/1.1 404 "));
}

TEST_F(Admin, SaysWhatIsNotThereYet) {
  listen_tcp();
  for (const auto& answer : {write("POST /api/v1/purge", R"({"prefix":"http://a/","soft":true})"),
                             write("POST /api/v1/ban", R"({"expr":"x"})")}) {
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 501 "));
    EXPECT_THAT(answer, HasSubstr("not in this version yet"));
    EXPECT_THAT(answer, HasSubstr("Content-Type: application/problem+json\r\n"));
  }
}

TEST_F(Admin, WantsItsOwnHostOverTcp) {
  listen_tcp();
  const auto port = std::to_string(address.port);
  for (const auto& good : {"Host: localhost:" + port, "Host: LocalHost:" + port, "Host: 127.0.0.1:" + port})
    EXPECT_THAT(get_from(good), StartsWith("HTTP/1.1 200 ")) << good;
  for (const auto& bad : {"Host: evil.example:" + port, "Host: 127.0.0.2:" + port, std::string("Host: localhost:1"),
                          std::string("Host: localhost"), "Host: localhost.evil.example:" + port, std::string("Host: "),
                          "Host: [::1]:" + port})
    EXPECT_THAT(get_from(bad), StartsWith("HTTP/1.1 421 ")) << bad;
  EXPECT_THAT(talk("GET http://evil.example/metrics HTTP/1.1\r\nHost: " + host() + "\r\n\r\n"),
              StartsWith("HTTP/1.1 421 "));
  EXPECT_THAT(talk("GET /nothing HTTP/1.1\r\nHost: evil.example\r\n\r\n"), StartsWith("HTTP/1.1 421 "));
  EXPECT_THAT(talk("GET /healthz HTTP/1.0\r\n\r\n"), StartsWith("HTTP/1.1 421 "));
}

TEST_F(Admin, TakesTheAddressOfAWildcardsConnection) {
  ASSERT_EQ(listen("0.0.0.0:0", token_file), std::nullopt);
  address.ip = parse_ip("127.0.0.1").value();
  EXPECT_THAT(get_from("Host: " + to_string(address)), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(get_from("Host: 0.0.0.0:" + std::to_string(address.port)), StartsWith("HTTP/1.1 421 "));
}

TEST_F(Admin, WritesWithTheToken) {
  listen_tcp();
  EXPECT_THAT(write(kDrain, kDrainBody),
              EndsWith("\r\n\r\n{\"pool\":\"web\",\"backend\":\"web1\",\"state\":\"drain\"}\n"));
  EXPECT_THAT(write("PUT /api/v1/log-level", R"({"level":"debug"})"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(daemon.told, ElementsAre("web/web1 drain", "debug"));
}

TEST_F(Admin, RefusesWritesWithoutTheTokenOverTcp) {
  listen_tcp();
  const auto missing = write_with(kJson, kDrain, kDrainBody);
  EXPECT_THAT(missing, StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(missing, HasSubstr("WWW-Authenticate: Bearer realm=\"shellac admin\"\r\n"));
  for (const auto* const wrong : {"Bearer 0123456789abcdeX", "Bearer 0123456789abcde", "Bearer 0123456789abcdef0",
                                  "Bearer", "Bearer ", "Basic 0123456789abcdef", "0123456789abcdef"})
    EXPECT_THAT(write_with("Authorization: " + std::string(wrong) + "\r\n" + kJson, kDrain, kDrainBody),
                StartsWith("HTTP/1.1 401 "))
        << wrong;
  EXPECT_THAT(daemon.told, IsEmpty());
  EXPECT_THAT(get("/api/v1/status"), StartsWith("HTTP/1.1 200 "));  // reads need none
}

TEST_F(Admin, RefusesAllWritesWithoutATokenFileOverTcp) {
  ASSERT_EQ(listen("127.0.0.1:0", ""), std::nullopt);
  EXPECT_THAT(write(kDrain, kDrainBody), StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(write_with("Authorization: Bearer \r\n" + kJson, kDrain, kDrainBody), StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(daemon.told, IsEmpty());
}

TEST_F(Admin, RefusesWhatABrowserSends) {
  listen_tcp();
  EXPECT_THAT(write_with("Origin: http://" + host() + "\r\n" + kAuthorized + kJson, kDrain, kDrainBody),
              StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(write_with(kAuthorized + "Content-Type: text/plain\r\n", kDrain, kDrainBody),
              StartsWith("HTTP/1.1 415 "));
  EXPECT_THAT(write_with(kAuthorized, kDrain, kDrainBody), StartsWith("HTTP/1.1 415 "));
  EXPECT_THAT(daemon.told, IsEmpty());
  EXPECT_THAT(write_with(kAuthorized + "Content-Type: Application/JSON; charset=utf-8\r\n", kDrain, kDrainBody),
              StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(write_with(kAuthorized, "POST /api/v1/reload", ""), StartsWith("HTTP/1.1 200 "));
}

TEST_F(Admin, TrustsItsUnixSocket) {
  listen_unix();
  EXPECT_THAT(talk("GET /healthz HTTP/1.1\r\nHost: whatever\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(write_with("", kDrain, kDrainBody), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(daemon.told, ElementsAre("web/web1 drain"));
}

TEST_F(Admin, ChecksWhatIsWritten) {
  listen_tcp();
  for (const auto* const bad : {"", "{", "[]", "\"drain\"", "{}", R"({"state":1})", R"({"state":"off"})",
                                R"({"state":"drain","force":true})", R"({"State":"drain"})"})
    EXPECT_THAT(write(kDrain, bad), StartsWith("HTTP/1.1 400 ")) << bad;
  EXPECT_THAT(write("POST /api/v1/backends/none/web1", kDrainBody), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(write("PUT /api/v1/log-level", R"({"level":"loud"})"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(write("POST /api/v1/reload", R"({"now":1})"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(write("POST /api/v1/log-level", R"({"level":"info"})"), StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(write(kDrain, std::string(70000, ' ')), StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(daemon.told, IsEmpty());
}

TEST_F(Admin, DecodesNamesOfBackends) {
  listen_tcp();
  write("POST /api/v1/backends/web/a%2Fb", kDrainBody);
  EXPECT_THAT(daemon.told, ElementsAre("web/a/b drain"));
}

TEST_F(Admin, TellsHowAReloadEnded) {
  listen_tcp();
  EXPECT_THAT(write("POST /api/v1/reload", "{}"), EndsWith("\r\n\r\n{\"result\":\"ok\"}\n"));
  daemon.reload_result = std::optional<std::string>("a.yaml:1:2: one\na.yaml:3:4: two");
  const auto failed = write("POST /api/v1/reload", "");
  EXPECT_THAT(failed, StartsWith("HTTP/1.1 422 "));
  EXPECT_THAT(failed, HasSubstr(R"("problems":["a.yaml:1:2: one","a.yaml:3:4: two"])"));
}

TEST_F(Admin, WaitsForAReload) {
  listen_unix();
  daemon.reload_result.reset();
  web::Peer peer(context, address);
  peer.send("POST /api/v1/reload HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
  while (!daemon.reload_done) context.run_one();
  EXPECT_THAT(get("/healthz"), StartsWith("HTTP/1.1 200 "));  // others are served meanwhile
  daemon.reload_done(std::nullopt);
  EXPECT_THAT(peer.receive_until("ok\"}"), StartsWith("HTTP/1.1 200 "));
}

// The reload that moves the admin address answers where it was asked.
TEST_F(Admin, MovesWhileAReloadIsUnderWay) {
  listen_unix();
  daemon.reload_result.reset();
  web::Peer peer(context, address);
  peer.send("POST /api/v1/reload HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
  while (!daemon.reload_done) context.run_one();
  const auto before = address.path;
  listen_tcp();
  daemon.reload_done(std::nullopt);
  EXPECT_THAT(peer.receive_until("ok\"}"), HasSubstr("Connection: close\r\n"));
  EXPECT_FALSE(std::filesystem::exists(before));
  EXPECT_THAT(get("/healthz"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(Admin, MovesBetweenAddressesOfOnePort) {
  listen_tcp();
  const auto port = std::to_string(address.port);
  EXPECT_EQ(listen("0.0.0.0:" + port, token_file), std::nullopt);
  address.ip = parse_ip("127.0.0.1").value();
  EXPECT_THAT(get("/healthz"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(Admin, StaysWhereItIsWhenItCannotMove) {
  listen_tcp();
  const auto before = server.address();
  EXPECT_THAT(listen("unix:" + dir.file("no/such/place"), "").value_or(""), HasSubstr("no/such/place"));
  EXPECT_EQ(server.address(), before);
  EXPECT_THAT(write(kDrain, kDrainBody), StartsWith("HTTP/1.1 200 "));  // with the old token
}

TEST_F(Admin, ChangesTheTokenInPlace) {
  ASSERT_EQ(listen("127.0.0.1:0", token_file), std::nullopt);
  const auto before = server.address();
  write_file(token_file, "fedcba9876543210\r\n");
  ASSERT_EQ(listen("127.0.0.1:0", token_file), std::nullopt);
  EXPECT_EQ(server.address(), before);
  EXPECT_THAT(write(kDrain, kDrainBody), StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(write_with("Authorization: bearer fedcba9876543210\r\n" + kJson, kDrain, kDrainBody),
              StartsWith("HTTP/1.1 200 "));
}

TEST_F(Admin, ChecksTheTokenFile) {
  EXPECT_THAT(listen("127.0.0.1:0", dir.file("none")).value_or(""), HasSubstr(dir.file("none")));
  EXPECT_THAT(listen("127.0.0.1:0", write_file(dir.file("short"), " 0123456789abcde \n")).value_or(""),
              HasSubstr("fewer than 16"));
  EXPECT_THAT(listen("127.0.0.1:0", write_file(dir.file("odd"), "0123456789 abcdef\n")).value_or(""),
              HasSubstr("visible ASCII"));
  EXPECT_EQ(server.address(), "-");
}

TEST_F(Admin, StopsAcceptingAtOnce) {
  listen_tcp();
  server.stop();
  EXPECT_THROW(web::Peer(context, address), boost::system::system_error);
}

}  // namespace
}  // namespace shellac::edge
