#include "shellac/net/notify.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "net/temporary_directory.hpp"
#include "shellac/core/address.hpp"
#include "shellac/net/stream.hpp"

namespace shellac::net {
namespace {

// A service manager: listens at an address that $NOTIFY_SOCKET then names.
class NotifyTest : public testing::Test {
 protected:
  void listen(const std::string& path) {
    Endpoint endpoint;
    endpoint.kind = Endpoint::Kind::unix_path;
    endpoint.path = path;
    sockaddr_storage address{};
    const socklen_t length = endpoint.to(address);
    manager_ = UniqueFd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(manager_.get(), reinterpret_cast<const sockaddr*>(&address), length), 0);
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  }
  std::string received() {
    char buffer[256];
    const ssize_t size = ::recv(manager_.get(), buffer, sizeof buffer, 0);
    return size < 0 ? "" : std::string(buffer, static_cast<std::size_t>(size));
  }
  void TearDown() override {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) ::unsetenv(name);
  }
  static void watchdog(const char* microseconds, const char* pid) {
    ::setenv("WATCHDOG_USEC", microseconds, 1);
    pid == nullptr ? ::unsetenv("WATCHDOG_PID") : ::setenv("WATCHDOG_PID", pid, 1);
  }

  TemporaryDirectory directory_;
  UniqueFd manager_;
};

TEST_F(NotifyTest, ReachesAPath) {
  listen(directory_.path("notify"));
  EXPECT_TRUE(notify_service_manager("READY=1\nSTATUS=here we are"));
  EXPECT_EQ(received(), "READY=1\nSTATUS=here we are");
  EXPECT_TRUE(notify_service_manager("STOPPING=1"));
  EXPECT_EQ(received(), "STOPPING=1");
}

TEST_F(NotifyTest, ReachesAnAbstractName) {
  listen("@shellac-notify-test-" + std::to_string(::getpid()));
  EXPECT_TRUE(notify_service_manager("WATCHDOG=1"));
  EXPECT_EQ(received(), "WATCHDOG=1");
}

TEST_F(NotifyTest, IsFalseWhereNobodyListens) {
  EXPECT_FALSE(notify_service_manager("READY=1"));
  for (const std::string& where : {std::string(), std::string("relative"), std::string("vsock:2:1"),
                                   directory_.path("nobody"), "/" + std::string(200, 'x')}) {
    ::setenv("NOTIFY_SOCKET", where.c_str(), 1);
    EXPECT_FALSE(notify_service_manager("READY=1")) << where;
  }
}

TEST_F(NotifyTest, ReadsTheWatchdog) {
  EXPECT_EQ(watchdog_interval(), std::nullopt);
  watchdog("20000000", nullptr);
  EXPECT_EQ(watchdog_interval(), std::chrono::seconds(20));
  watchdog("1500", std::to_string(::getpid()).c_str());
  EXPECT_EQ(watchdog_interval(), std::chrono::microseconds(1500));
}

TEST_F(NotifyTest, TakesNoWatchdogThatIsNotOurs) {
  watchdog("1500", "1");
  EXPECT_EQ(watchdog_interval(), std::nullopt);
  watchdog("1500", "");
  EXPECT_EQ(watchdog_interval(), std::nullopt);
  for (const char* nonsense : {"", "0", "-1", "10s", "18446744073709551615"}) {
    watchdog(nonsense, nullptr);
    EXPECT_EQ(watchdog_interval(), std::nullopt) << nonsense;
  }
}

}  // namespace
}  // namespace shellac::net
