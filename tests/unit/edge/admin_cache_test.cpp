// Purges and looks into the cache over the admin API.
#include <gmock/gmock.h>

#include "admin_fixture.hpp"

namespace shellac::edge {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class AdminCache : public testing::Test {
 protected:
  AdminCache() {
    EXPECT_EQ(server.listen({parse_endpoint("127.0.0.1:0").value(), write_file(dir.file("token"), kToken)}),
              std::nullopt);
    address = parse_endpoint(server.address()).value();
  }
  std::string talk(const std::string& octets) {
    return web::Peer(context, address).send(octets).finish().receive_all();
  }
  std::string get(const std::string& query) {
    return talk("GET /api/v1/cache" + query + " HTTP/1.1\r\nHost: localhost:" + std::to_string(address.port) +
                "\r\n\r\n");
  }
  std::string purge(const std::string& body, const std::string& token = "Bearer " + std::string(kToken)) {
    return talk("POST /api/v1/purge HTTP/1.1\r\nHost: localhost:" + std::to_string(address.port) +
                "\r\nAuthorization: " + token + "\r\nContent-Type: application/json\r\nContent-Length: " +
                std::to_string(body.size()) + "\r\n\r\n" + body);
  }

  web::TempDir dir;
  Log log{LogLevel::off};
  boost::asio::io_context context{1};
  Daemon daemon;
  AdminServer server{context, log, daemon.actions()};
  Endpoint address;
};

TEST_F(AdminCache, Purges) {
  EXPECT_THAT(purge(R"({"url":"http://a/b?c"})"), EndsWith("\r\n\r\n{\"purged\":3,\"soft\":false}\n"));
  EXPECT_THAT(purge(R"({"tag":"front page","soft":true})"), EndsWith("\r\n\r\n{\"purged\":3,\"soft\":true}\n"));
  EXPECT_THAT(purge(R"({"all":true,"soft":false})"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(daemon.told, ElementsAre("purge url http://a/b?c", "purge tag front page softly", "purge all "));
}

TEST_F(AdminCache, ChecksOrders) {
  for (const auto* const bad :
       {"", "{", "[]", "{}", R"({"soft":true})", R"({"url":1})", R"({"url":""})", R"({"tag":null})", R"({"all":false})",
        R"({"all":1})", R"({"url":"http://a/","tag":"x"})", R"({"all":true,"url":"http://a/"})",
        R"({"url":"http://a/","soft":"yes"})", R"({"URL":"http://a/"})", R"({"url":"nonsense"})"}) {
    const auto answer = purge(bad);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 ")) << bad;
    EXPECT_THAT(answer, HasSubstr("Content-Type: application/problem+json\r\n")) << bad;
  }
  EXPECT_THAT(purge(R"({"prefix":"http://a/"})"), StartsWith("HTTP/1.1 501 "));
  EXPECT_THAT(daemon.told, IsEmpty());
}

TEST_F(AdminCache, PurgesNothingWithoutTheToken) {
  EXPECT_THAT(purge(R"({"all":true})", "Bearer 0123456789abcdeX"), StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(daemon.told, IsEmpty());
}

TEST_F(AdminCache, Looks) {
  EXPECT_THAT(get("?url=http%3A%2F%2Fa%2F%3Fb%3D%2526"),
              EndsWith("\r\n\r\n[{\"key\":\"http://a/\",\"status\":200}]\n"));
  EXPECT_THAT(get("?url=http://nothing/"), EndsWith("\r\n\r\n[]\n"));
  EXPECT_THAT(get("?top=7"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(get("?order=bytes&top=1000"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(get(""), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(daemon.told, ElementsAre("look http://a/?b=%26 0", "look http://nothing/ 0", "look  7",
                                       "look  1000 by bytes", "look  20"));
}

TEST_F(AdminCache, ChecksQuestions) {
  for (const auto* const bad : {"?top=0", "?top=1001", "?top=x", "?top=", "?url=", "?url=%zz", "?order=size", "?what",
                                "?url=http://a/&top=1", "?url=nonsense"})
    EXPECT_THAT(get(bad), StartsWith("HTTP/1.1 400 ")) << bad;
  EXPECT_THAT(daemon.told, IsEmpty());
}

}  // namespace
}  // namespace shellac::edge
