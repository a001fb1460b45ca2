#include "shellac/config/file_text.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace shellac::config {

namespace {

std::string errno_text() { return std::generic_category().message(errno); }

// An open file that closes itself. O_NONBLOCK: a FIFO without a writer must not hang the daemon.
class OpenFile {
 public:
  explicit OpenFile(const std::string& path) {
    fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd_ < 0) {
      error_ = errno_text();
      return;
    }
    struct stat status{};
    if (::fstat(fd_, &status) != 0)
      error_ = errno_text();
    else if (S_ISDIR(status.st_mode))
      error_ = "is a directory";
  }
  ~OpenFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  const std::string& error() const { return error_; }
  int fd() const { return fd_; }

 private:
  int fd_ = -1;
  std::string error_;
};

}  // namespace

FileText read_file(const std::string& path, Bytes max) {
  OpenFile file(path);
  FileText result{{}, file.error()};
  if (!result.error.empty()) return result;
  // A pipe (a shell's <(…)) may be read, and then waiting for its writer is right.
  int flags = ::fcntl(file.fd(), F_GETFL);
  if (flags >= 0) ::fcntl(file.fd(), F_SETFL, flags & ~O_NONBLOCK);
  std::array<char, 64 * 1024> block;
  while (true) {
    ssize_t got = ::read(file.fd(), block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) result.error = errno_text();
    if (got <= 0) break;
    result.text.append(block.data(), static_cast<std::size_t>(got));
    if (result.text.size() > max.count) {
      result.error = "is larger than " + to_string(max);
      break;
    }
  }
  if (!result.error.empty()) result.text.clear();
  return result;
}

std::string why_unreadable(const std::string& path) { return OpenFile(path).error(); }

}  // namespace shellac::config
