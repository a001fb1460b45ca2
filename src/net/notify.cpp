#include "shellac/net/notify.hpp"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <limits>

#include "shellac/core/address.hpp"
#include "shellac/core/text.hpp"
#include "shellac/net/stream.hpp"

namespace shellac::net {

bool notify_service_manager(std::string_view state) {
  const char* const where = std::getenv("NOTIFY_SOCKET");
  if (where == nullptr || (where[0] != '/' && where[0] != '@')) return false;

  Endpoint endpoint;
  endpoint.kind = Endpoint::Kind::unix_path;
  endpoint.path = where;
  if (endpoint.path.size() >= sizeof(sockaddr_un::sun_path)) return false;
  sockaddr_storage address{};
  const socklen_t length = endpoint.to(address);

  const UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return false;
  // The manager's queue may be full for a moment; "READY=1" must not be lost to that, nor may we hang on it.
  const timeval patience{.tv_sec = 1, .tv_usec = 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  const ssize_t sent = ::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL,
                                reinterpret_cast<const sockaddr*>(&address), length);
  return sent == static_cast<ssize_t>(state.size());
}

std::optional<Duration> watchdog_interval() {
  const char* const text = std::getenv("WATCHDOG_USEC");
  if (text == nullptr) return std::nullopt;
  const auto microseconds = parse_unsigned<std::uint64_t>(text);
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<Duration::rep>::max() / 1000);
  if (!microseconds || *microseconds == 0 || *microseconds > kMost) return std::nullopt;

  if (const char* const pid = std::getenv("WATCHDOG_PID"); pid != nullptr) {
    const auto number = parse_unsigned<std::uint64_t>(pid);
    if (!number || *number != static_cast<std::uint64_t>(::getpid())) return std::nullopt;
  }
  return std::chrono::microseconds(*microseconds);
}

}  // namespace shellac::net
