#include "shellac/net/listen.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "shellac/core/text.hpp"

namespace shellac::net {
namespace {

// Who may connect to a Unix listener: our user and group. A front process (another proxy, a test) joins the group.
constexpr mode_t kUnixMode = 0660;
constexpr int kFirstInherited = 3;  // SD_LISTEN_FDS_START
constexpr unsigned kInheritedMax = 1024;

std::string describe(int error) {
  return error == EADDRINUSE ? "in use by another program" : std::generic_category().message(error);
}

void set_option(int fd, int level, int option) {
  const int on = 1;
  ::setsockopt(fd, level, option, &on, sizeof on);
}

int bind_to(int fd, const Endpoint& endpoint) {
  sockaddr_storage address{};
  const socklen_t length = endpoint.to(address);
  return ::bind(fd, reinterpret_cast<const sockaddr*>(&address), length) == 0 ? 0 : errno;
}

Endpoint name_of(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return {};
  return Endpoint::from(reinterpret_cast<const sockaddr*>(&address), length);
}

enum class Sharing : std::uint8_t { exclusive, reuse_port };

// A bound TCP socket that does not listen yet, in `fd`, or the error.
int make_tcp(const Endpoint& endpoint, Sharing sharing, UniqueFd& fd) {
  const int family = endpoint.ip.is_v4() ? AF_INET : AF_INET6;
  fd = UniqueFd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return errno;
  // Connections of an earlier process (also in TIME_WAIT) do not count as owners; sockets that listen still do.
  set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR);
  if (sharing == Sharing::reuse_port) set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT);
  if (family == AF_INET6) set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY);
  set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY);  // inherited by what is accepted
  return bind_to(fd.get(), endpoint);
}

bool is_any(const IpAddress& ip) {
  const std::size_t first = ip.is_v4() ? 12 : 0;
  return std::all_of(ip.bytes.begin() + first, ip.bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

bool is_port_0(const Endpoint& endpoint) { return endpoint.kind == Endpoint::Kind::ip && endpoint.port == 0; }

// Whether the socket at `endpoint` belongs to nobody any more. Asking is harmless: a live owner sees a connection that
// ends at once.
bool is_stale(const Endpoint& endpoint) {
  struct stat status{};
  // connect(2) refuses a regular file with the same error as a dead socket, and a file of somebody must not be removed.
  if (::lstat(endpoint.path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return false;
  const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!probe) return false;
  sockaddr_storage address{};
  const socklen_t length = endpoint.to(address);
  return ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0 && errno == ECONNREFUSED;
}

bool is_listening_stream(int fd) {
  int type = 0;
  int listening = 0;
  socklen_t length = sizeof type;
  if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) != 0 || type != SOCK_STREAM) return false;
  length = sizeof listening;
  return ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) == 0 && listening != 0;
}

}  // namespace

BoundAddress::~BoundAddress() {
  if (!unlink_) return;
  // A successor may have bound the same path meanwhile; then the file is its own.
  struct stat status{};
  const char* const path = actual_.path.c_str();
  if (::lstat(path, &status) == 0 && status.st_dev == device_ && status.st_ino == inode_) ::unlink(path);
}

void BoundAddress::give_to(uid_t user, gid_t group) const {
  if (!unlink_) return;
  [[maybe_unused]] const int given = ::lchown(actual_.path.c_str(), user, group);
}

bool BoundAddress::is_wildcard() const { return actual_.kind == Endpoint::Kind::ip && is_any(actual_.ip); }

ListenSockets::ListenSockets(unsigned workers, int backlog) : workers_(workers), backlog_(backlog) { inherit(); }

ListenSockets::Outcome ListenSockets::open(const Endpoint& endpoint, const std::string& key) {
  for (Entry& entry : entries_) {
    if (entry.bound->wanted() != endpoint || (is_port_0(endpoint) && entry.key != key)) continue;
    entry.key = key;
    return {entry.bound, {}};
  }

  const std::shared_ptr<BoundAddress> bound(new BoundAddress());
  bound->wanted_ = endpoint;
  const auto inherited = std::find_if(inherited_.begin(), inherited_.end(),
                                      [&](const Inherited& each) { return each.endpoint == endpoint; });
  std::string problem;
  if (inherited != inherited_.end())
    problem = claim(*inherited, *bound);
  else if (endpoint.kind == Endpoint::Kind::ip)
    problem = open_tcp(*bound);
  else if (endpoint.kind == Endpoint::Kind::unix_path)
    problem = open_unix(*bound);
  else
    problem = "no address";
  if (!problem.empty()) return {nullptr, fmt::format("cannot listen on {}: {}", to_string(endpoint), problem)};
  entries_.push_back({key, bound});
  return {bound, {}};
}

void ListenSockets::close(const Endpoint& endpoint, const std::string& key) {
  std::erase_if(entries_, [&](const Entry& entry) {
    return entry.bound->wanted() == endpoint && (!is_port_0(endpoint) || entry.key == key);
  });
}

std::vector<Endpoint> ListenSockets::unclaimed() const {
  std::vector<Endpoint> endpoints;
  for (const Inherited& each : inherited_)
    if (!each.claimed) endpoints.push_back(each.endpoint);
  return endpoints;
}

void ListenSockets::inherit() {
  const auto variable = [](const char* name) -> std::string_view {
    const char* const value = std::getenv(name);
    return value == nullptr ? "" : value;
  };
  const bool ours = parse_unsigned(variable("LISTEN_PID")) == static_cast<std::uint64_t>(::getpid());
  const unsigned count = std::min(parse_unsigned<unsigned>(variable("LISTEN_FDS")).value_or(0), kInheritedMax);
  // Children must not take the descriptors for theirs.
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(name);
  if (!ours) return;

  for (int fd = kFirstInherited; fd < kFirstInherited + static_cast<int>(count); ++fd) {
    if (!is_listening_stream(fd)) continue;
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
    Inherited& each = inherited_.emplace_back();
    each.fd = UniqueFd(fd);
    each.endpoint = name_of(fd);
    if (each.endpoint.kind == Endpoint::Kind::ip) set_option(fd, IPPROTO_TCP, TCP_NODELAY);
  }
}

std::string ListenSockets::claim(Inherited& inherited, BoundAddress& bound) const {
  UniqueFd copy(::fcntl(inherited.fd.get(), F_DUPFD_CLOEXEC, 0));
  if (!copy) return describe(errno);
  inherited.claimed = true;
  bound.actual_ = inherited.endpoint;
  bound.shared_ = true;
  bound.fds_.push_back(std::move(copy));
  return {};
}

bool ListenSockets::overlaps_own(const Endpoint& endpoint) const {
  return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    const Endpoint& own = entry.bound->actual();
    return own.kind == Endpoint::Kind::ip && own.port == endpoint.port && own.ip.is_v4() == endpoint.ip.is_v4() &&
           (own.ip == endpoint.ip || is_any(own.ip) || is_any(endpoint.ip));
  });
}

std::string ListenSockets::open_tcp(BoundAddress& bound) const {
  Endpoint endpoint = bound.wanted_;
  // SO_REUSEPORT would let us in beside a foreign process of the same user, and the kernel would share the connections
  // out between the two. So a socket without it asks first, and goes before any of ours listens. Beside a socket of
  // ours (0.0.0.0:80 next to 127.0.0.1:80) the question has no answer, and no foreign owner got in there before us.
  if (endpoint.port != 0 && !overlaps_own(endpoint)) {
    UniqueFd probe;
    if (const int error = make_tcp(endpoint, Sharing::exclusive, probe); error != 0) return describe(error);
  }

  for (unsigned i = 0; i < workers_; ++i) {
    UniqueFd fd;
    if (const int error = make_tcp(endpoint, Sharing::reuse_port, fd); error != 0) return describe(error);
    // With port 0 the first socket finds a free port, and the others join it.
    if (i == 0) endpoint = name_of(fd.get());
    bound.fds_.push_back(std::move(fd));
  }
  // All are bound before the first one listens: a failure above must not reset anybody.
  for (const UniqueFd& fd : bound.fds_)
    if (::listen(fd.get(), backlog_) != 0) return describe(errno);
  bound.actual_ = endpoint;
  return {};
}

std::string ListenSockets::open_unix(BoundAddress& bound) const {
  const Endpoint& endpoint = bound.wanted_;
  if (endpoint.path.size() >= sizeof(sockaddr_un::sun_path)) return "the path is too long";
  const bool is_file = !endpoint.path.starts_with('@');

  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return describe(errno);
  // Before binding, so that the path never stands there with more rights; the umask takes from these, hence chmod
  // below.
  ::fchmod(fd.get(), kUnixMode);
  int error = bind_to(fd.get(), endpoint);
  if (error == EADDRINUSE && is_file && is_stale(endpoint)) {
    ::unlink(endpoint.path.c_str());
    error = bind_to(fd.get(), endpoint);
  }
  if (error != 0) return describe(error);

  bound.actual_ = endpoint;
  bound.shared_ = true;
  if (is_file) {
    struct stat status{};
    ::chmod(endpoint.path.c_str(), kUnixMode);
    if (::lstat(endpoint.path.c_str(), &status) == 0) {
      bound.unlink_ = true;
      bound.device_ = status.st_dev;
      bound.inode_ = status.st_ino;
    }
  }
  if (::listen(fd.get(), backlog_) != 0) return describe(errno);
  bound.fds_.push_back(std::move(fd));
  return {};
}

}  // namespace shellac::net
