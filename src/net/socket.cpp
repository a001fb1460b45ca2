#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/error.hpp>
#include <cerrno>
#include <climits>

#include "shellac/net/stream.hpp"

namespace shellac::net {
namespace {

boost::system::error_code last_error() { return {errno, boost::system::system_category()}; }

}  // namespace

UniqueFd& UniqueFd::operator=(UniqueFd&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

UniqueFd::~UniqueFd() {
  if (fd_ >= 0) ::close(fd_);
}

Socket::Socket(Loop& loop, UniqueFd fd) : loop_(loop), fd_(std::move(fd)) {
  if (!loop_.add(fd_.get(), *this, EPOLLIN | EPOLLOUT | EPOLLRDHUP)) close();
}

Socket::~Socket() { close(); }

// Edge-triggered: a flag says that the kernel may have something, and only an answer that shows the end of it (EAGAIN
// or a short count) clears the flag. What arrives after that makes a new edge.
IoResult Socket::try_read(std::span<char> into) {
  using enum IoResult::Status;
  if (!fd_) return {failed, 0, boost::asio::error::operation_aborted};
  if (!readable_) return {want_read};
  for (;;) {
    const ssize_t count = ::recv(fd_.get(), into.data(), into.size(), 0);
    if (count > 0) {
      // After the peer's FIN no further edge comes: the end has to be read.
      if (static_cast<std::size_t>(count) < into.size() && !peer_ended_) readable_ = false;
      return {done, static_cast<std::size_t>(count)};
    }
    if (count == 0) return {end};
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      readable_ = false;
      return {want_read};
    }
    return {failed, 0, last_error()};
  }
}

bool Socket::is_quiet() noexcept {
  if (!fd_ || broken_) return false;
  if (!readable_) return true;
  char octet;
  if (::recv(fd_.get(), &octet, 1, MSG_PEEK) >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) return false;
  readable_ = peer_ended_;
  return !readable_;
}

IoResult Socket::try_write(std::span<const iovec> from) {
  using enum IoResult::Status;
  if (!fd_) return {failed, 0, boost::asio::error::operation_aborted};
  if (!writable_) return {want_write};
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(from.data());  // sendmsg does not write there
  message.msg_iovlen = std::min<std::size_t>(from.size(), IOV_MAX);
  std::size_t wanted = 0;
  for (const iovec& part : from.first(message.msg_iovlen)) wanted += part.iov_len;
  for (;;) {
    const ssize_t count = ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
    if (count >= 0) {
      if (static_cast<std::size_t>(count) < wanted) writable_ = false;
      written_ += static_cast<std::size_t>(count);
      return {done, static_cast<std::size_t>(count)};
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      writable_ = false;
      return {want_write};
    }
    return {failed, 0, last_error()};
  }
}

void Socket::on_events(std::uint32_t events) noexcept {
  seen_ = true;
  if (events & EPOLLRDHUP) peer_ended_ = true;
  if (events & (EPOLLERR | EPOLLHUP)) broken_ = true;
  if (events & (EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP)) {
    readable_ = true;
    if (Waiter* waiter = std::exchange(reader_, nullptr)) waiter->wake();
  }
  if (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) {
    writable_ = true;
    if (Waiter* waiter = std::exchange(writer_, nullptr)) waiter->wake();
  }
}

boost::system::error_code Socket::connect_result() const {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  return {error, boost::system::system_category()};
}

void Socket::shutdown_write() noexcept {
  if (fd_) ::shutdown(fd_.get(), SHUT_WR);
}

void Socket::close() noexcept {
  if (!fd_) return;
  forget();
  loop_.remove(fd_.get());
  fd_ = UniqueFd{};
}

void Socket::abort() noexcept {
  if (!fd_) return;
  const linger reset{1, 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  Waiter* const reader = reader_;
  Waiter* const writer = writer_;
  close();
  if (reader != nullptr) reader->wake();
  if (writer != nullptr) writer->wake();
}

Result<UniqueFd> start_connect(const Endpoint& to) {
  const auto fail = [](const char* doing) {
    const auto code = last_error();
    return Error{Side::backend, cause_of(code), true, code, doing};
  };
  sockaddr_storage address{};
  const socklen_t length = to.to(address);
  UniqueFd fd(::socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return fail("opening a socket");
  if (address.ss_family != AF_UNIX) {
    const int on = 1;
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  const int result = ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), length);
  // A Unix socket whose queue is full answers EAGAIN and cannot be waited for: it counts as refused.
  if (result != 0 && errno != EINPROGRESS) return fail("connecting");
  return fd;
}

}  // namespace shellac::net
