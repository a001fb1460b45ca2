#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

#include "net/bug_count.hpp"
#include "net/client_socket.hpp"
#include "net/loop_thread.hpp"
#include "net/temporary_directory.hpp"
#include "shellac/net/listen.hpp"

namespace shellac::net {
namespace {

struct Accepted {
  UniqueFd fd;
  Endpoint peer, local;
};

// One worker: a loop with an acceptor that puts what it gets into an inbox and never leaves by itself.
class Worker {
 public:
  Worker(Admission& admission, Log& log) : admission_(admission), log_(log) {}
  ~Worker() { destroy(); }
  void accept_on(std::shared_ptr<BoundAddress> bound, unsigned index = 0, Acceptor::Handler handler = {}) {
    if (!handler)
      handler = [this](UniqueFd fd, Endpoint peer, Endpoint local) {
        inbox.put({std::move(fd), std::move(peer), std::move(local)});
      };
    thread.call([&] {
      acceptor = std::make_unique<Acceptor>(thread.loop(), std::move(bound), index, admission_, log_, handler);
    });
  }
  void destroy() {
    thread.call([&] { acceptor.reset(); });
  }

  LoopThread thread;
  Inbox<Accepted> inbox;
  std::unique_ptr<Acceptor> acceptor;

 private:
  Admission& admission_;
  Log& log_;
};

class AcceptorTest : public testing::Test {
 protected:
  std::shared_ptr<BoundAddress> listen(const std::string& address) {
    const auto outcome = sockets_.open(at(address), "web/0");
    EXPECT_EQ(outcome.problem, "");
    return outcome.bound;
  }
  std::shared_ptr<BoundAddress> listen_unix() { return listen("unix:" + directory_.path("s")); }
  static std::vector<UniqueFd> connect(const BoundAddress& bound, int count) {
    std::vector<UniqueFd> clients;
    for (int i = 0; i < count; ++i) clients.push_back(connect_to(bound.actual()));
    return clients;
  }

  TemporaryDirectory directory_;
  Log log_{LogLevel::off};
  ListenSockets sockets_{1};
  Admission admission_{{.connections = 1000, .connections_per_client = 1000}};
  Worker worker_{admission_, log_};
};

TEST_F(AcceptorTest, HandsOverWhoConnectsAndWhereTo) {
  for (const char* address : {"127.0.0.1:0", "[::1]:0"}) {
    const auto bound = listen(address);
    worker_.accept_on(bound);
    const UniqueFd client = connect_to(bound->actual());
    ASSERT_TRUE(worker_.inbox.wait_for(1));
    const Accepted accepted = std::move(worker_.inbox.take().front());
    EXPECT_EQ(accepted.local, bound->actual());
    sockaddr_storage name{};
    socklen_t length = sizeof name;
    ::getsockname(client.get(), reinterpret_cast<sockaddr*>(&name), &length);
    EXPECT_EQ(accepted.peer, Endpoint::from(reinterpret_cast<const sockaddr*>(&name), length));
    EXPECT_TRUE((::fcntl(accepted.fd.get(), F_GETFL) & O_NONBLOCK) != 0);
    EXPECT_TRUE((::fcntl(accepted.fd.get(), F_GETFD) & FD_CLOEXEC) != 0);
    EXPECT_EQ(option(accepted.fd.get(), IPPROTO_TCP, TCP_NODELAY), 1);
    worker_.destroy();
    sockets_.close(at(address), "web/0");
  }
  EXPECT_EQ(admission_.connections(), 2U);
}

TEST_F(AcceptorTest, TellsTheRealLocalAddressOfAWildcard) {
  const auto bound = listen("0.0.0.0:0");
  worker_.accept_on(bound);
  Endpoint local = at("127.0.0.2:1");
  local.port = bound->actual().port;
  const UniqueFd client = connect_to(local);
  ASSERT_TRUE(worker_.inbox.wait_for(1));
  EXPECT_EQ(worker_.inbox.take().front().local, local);
}

TEST_F(AcceptorTest, AUnixPeerHasNoAddress) {
  const auto bound = listen_unix();
  worker_.accept_on(bound);
  const UniqueFd client = connect_to(bound->actual());
  ASSERT_TRUE(worker_.inbox.wait_for(1));
  const Accepted accepted = std::move(worker_.inbox.take().front());
  EXPECT_EQ(accepted.peer.kind, Endpoint::Kind::none);
  EXPECT_EQ(accepted.local, bound->actual());
}

TEST_F(AcceptorTest, TakesManyThatWaitedBeforeItCame) {
  const auto bound = listen_unix();
  const auto clients = connect(*bound, 200);
  worker_.accept_on(bound);
  EXPECT_TRUE(worker_.inbox.wait_for(200));
  worker_.thread.settle();
  EXPECT_EQ(admission_.connections(), 200U);
}

TEST_F(AcceptorTest, PausesAtTheLimitAndResumesWithEachPlace) {
  admission_.set_limits({.connections = 2, .connections_per_client = 10});
  const auto bound = listen("127.0.0.1:0");
  const auto clients = connect(*bound, 4);
  worker_.accept_on(bound);
  for (std::size_t taken = 2; taken <= 4; ++taken) {
    ASSERT_TRUE(worker_.inbox.wait_for(taken));
    worker_.thread.settle();
    ASSERT_EQ(worker_.inbox.size(), taken);
    EXPECT_EQ(admission_.connections(), 2U);
    if (taken < 4) admission_.leave();
  }
}

TEST_F(AcceptorTest, ResumesWhenTheLimitRises) {
  admission_.set_limits({.connections = 0, .connections_per_client = 10});
  const auto bound = listen("127.0.0.1:0");
  const auto clients = connect(*bound, 3);
  worker_.accept_on(bound);
  worker_.thread.settle();
  EXPECT_EQ(worker_.inbox.size(), 0U);
  admission_.set_limits({.connections = 3, .connections_per_client = 10});
  EXPECT_TRUE(worker_.inbox.wait_for(3));
}

TEST_F(AcceptorTest, AFreePlaceReachesTheWorkerWhoseQueueIsNotEmpty) {
  admission_.set_limits({.connections = 1, .connections_per_client = 10});
  const auto first = listen("127.0.0.1:0"), second = listen_unix();
  Worker other(admission_, log_);
  const auto one = connect(*first, 2);
  worker_.accept_on(first);
  ASSERT_TRUE(worker_.inbox.wait_for(1));
  const auto two = connect(*second, 2);
  other.accept_on(second);
  other.thread.settle();
  EXPECT_EQ(other.inbox.size(), 0U);
  // Both wait for a place now. The first has one more connection to take, the other two; each place goes to somebody.
  const auto taken = [&] { return worker_.inbox.size() + other.inbox.size(); };
  const auto end = Clock::now() + kPatience;
  for (std::size_t count = 2; count <= 4; ++count) {
    admission_.leave();
    while (taken() < count && Clock::now() < end) std::this_thread::yield();
    ASSERT_EQ(taken(), count);
    EXPECT_EQ(admission_.connections(), 1U);
  }
}

// Lowers the number of descriptors that this process may have to those it has.
class NoDescriptorsLeft {
 public:
  NoDescriptorsLeft() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const UniqueFd next(::dup(0));
    rlimit limit = before_;
    limit.rlim_cur = static_cast<rlim_t>(next.get());
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  }
  ~NoDescriptorsLeft() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(AcceptorTest, NeitherSpinsNorForgetsWhenDescriptorsRunOut) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "UBSan needs descriptors of its own to check an object's type";
#endif
  testing::internal::CaptureStderr();
  Log log(LogLevel::info);
  Worker worker(admission_, log);
  const auto bound = listen("127.0.0.1:0");
  const auto clients = connect(*bound, 3);
  {
    const NoDescriptorsLeft exhausted;
    worker.accept_on(bound);
    // Two pauses. The loop has nothing to do but its tick of 50 ms; if it spun, these turns would pass at once.
    const Time begin = Clock::now();
    const std::uint64_t turns = worker.thread.loop().turns();
    while (worker.thread.loop().turns() < turns + 6) std::this_thread::yield();
    EXPECT_GE(Clock::now() - begin, std::chrono::milliseconds(200));
    EXPECT_EQ(worker.inbox.size(), 0U);
  }
  EXPECT_TRUE(worker.inbox.wait_for(3));
  worker.destroy();
  EXPECT_EQ(admission_.connections(), 3U);
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
  EXPECT_NE(text.find(to_string(bound->actual()) + ": accepting: Too many open files; paused"), std::string::npos)
      << text;
}

TEST_F(AcceptorTest, EveryConnectionOfASharedSocketIsTakenOnce) {
  const auto bound = listen_unix();
  Worker second(admission_, log_), third(admission_, log_);
  worker_.accept_on(bound, 0);
  second.accept_on(bound, 1);
  third.accept_on(bound, 2);
  const auto clients = connect(*bound, 300);
  const auto taken = [&] { return worker_.inbox.size() + second.inbox.size() + third.inbox.size(); };
  const auto end = Clock::now() + kPatience;
  while (taken() < 300 && Clock::now() < end) std::this_thread::yield();
  for (Worker* worker : {&worker_, &second, &third}) worker->thread.settle();
  EXPECT_EQ(taken(), 300U);
  EXPECT_EQ(admission_.connections(), 300U);
}

TEST_F(AcceptorTest, DrainingTakesAllWhoWaitThenRefuses) {
  admission_.set_limits({.connections = 1, .connections_per_client = 10});
  const auto bound = listen("127.0.0.1:0");
  const auto clients = connect(*bound, 5);
  worker_.accept_on(bound);
  ASSERT_TRUE(worker_.inbox.wait_for(1));
  worker_.thread.call([&] { worker_.acceptor->drain_and_stop(); });
  EXPECT_EQ(worker_.inbox.size(), 5U);
  EXPECT_EQ(admission_.connections(), 5U);
  int error = 0;
  try_connect(bound->actual(), error);
  EXPECT_EQ(error, ECONNREFUSED);
  for (const UniqueFd& client : clients) EXPECT_FALSE(has_input(client.get()));  // nobody was reset
}

TEST_F(AcceptorTest, DrainingLeavesASharedSocketListening) {
  const auto bound = listen_unix();
  const auto clients = connect(*bound, 5);
  worker_.accept_on(bound);
  worker_.thread.call([&] { worker_.acceptor->drain_and_stop(); });
  EXPECT_EQ(worker_.inbox.size(), 5U);
  connect_to(bound->actual());
}

TEST_F(AcceptorTest, StoppingLeavesTheQueueToTheNext) {
  const auto bound = listen_unix();
  worker_.accept_on(bound);
  worker_.thread.call([&] {
    worker_.acceptor->stop();
    worker_.acceptor->stop();
  });
  const auto clients = connect(*bound, 2);
  worker_.thread.settle();
  EXPECT_EQ(worker_.inbox.size(), 0U);
  worker_.destroy();
  worker_.accept_on(bound);
  EXPECT_TRUE(worker_.inbox.wait_for(2));
}

TEST_F(AcceptorTest, TheHandlerMayStopIt) {
  const auto bound = listen_unix();
  const auto clients = connect(*bound, 5);
  worker_.accept_on(bound, 0, [&](UniqueFd fd, Endpoint peer, Endpoint local) {
    worker_.acceptor->stop();
    worker_.inbox.put({std::move(fd), std::move(peer), std::move(local)});
  });
  ASSERT_TRUE(worker_.inbox.wait_for(1));
  worker_.thread.settle();
  EXPECT_EQ(worker_.inbox.size(), 1U);
  EXPECT_EQ(admission_.connections(), 1U);
}

TEST_F(AcceptorTest, MayBeDestroyedBetweenTwoBatches) {
  const auto bound = listen_unix();
  const auto clients = connect(*bound, 100);
  worker_.accept_on(bound, 0, [&](UniqueFd fd, Endpoint, Endpoint) {
    if (worker_.inbox.size() == 0) worker_.thread.loop().post([&] { worker_.acceptor.reset(); });
    worker_.inbox.put({std::move(fd), {}, {}});
  });
  ASSERT_TRUE(worker_.inbox.wait_for(64));
  worker_.thread.settle();
  EXPECT_EQ(worker_.inbox.size(), 64U);
}

TEST_F(AcceptorTest, AHandlerThatThrowsHasNotTakenTheConnection) {
  const std::uint64_t before = bug_count("net/acceptor");
  const auto bound = listen_unix();
  const auto clients = connect(*bound, 2);
  worker_.accept_on(bound, 0, [&](UniqueFd fd, Endpoint, Endpoint) {
    if (bug_count("net/acceptor") == before) throw std::runtime_error("on purpose");
    worker_.inbox.put({std::move(fd), {}, {}});
  });
  ASSERT_TRUE(worker_.inbox.wait_for(1));
  worker_.thread.settle();
  EXPECT_EQ(bug_count("net/acceptor"), before + 1);
  EXPECT_EQ(admission_.connections(), 1U);
  EXPECT_TRUE(has_input(clients.front().get()));  // closed
}

}  // namespace
}  // namespace shellac::net
