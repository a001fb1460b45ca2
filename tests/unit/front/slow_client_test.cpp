// `timeouts.send` is about progress towards the client, also when a stream keeps octets back as TLS does.
#include <sys/socket.h>

#include <string>

#include "front/fixture.hpp"
#include "front/http1_session.hpp"

namespace shellac::front {
namespace {

using std::chrono::milliseconds;

// Takes whatever it is given, and hands it to the socket as that has room.
class HoardingStream final : public net::Stream {
 public:
  HoardingStream(net::Loop& loop, net::UniqueFd fd) : inner_(loop, std::move(fd)) {}
  net::Socket& socket() override { return inner_.socket(); }
  net::IoResult try_read(std::span<char> into) override { return inner_.try_read(into); }
  net::IoResult try_write(std::span<const iovec> from) override {
    net::IoResult taken;
    for (const iovec& part : from) {
      kept_.append(static_cast<const char*>(part.iov_base), part.iov_len);
      taken.bytes += part.iov_len;
    }
    return taken;
  }
  net::IoResult try_flush() override {
    while (!kept_.empty()) {
      const iovec part{kept_.data(), kept_.size()};
      const net::IoResult sent = inner_.try_write({&part, 1});
      if (sent.status != net::IoResult::Status::done) return sent;
      kept_.erase(0, sent.bytes);
    }
    return {};
  }
  void finish_writing() noexcept override { inner_.finish_writing(); }

 private:
  net::PlainStream inner_;
  std::string kept_;
};

struct SlowClient : ::testing::Test {
  SlowClient() {
    int fds[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    const int small = 16 * 1024;  // so that room is told of often
    EXPECT_EQ(::setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
    stream_.emplace(driver_.loop(), net::UniqueFd(fds[0]));
    client_ = net::UniqueFd(fds[1]);
    listener_.options.timeouts.send = milliseconds(500);
  }
  void ask_for_much() {
    constexpr std::string_view kRequest = "GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    EXPECT_EQ(::send(client_.get(), kRequest.data(), kRequest.size(), 0), static_cast<ssize_t>(kRequest.size()));
    driver_.on_loop([&] { group_.spawn(run()); });
  }
  // Octets that are there, at most `most`.
  std::size_t read(std::size_t most) {
    std::string into(most, '\0');
    const ssize_t count = ::recv(client_.get(), into.data(), most, MSG_DONTWAIT);
    return count > 0 ? static_cast<std::size_t>(count) : 0;
  }
  bool is_answered() const { return !handler_.seen.empty() && handler_.seen.back()->sent.has_value(); }

  test::DrivenLoop driver_;
  ScriptedHandler handler_;
  Log log_{LogLevel::off};
  Listener listener_;
  Client who_;
  std::optional<HoardingStream> stream_;
  net::UniqueFd client_;
  SessionContext context_{driver_.loop(), handler_, log_};
  net::Signal signal_{driver_.loop()};
  net::Deadline deadline_{driver_.loop(), signal_};
  net::TaskGroup group_{driver_.loop()};

 private:
  net::Task<void> run() {
    Http1Session session({*stream_, who_, listener_, context_, signal_, deadline_});
    co_await session.run();
  }
};

// 16 KiB every 50 ms: what the stream has taken needs longer than `timeouts.send`, yet something moves all the time.
TEST_F(SlowClient, IsKeptAsLongAsSomethingMoves) {
  ask_for_much();
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(driver_.pass(milliseconds(50)));
    read(16 * 1024);
    ASSERT_FALSE(is_answered()) << "cut after " << i << " pieces";
  }
  ASSERT_TRUE(driver_.until([&] {
    read(1024 * 1024);
    return is_answered();
  }));
  EXPECT_EQ(handler_.seen.back()->sent->end, Sent::End::completed);
  client_ = net::UniqueFd();
  EXPECT_TRUE(driver_.until([&] { return group_.size() == 0; }));
}

TEST_F(SlowClient, IsGivenUpWhenNothingDoes) {
  ask_for_much();
  ASSERT_TRUE(driver_.until([&] { return is_answered(); }));
  EXPECT_EQ(handler_.seen.back()->sent->end, Sent::End::client_timeout);
  EXPECT_TRUE(driver_.until([&] { return group_.size() == 0; }));
}

}  // namespace
}  // namespace shellac::front
