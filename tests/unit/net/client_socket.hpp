// Plain sockets as a peer of the sockets under test. Everything is on loopback or a Unix path.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>

#include "shellac/core/address.hpp"
#include "shellac/net/stream.hpp"

namespace shellac::net {

inline Endpoint at(const std::string& text) {
  const auto endpoint = parse_endpoint(text);
  EXPECT_TRUE(endpoint) << text;
  return endpoint.value_or(Endpoint{});
}

inline UniqueFd stream_socket(const Endpoint& endpoint) {
  const int family = endpoint.kind == Endpoint::Kind::unix_path ? AF_UNIX : endpoint.ip.is_v4() ? AF_INET : AF_INET6;
  return UniqueFd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

// Connected, or errno in `error`. On loopback the connection stands in the listener's queue when this returns.
inline UniqueFd try_connect(const Endpoint& endpoint, int& error) {
  sockaddr_storage address{};
  const socklen_t length = endpoint.to(address);
  UniqueFd fd = stream_socket(endpoint);
  error = ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), length) == 0 ? 0 : errno;
  return fd;
}

inline UniqueFd connect_to(const Endpoint& endpoint) {
  int error = 0;
  UniqueFd fd = try_connect(endpoint, error);
  EXPECT_EQ(error, 0) << to_string(endpoint);
  return fd;
}

// A listening socket of "another program".
inline UniqueFd foreign_listener(Endpoint& endpoint, bool reuse_port = false) {
  UniqueFd fd = stream_socket(endpoint);
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (reuse_port) ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  sockaddr_storage address{};
  socklen_t length = endpoint.to(address);
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), length), 0) << to_string(endpoint);
  EXPECT_EQ(::listen(fd.get(), 16), 0);
  length = sizeof address;
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &length);
  endpoint = Endpoint::from(reinterpret_cast<const sockaddr*>(&address), length);
  return fd;
}

inline bool has_input(int fd, int milliseconds = 0) {
  pollfd entry{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&entry, 1, milliseconds) == 1;
}

inline int option(int fd, int level, int name) {
  int value = -1;
  socklen_t length = sizeof value;
  ::getsockopt(fd, level, name, &value, &length);
  return value;
}

}  // namespace shellac::net
