#include "shellac/net/listen.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "net/client_socket.hpp"
#include "net/temporary_directory.hpp"

namespace shellac::net {
namespace {

using testing::HasSubstr;

class ListenTest : public testing::Test {
 protected:
  std::shared_ptr<BoundAddress> open(const Endpoint& endpoint, const std::string& key = "web/0") {
    ListenSockets::Outcome outcome = sockets_.open(endpoint, key);
    EXPECT_EQ(outcome.problem, "");
    EXPECT_NE(outcome.bound, nullptr);
    return outcome.bound;
  }
  std::string problem(const Endpoint& endpoint) {
    ListenSockets::Outcome outcome = sockets_.open(endpoint, "web/0");
    EXPECT_EQ(outcome.bound, nullptr);
    return outcome.problem;
  }
  Endpoint unix_endpoint(const std::string& file = "s") { return at("unix:" + directory_.path(file)); }

  TemporaryDirectory directory_;
  ListenSockets sockets_{3};
};

TEST_F(ListenTest, EveryWorkerHasASocketOfItsOwnOnOnePort) {
  for (const char* address : {"127.0.0.1:0", "[::1]:0"}) {
    const auto bound = open(at(address), address);
    EXPECT_FALSE(bound->is_shared());
    EXPECT_EQ(bound->wanted(), at(address));
    EXPECT_EQ(bound->actual().ip, at(address).ip);
    EXPECT_NE(bound->actual().port, 0);
    std::set<int> fds;
    for (unsigned worker = 0; worker < 3; ++worker) {
      const int fd = bound->fd(worker);
      fds.insert(fd);
      EXPECT_EQ(option(fd, SOL_SOCKET, SO_ACCEPTCONN), 1);
      EXPECT_EQ(option(fd, SOL_SOCKET, SO_REUSEPORT), 1);
      EXPECT_TRUE((::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0 && (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    }
    EXPECT_EQ(fds.size(), 3U);
    connect_to(bound->actual());
  }
}

TEST_F(ListenTest, AnAddressThatIsOpenStaysTheSame) {
  Endpoint endpoint = open(at("127.0.0.1:0"), "first/0")->actual();
  sockets_.close(at("127.0.0.1:0"), "first/0");
  const auto bound = open(endpoint, "web/0");
  EXPECT_EQ(open(endpoint, "web/0"), bound);
  EXPECT_EQ(open(endpoint, "renamed/0"), bound);
}

TEST_F(ListenTest, AnAddressIsClosedUnderWhateverKeyItWasOpenedLast) {
  auto bound = open(at("127.0.0.1:0"), "first/0");
  const Endpoint endpoint = bound->actual();
  bound.reset();
  sockets_.close(at("127.0.0.1:0"), "first/0");
  const std::weak_ptr<BoundAddress> removed = open(endpoint, "web/0");
  open(endpoint, "renamed/0");        // by a reload that fails then
  sockets_.close(endpoint, "web/0");  // by the next one, which takes the listener away
  EXPECT_TRUE(removed.expired());
}

TEST_F(ListenTest, Port0IsToldApartByItsKey) {
  const auto first = open(at("127.0.0.1:0"), "web/0");
  const auto second = open(at("127.0.0.1:0"), "web/1");
  EXPECT_NE(first->actual().port, second->actual().port);
  EXPECT_EQ(open(at("127.0.0.1:0"), "web/0"), first);
  EXPECT_EQ(open(at("127.0.0.1:0"), "web/1"), second);
}

TEST_F(ListenTest, CloseWaitsForTheLastHolder) {
  auto bound = open(at("127.0.0.1:0"));
  const Endpoint actual = bound->actual();
  sockets_.close(at("127.0.0.1:0"), "web/0");
  connect_to(actual);
  bound.reset();
  int error = 0;
  try_connect(actual, error);
  EXPECT_EQ(error, ECONNREFUSED);
}

TEST_F(ListenTest, AForeignOwnerIsNoticed) {
  for (const bool reuse_port : {false, true}) {
    Endpoint endpoint = at("127.0.0.1:0");
    const UniqueFd foreign = foreign_listener(endpoint, reuse_port);
    const UniqueFd client = connect_to(endpoint);
    EXPECT_EQ(problem(endpoint), "cannot listen on " + to_string(endpoint) + ": in use by another program");
    EXPECT_TRUE(has_input(foreign.get()));  // who waited there still does
    EXPECT_FALSE(has_input(client.get()));

    Endpoint any = endpoint;
    any.ip = at("0.0.0.0:1").ip;
    EXPECT_THAT(problem(any), HasSubstr("in use"));
  }
}

TEST_F(ListenTest, ConnectionsOfAnEarlierListenerAreNoOwner) {
  auto bound = open(at("127.0.0.1:0"));
  const Endpoint endpoint = bound->actual();
  UniqueFd client = connect_to(endpoint);
  UniqueFd accepted;
  for (unsigned worker = 0; worker < 3 && !accepted; ++worker)
    accepted = UniqueFd(::accept4(bound->fd(worker), nullptr, nullptr, SOCK_CLOEXEC));
  ASSERT_TRUE(accepted);
  sockets_.close(at("127.0.0.1:0"), "web/0");
  bound.reset();

  auto again = open(endpoint);  // beside an established connection
  again.reset();
  sockets_.close(endpoint, "web/0");
  accepted = UniqueFd();  // this side closes first: it stays in TIME_WAIT
  client = UniqueFd();
  open(endpoint);
}

TEST_F(ListenTest, Ipv6NeverTakesIpv4) {
  const auto v6 = open(at("[::]:0"));
  EXPECT_EQ(option(v6->fd(0), IPPROTO_IPV6, IPV6_V6ONLY), 1);
  EXPECT_TRUE(v6->is_wildcard());
  Endpoint v4 = at("0.0.0.0:1");
  v4.port = v6->actual().port;
  EXPECT_TRUE(open(v4, "web/1")->is_wildcard());
}

TEST_F(ListenTest, OverlappingAddressesOfOurOwnAreNoForeignOwner) {
  const auto narrow = open(at("127.0.0.1:0"), "web/0");
  EXPECT_FALSE(narrow->is_wildcard());
  Endpoint wide = at("0.0.0.0:1");
  wide.port = narrow->actual().port;
  open(wide, "web/1");
}

TEST_F(ListenTest, AnAddressThatIsNotOursIsToldByName) {
  EXPECT_THAT(problem(at("192.0.2.1:80")), HasSubstr("cannot listen on 192.0.2.1:80: "));
}

TEST_F(ListenTest, AUnixSocketIsSharedAndGoesAtTheEnd) {
  const Endpoint endpoint = unix_endpoint();
  auto bound = open(endpoint);
  EXPECT_TRUE(bound->is_shared());
  EXPECT_EQ(bound->fd(0), bound->fd(2));
  struct stat status{};
  ASSERT_EQ(::lstat(endpoint.path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0660U);
  connect_to(endpoint);
  EXPECT_EQ(open(endpoint, "renamed"), bound);

  sockets_.close(endpoint, "renamed");
  bound.reset();
  EXPECT_FALSE(std::filesystem::exists(endpoint.path));
}

TEST_F(ListenTest, TheModeOfAUnixSocketDoesNotDependOnTheUmask) {
  const mode_t before = ::umask(0077);
  open(unix_endpoint());
  ::umask(before);
  struct stat status{};
  ASSERT_EQ(::lstat(unix_endpoint().path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0660U);
}

TEST_F(ListenTest, AStalePathIsReplaced) {
  Endpoint endpoint = unix_endpoint();
  foreign_listener(endpoint);  // gone at once, its path stays
  ASSERT_TRUE(std::filesystem::exists(endpoint.path));
  open(endpoint);
  connect_to(endpoint);
}

TEST_F(ListenTest, ALivePathIsInUse) {
  Endpoint endpoint = unix_endpoint();
  const UniqueFd foreign = foreign_listener(endpoint);
  EXPECT_EQ(problem(endpoint), "cannot listen on " + to_string(endpoint) + ": in use by another program");
  connect_to(endpoint);
}

TEST_F(ListenTest, AFileThatIsNoSocketIsLeftAlone) {
  const Endpoint endpoint = unix_endpoint();
  std::ofstream(endpoint.path) << "precious";
  EXPECT_THAT(problem(endpoint), HasSubstr("in use"));
  EXPECT_EQ(std::filesystem::file_size(endpoint.path), 8U);
}

TEST_F(ListenTest, APathThatASuccessorTookIsLeftAlone) {
  Endpoint endpoint = unix_endpoint();
  open(endpoint);
  std::filesystem::remove(endpoint.path);
  const UniqueFd successor = foreign_listener(endpoint);
  sockets_.close(endpoint, "web/0");
  connect_to(endpoint);
}

TEST_F(ListenTest, UnixPathsThatCannotBe) {
  EXPECT_THAT(problem(unix_endpoint("no/such/directory")), HasSubstr("No such file or directory"));
  Endpoint endpoint = unix_endpoint();
  endpoint.path += std::string(108, 'x');
  EXPECT_THAT(problem(endpoint), HasSubstr("too long"));
  EXPECT_THAT(problem(Endpoint{}), HasSubstr("no address"));
}

TEST_F(ListenTest, AnAbstractNameIsBoundAndInUse) {
  Endpoint endpoint = at("unix:@shellac-listen-test-" + std::to_string(::getpid()));
  {
    const UniqueFd foreign = foreign_listener(endpoint);
    EXPECT_THAT(problem(endpoint), HasSubstr("in use"));
  }
  open(endpoint);
  connect_to(endpoint);
}

// What a service manager passes begins at descriptor 3: hence in a process of its own.
class InheritedDeathTest : public testing::Test {
 protected:
  // Puts `fds` at 3, 4, … and sets the variables as the service manager does. Nothing else is open behind them.
  static void pass(std::vector<UniqueFd>& fds, const std::string& pid = std::to_string(::getpid())) {
    std::vector<int> high;
    for (const UniqueFd& fd : fds) high.push_back(::fcntl(fd.get(), F_DUPFD, 100));
    for (std::size_t i = 0; i < high.size(); ++i) ::dup2(high[i], 3 + static_cast<int>(i));
    ::close_range(3 + static_cast<unsigned>(high.size()), ~0U, 0);
    for (UniqueFd& fd : fds) fd.release();
    ::setenv("LISTEN_PID", pid.c_str(), 1);
    ::setenv("LISTEN_FDS", std::to_string(high.size()).c_str(), 1);
    ::setenv("LISTEN_FDNAMES", "a:b", 1);
  }
  [[noreturn]] static void take_and_take_again();
  [[noreturn]] static void take_nothing_of_others();
  [[noreturn]] static void take_what_listens();

  // Ends the process: 0, or the line of the first thing that is not so.
  static void require(bool so, int line) {
    if (!so) ::_exit(line % 256 == 0 ? 255 : line % 256);
  }
};
#define REQUIRE(condition) require(condition, __LINE__)

void InheritedDeathTest::take_and_take_again() {
  Endpoint tcp = at("127.0.0.1:0"), path = at("unix:@shellac-inherit-test-" + std::to_string(::getpid()));
  std::vector<UniqueFd> fds;
  fds.push_back(foreign_listener(tcp));
  fds.push_back(foreign_listener(path));
  pass(fds);
  ListenSockets sockets(2);
  REQUIRE(std::getenv("LISTEN_PID") == nullptr && std::getenv("LISTEN_FDS") == nullptr);
  REQUIRE(std::getenv("LISTEN_FDNAMES") == nullptr);
  REQUIRE(sockets.unclaimed().size() == 2);

  auto bound = sockets.open(tcp, "web/0").bound;
  REQUIRE(bound != nullptr && bound->is_shared() && bound->actual() == tcp);
  REQUIRE((::fcntl(bound->fd(1), F_GETFL) & O_NONBLOCK) != 0);
  REQUIRE((::fcntl(3, F_GETFD) & FD_CLOEXEC) != 0);
  REQUIRE(sockets.unclaimed() == std::vector{path});

  // A reload takes the bind away, the next one brings it back.
  sockets.close(tcp, "web/0");
  bound.reset();
  int error = 0;
  try_connect(tcp, error);
  REQUIRE(error == 0);
  REQUIRE(sockets.open(tcp, "web/0").bound != nullptr);
  REQUIRE(sockets.open(path, "web/1").bound != nullptr);
  ::_exit(0);
}

TEST_F(InheritedDeathTest, AnInheritedAddressIsTakenAndComesBack) {
  EXPECT_EXIT(take_and_take_again(), testing::ExitedWithCode(0), "");
}

void InheritedDeathTest::take_nothing_of_others() {
  Endpoint tcp = at("127.0.0.1:0");
  std::vector<UniqueFd> fds;
  fds.push_back(foreign_listener(tcp));
  pass(fds, "1");
  ListenSockets sockets(1);
  REQUIRE(std::getenv("LISTEN_PID") == nullptr);
  REQUIRE(sockets.unclaimed().empty());
  REQUIRE(sockets.open(tcp, "web/0").bound == nullptr);
  ::_exit(0);
}

TEST_F(InheritedDeathTest, WhatIsMeantForAnotherProcessIsNotTaken) {
  EXPECT_EXIT(take_nothing_of_others(), testing::ExitedWithCode(0), "");
}

void InheritedDeathTest::take_what_listens() {
  Endpoint tcp = at("127.0.0.1:0");
  std::vector<UniqueFd> fds;
  fds.push_back(UniqueFd(::socket(AF_INET, SOCK_STREAM, 0)));
  fds.push_back(UniqueFd(::socket(AF_INET, SOCK_DGRAM, 0)));
  fds.push_back(UniqueFd(::open("/dev/null", O_RDONLY)));
  fds.push_back(foreign_listener(tcp));
  pass(fds);
  ::setenv("LISTEN_FDS", "200", 1);  // more than there are
  ListenSockets sockets(1);
  REQUIRE(sockets.unclaimed() == std::vector{tcp});
  REQUIRE(::fcntl(3, F_GETFD) >= 0 && ::fcntl(5, F_GETFD) >= 0);
  ::_exit(0);
}

TEST_F(InheritedDeathTest, WhatDoesNotListenIsLeftAlone) {
  EXPECT_EXIT(take_what_listens(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace shellac::net
