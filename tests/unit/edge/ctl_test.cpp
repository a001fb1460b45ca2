#include "shellac/edge/ctl.hpp"

#include <gmock/gmock.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <sstream>
#include <thread>

#include "admin_fixture.hpp"

namespace shellac::edge {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

// The daemon runs on a thread of its own, since ctl blocks. It is looked at when it has been stopped.
class Ctl : public testing::Test {
 protected:
  Ctl() {
    options.admin = "unix:" + dir.file("admin");
    EXPECT_EQ(server.listen({parse_endpoint(options.admin).value(), ""}), std::nullopt);
  }
  ~Ctl() override { stop(); }
  void listen_tcp(const std::string& token_file) {
    ASSERT_EQ(server.listen({parse_endpoint("127.0.0.1:0").value(), token_file}), std::nullopt);
    options.admin = "http://" + server.address();
  }
  int run(const std::string& command, const std::string& argument = "") {
    if (!thread.joinable()) thread = std::thread([this] { context.run(); });
    options.command = command;
    options.argument = argument;
    out.str("");
    err.str("");
    return run_ctl(options, out, err);
  }
  void stop() {
    context.stop();
    if (thread.joinable()) thread.join();
  }

  web::TempDir dir;
  Log log{LogLevel::off};
  boost::asio::io_context context{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{context.get_executor()};
  Daemon daemon;
  AdminServer server{context, log, daemon.actions()};
  std::thread thread;
  CtlOptions options;
  std::ostringstream out, err;
};

TEST_F(Ctl, ShowsBackendsAsATable) {
  EXPECT_EQ(run("backends"), 0);
  EXPECT_EQ(out.str(),
            "POOL  BACKEND     UP   ZONE\n"
            "web   web1        yes  -\n"
            "web   a\\u001b[2J  -    ams1\n");
  EXPECT_EQ(err.str(), "");
}

TEST_F(Ctl, ShowsStatusAsLines) {
  EXPECT_EQ(run("status"), 0);
  EXPECT_EQ(out.str(), "version    1.2\nlisteners  -\n");
}

TEST_F(Ctl, PassesJsonOn) {
  options.json = true;
  EXPECT_EQ(run("status"), 0);
  EXPECT_EQ(out.str(), "{\"version\":\"1.2\",\"listeners\":[]}\n");
}

TEST_F(Ctl, SetsStates) {
  EXPECT_EQ(run("drain", "web/web1"), 0);
  EXPECT_EQ(out.str(), "web/web1: drain\n");
  EXPECT_EQ(run("ready", "web/a/b c"), 0);
  EXPECT_EQ(run("down", "web/web2"), 0);
  EXPECT_EQ(run("log-level", "debug"), 0);
  EXPECT_EQ(out.str(), "log level: debug\n");
  stop();
  EXPECT_THAT(daemon.told, ElementsAre("web/web1 drain", "web/a/b c ready", "web/web2 down", "debug"));
}

TEST_F(Ctl, FailsWhenTheDaemonRefuses) {
  EXPECT_EQ(run("drain", "none/x"), 1);
  EXPECT_EQ(out.str(), "");
  EXPECT_EQ(err.str(), "shellac ctl: 404 Not Found: there is no pool none\n");
}

TEST_F(Ctl, TellsHowAReloadEnded) {
  EXPECT_EQ(run("reload"), 0);
  EXPECT_EQ(out.str(), "reloaded\n");
  stop();
  context.restart();
  daemon.reload_result = std::optional<std::string>("a.yaml:1:2: \"one\" \\ \x1b\na.yaml:3:4: two");
  EXPECT_EQ(run("reload"), 1);
  EXPECT_EQ(err.str(), "shellac ctl: a.yaml:1:2: \"one\" \\\\ \\u001b\nshellac ctl: a.yaml:3:4: two\n");
}

TEST_F(Ctl, UsesTheToken) {
  listen_tcp(write_file(dir.file("token"), std::string(kToken)));
  EXPECT_EQ(run("reload"), 1);
  EXPECT_THAT(err.str(), StartsWith("shellac ctl: 401 "));
  options.token = kToken;
  EXPECT_EQ(run("reload"), 0) << err.str();
  options.token_file = write_file(dir.file("mine"), "wrong-wrong-wrong\n");
  EXPECT_EQ(run("reload"), 1);  // the file wins
  options.token_file = dir.file("none");
  EXPECT_EQ(run("reload"), 1);
  EXPECT_THAT(err.str(), HasSubstr(dir.file("none")));
}

TEST_F(Ctl, TakesAddressesInThreeForms) {
  listen_tcp("");
  const auto port = options.admin.substr(options.admin.rfind(':'));
  for (const auto& url : {"127.0.0.1" + port, "http://127.0.0.1" + port + "/", "http://localhost" + port}) {
    options.admin = url;
    EXPECT_EQ(run("status"), 0) << url << err.str();
  }
}

TEST_F(Ctl, SaysThatNobodyAnswers) {
  options.admin = "unix:" + dir.file("nobody");
  EXPECT_EQ(run("status"), 1);
  EXPECT_THAT(err.str(), HasSubstr(dir.file("nobody") + ": No such file or directory"));
  EXPECT_THAT(err.str(), HasSubstr("is the daemon running"));
  EXPECT_EQ(out.str(), "");
}

TEST_F(Ctl, NoticesAStranger) {
  boost::asio::ip::tcp::acceptor stranger(context, {boost::asio::ip::address_v4::loopback(), 0});
  options.admin = "127.0.0.1:" + std::to_string(stranger.local_endpoint().port());
  stranger.async_accept([](boost::system::error_code, boost::asio::ip::tcp::socket socket) {
    char head[4096];
    socket.read_some(boost::asio::buffer(head));
    boost::asio::write(socket, boost::asio::buffer(std::string_view("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")));
  });
  EXPECT_EQ(run("status"), 1);
  EXPECT_THAT(err.str(), HasSubstr("not JSON"));
  stop();
}

TEST_F(Ctl, SaysHowItIsUsed) {
  for (const auto* const argument : {"", "web", "/web1", "web/", "/"}) {
    EXPECT_EQ(run("drain", argument), 2) << argument;
    EXPECT_THAT(err.str(), HasSubstr("POOL/BACKEND"));
  }
  EXPECT_EQ(run("dance"), 2);
  for (const auto* const url : {"", "unix:", "https://localhost:1", "localhost", "http://localhost:x", "-"}) {
    options.admin = url;
    EXPECT_EQ(run("status"), 2) << url;
    EXPECT_THAT(err.str(), HasSubstr("--admin")) << url;
  }
  stop();
  EXPECT_THAT(daemon.told, IsEmpty());
}

TEST_F(Ctl, Purges) {
  EXPECT_EQ(run("purge", "http://a/b?c"), 0) << err.str();
  EXPECT_EQ(out.str(), "purged: 3\n");
  EXPECT_EQ(run("purge-tag", "front"), 0);
  options.soft = true;
  EXPECT_EQ(run("purge-tag", "front"), 0);
  EXPECT_EQ(run("purge", "nonsense"), 1);
  EXPECT_EQ(err.str(), "shellac ctl: 400 Bad Request: no URL\n");
  options.all = true;
  EXPECT_EQ(run("purge"), 0);
  options.json = true;
  EXPECT_EQ(run("purge"), 0);
  EXPECT_EQ(out.str(), "{\"purged\":3,\"soft\":true}\n");
  EXPECT_EQ(run("purge", "http://a/"), 2);
  EXPECT_THAT(err.str(), HasSubstr("not both"));
  options.all = false;
  EXPECT_EQ(run("purge"), 2);
  stop();
  EXPECT_THAT(daemon.told, ElementsAre("purge url http://a/b?c", "purge tag front", "purge tag front softly",
                                       "purge all  softly", "purge all  softly"));
}

TEST_F(Ctl, LooksIntoTheCache) {
  EXPECT_EQ(run("cache-get", "https://a/?b=c&d=%20"), 0) << err.str();
  EXPECT_EQ(out.str(), "KEY        STATUS\nhttp://a/  200\n");
  EXPECT_EQ(run("cache-get", "http://nothing/"), 0);
  EXPECT_EQ(out.str(), "nothing is stored\n");
  EXPECT_EQ(run("cache-top"), 0);
  options.count = 3;
  options.by_bytes = true;
  EXPECT_EQ(run("cache-top"), 0);
  stop();
  EXPECT_THAT(daemon.told,
              ElementsAre("look https://a/?b=c&d=%20 0", "look http://nothing/ 0", "look  20", "look  3 by bytes"));
}

TEST_F(Ctl, LeavesTheRestToLaterVersions) {
  options.admin = "nonsense";  // nobody is asked
  EXPECT_EQ(run("ban"), 1);
  EXPECT_THAT(err.str(), HasSubstr("not in this version yet"));
  options.prefix = true;
  EXPECT_EQ(run("purge", "http://a/"), 1);
  EXPECT_THAT(err.str(), HasSubstr("not in this version yet"));
}

}  // namespace
}  // namespace shellac::edge
