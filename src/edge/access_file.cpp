#include "access_file.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <system_error>

namespace shellac::edge {
namespace {

// How long the writer waits for the reader of a pipe before it drops lines. Meanwhile the rings fill.
constexpr int kPatienceMs = 1000;

int open_named(const std::string& name) {
  if (name == "stdout") return ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
  if (name == "stderr") return ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
  // O_NONBLOCK: opening a named pipe that nobody reads must fail, not wait. For files it means nothing.
  return ::open(name.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
}

}  // namespace

AccessFile::AccessFile(const std::string& name) : name_(name), fd_(open_named(name)) {
  struct stat status{};
  if (!fd_ || ::fstat(fd_.get(), &status) != 0) throw std::system_error(errno, std::generic_category(), name);
  if (S_ISREG(status.st_mode)) kind_ = Kind::file;
  if (S_ISSOCK(status.st_mode)) kind_ = Kind::socket;
}

std::size_t AccessFile::write(std::string_view lines) {
  error_ = 0;
  std::string_view line_end = torn_ ? "\n" : "";
  while (!line_end.empty() && write_some(line_end)) torn_ = false;
  std::string_view rest = lines;
  while (error_ == 0 && !rest.empty() && write_some(rest)) {
  }
  const std::string_view written = lines.substr(0, lines.size() - rest.size());
  if (!written.empty()) torn_ = written.back() != '\n';
  return static_cast<std::size_t>(std::ranges::count(rest, '\n'));
}

// Drops what was written from the front of `rest`; false when nothing can be written, and why is in error_.
bool AccessFile::write_some(std::string_view& rest) {
  for (int refused = 0;;) {
    if (kind_ != Kind::file && !wait_writable()) return false;
    ssize_t written = 0;
    if (kind_ == Kind::socket)
      written = ::send(fd_.get(), rest.data(), rest.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    else if (kind_ == Kind::file)
      written = ::write(fd_.get(), rest.data(), rest.size());
    else  // a writable pipe takes so much without blocking (pipe(7)); the descriptor is others' too and may block
      written = ::write(fd_.get(), rest.data(), std::min<std::size_t>(rest.size(), PIPE_BUF));
    if (written > 0) {
      rest.remove_prefix(static_cast<std::size_t>(written));
      stuck_ = false;
      return true;
    }
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN && ++refused < 3) continue;
    error_ = written < 0 ? errno : EIO;
    return false;
  }
}

bool AccessFile::wait_writable() {
  pollfd poll{fd_.get(), POLLOUT, 0};
  const int ready = ::poll(&poll, 1, stuck_ ? 0 : kPatienceMs);
  // An error of poll is left to the write that follows.
  if (ready != 0) return true;
  stuck_ = true;
  error_ = ETIMEDOUT;
  return false;
}

}  // namespace shellac::edge
