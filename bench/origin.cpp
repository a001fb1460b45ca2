// An origin that costs as little as an origin can, for bench/load.sh: one thread, one epoll set, answers at hand.
//
//   bench_origin COUNT      listens on COUNT free ports of 127.0.0.1 and prints them, one a line
//                           /1k, /64k, /1m: bodies of that size
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace {

struct Answer {
  std::string text;
  explicit Answer(std::size_t body) {
    text = "HTTP/1.1 200 OK\r\nServer: origin\r\nContent-Type: image/jpeg\r\nContent-Length: " + std::to_string(body) +
           "\r\nDate: Mon, 23 Nov 2026 13:00:00 GMT\r\nCache-Control: no-store\r\n\r\n" + std::string(body, 'x');
  }
};

struct Connection {
  std::string asked;           // of a head that is not complete yet
  std::string_view answering;  // what has to be sent still
  bool waits_to_send = false;
};

class Origin {
 public:
  // The port, or 0 with errno set.
  int listen() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(fd, generic, length) != 0 || ::listen(fd, 4096) != 0 || ::getsockname(fd, generic, &length) != 0)
      return 0;
    watch(fd, EPOLLIN, EPOLL_CTL_ADD);
    listeners_.insert(fd);
    return ntohs(address.sin_port);
  }

  [[noreturn]] void run() {
    for (;;) {
      epoll_event events[256];
      const int count = ::epoll_wait(set_, events, 256, -1);
      for (int i = 0; i < count; ++i) {
        const int fd = events[i].data.fd;
        if (listeners_.contains(fd))
          accept_from(fd);
        else if (!serve(fd))
          drop(fd);
      }
    }
  }

 private:
  void watch(int fd, std::uint32_t events, int how) const {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    ::epoll_ctl(set_, how, fd, &event);
  }

  void accept_from(int listener) {
    const int fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    connections_[fd];
    watch(fd, EPOLLIN, EPOLL_CTL_ADD);
  }

  void drop(int fd) {
    connections_.erase(fd);
    ::close(fd);
  }

  // False when the connection is over.
  bool serve(int fd) {
    Connection& connection = connections_[fd];
    if (connection.answering.empty()) {
      char octets[16 * 1024];
      const ssize_t count = ::recv(fd, octets, sizeof octets, 0);
      if (count <= 0) return false;
      connection.asked.append(octets, static_cast<std::size_t>(count));
      if (connection.asked.find("\r\n\r\n") == std::string::npos) return connection.asked.size() < 64 * 1024;
      connection.answering = choose(connection.asked);
      connection.asked.clear();
    }
    while (!connection.answering.empty()) {
      const ssize_t sent = ::send(fd, connection.answering.data(), connection.answering.size(), MSG_NOSIGNAL);
      if (sent < 0) {
        if (errno != EAGAIN) return false;
        if (!std::exchange(connection.waits_to_send, true)) watch(fd, EPOLLOUT, EPOLL_CTL_MOD);
        return true;
      }
      connection.answering.remove_prefix(static_cast<std::size_t>(sent));
    }
    if (std::exchange(connection.waits_to_send, false)) watch(fd, EPOLLIN, EPOLL_CTL_MOD);
    return true;
  }

  std::string_view choose(std::string_view asked) const {
    if (asked.find(" /1m") < 16) return large_.text;
    if (asked.find(" /64k") < 16) return middle_.text;
    return small_.text;
  }

  const Answer small_{1024}, middle_{64 * 1024}, large_{1024 * 1024};
  const int set_ = ::epoll_create1(EPOLL_CLOEXEC);
  std::unordered_set<int> listeners_;
  std::unordered_map<int, Connection> connections_;
};

}  // namespace

int main(int count, char** arguments) {
  std::signal(SIGPIPE, SIG_IGN);
  Origin origin;
  for (int left = count > 1 ? std::atoi(arguments[1]) : 1; left > 0; --left) {
    const int port = origin.listen();
    if (port == 0) {
      std::perror("bench_origin");
      return 1;
    }
    std::printf("%d\n", port);
  }
  std::fflush(stdout);
  origin.run();
}
