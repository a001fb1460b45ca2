// The other end of a socket under test, and the place where such ends are accepted: plain system calls that never
// block; the loop is turned while they wait.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include "shellac/core/address.hpp"
#include "shellac/net/stream.hpp"
#include "support/driven_loop.hpp"

namespace shellac::test {

class Peer {
 public:
  Peer(DrivenLoop& driver, net::UniqueFd fd) : driver_(&driver), fd_(std::move(fd)) {}

  // All of it, however slowly the other side takes it. False when it went away.
  bool send(std::string_view text) {
    return driver_->until([&] {
      while (!text.empty()) {
        const ssize_t count = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count < 0) return errno != EAGAIN;
        text.remove_prefix(static_cast<std::size_t>(count));
      }
      return true;
    }) && text.empty();
  }
  // As much as the socket takes without waiting; how much that was.
  std::size_t send_some(std::string_view text) {
    const ssize_t count = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return count > 0 ? static_cast<std::size_t>(count) : 0;
  }

  // What comes up to and with `mark`; fails the test when the mark does not come.
  std::string read_to(std::string_view mark) {
    std::size_t found = std::string::npos;
    const bool came = driver_->until([&] {
      take();
      found = text_.find(mark);
      return found != std::string::npos || ended_;
    });
    if (!came || found == std::string::npos) {
      ADD_FAILURE() << "no \"" << mark << "\" came, but: " << text_;
      return std::exchange(text_, {});
    }
    return cut(found + mark.size());
  }
  std::string read_head() { return read_to("\r\n\r\n"); }
  std::string read(std::size_t bytes) {
    EXPECT_TRUE(driver_->until([&] {
      take();
      return text_.size() >= bytes || ended_;
    }));
    EXPECT_GE(text_.size(), bytes) << "only this came: " << text_;
    return cut(std::min(bytes, text_.size()));
  }
  // What comes until the other side ends.
  std::string read_all() {
    EXPECT_TRUE(driver_->until([&] {
      take();
      return ended_;
    })) << "it does not end; so far: "
        << text_;
    return std::exchange(text_, {});
  }
  // True when the other side ends and has said nothing more.
  bool ends() { return read_all().empty(); }
  // After it ended: with a reset, not in order. Unix sockets know no reset.
  bool was_reset() const { return reset_; }
  // True when nothing has come and the other side is still there.
  bool is_silent() {
    driver_->turn();
    take();
    return text_.empty() && !ended_;
  }

  void finish() { ::shutdown(fd_.get(), SHUT_WR); }
  void close() { fd_ = net::UniqueFd(); }
  void reset() {
    const linger now{1, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }
  void shrink_buffers() {
    const int little = 4096;
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &little, sizeof little);
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDBUF, &little, sizeof little);
  }
  int fd() const { return fd_.get(); }

 private:
  void take() {
    char part[16384];
    while (!ended_) {
      const ssize_t count = ::recv(fd_.get(), part, sizeof part, MSG_DONTWAIT);
      if (count > 0) {
        text_.append(part, static_cast<std::size_t>(count));
        continue;
      }
      if (count < 0 && errno == EAGAIN) return;
      ended_ = true;
      reset_ = count < 0;
    }
  }
  std::string cut(std::size_t bytes) {
    std::string taken = text_.substr(0, bytes);
    text_.erase(0, bytes);
    return taken;
  }

  DrivenLoop* driver_;
  net::UniqueFd fd_;
  std::string text_;
  bool ended_ = false;
  bool reset_ = false;
};

// Both ends of a connection: one for the code under test, one for the test.
inline std::pair<net::UniqueFd, net::UniqueFd> make_socket_pair() {
  int both[2] = {-1, -1};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, both), 0);
  return {net::UniqueFd(both[0]), net::UniqueFd(both[1])};
}

// Connects to a listener of the code under test.
inline Peer connect_to(DrivenLoop& driver, const Endpoint& endpoint) {
  sockaddr_storage address{};
  const socklen_t length = endpoint.to(address);
  net::UniqueFd fd(::socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), length), 0) << to_string(endpoint);
  return {driver, std::move(fd)};
}

// A server's listening socket on a Unix path, or on a free port of the loopback address.
class Listening {
 public:
  Listening(DrivenLoop& driver, Endpoint endpoint, int backlog = 64) : driver_(driver), endpoint_(std::move(endpoint)) {
    sockaddr_storage address{};
    socklen_t length = endpoint_.to(address);
    fd_ = net::UniqueFd(::socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), length), 0) << to_string(endpoint_);
    EXPECT_EQ(::listen(fd_.get(), backlog), 0);
    length = sizeof address;
    ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address), &length);
    endpoint_ = Endpoint::from(reinterpret_cast<const sockaddr*>(&address), length);
  }

  const Endpoint& endpoint() const { return endpoint_; }
  Peer accept() {
    net::UniqueFd fd;
    EXPECT_TRUE(driver_.until([&] {
      fd = net::UniqueFd(::accept4(fd_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      return static_cast<bool>(fd);
    })) << "nobody connects to "
        << to_string(endpoint_);
    return {driver_, std::move(fd)};
  }
  // True when nobody has connected but those who were accepted.
  bool is_quiet() {
    driver_.turn();
    const net::UniqueFd fd(::accept4(fd_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    return !fd;
  }
  // Nobody listens any more: connections are refused.
  void close() { fd_ = net::UniqueFd(); }

 private:
  DrivenLoop& driver_;
  Endpoint endpoint_;
  net::UniqueFd fd_;
};

}  // namespace shellac::test
