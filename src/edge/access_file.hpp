// The file, pipe or socket that the access log goes to.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "shellac/net/stream.hpp"

namespace shellac::edge {

// Resource. Thread: opened on any, then its writer's.
class AccessFile {
 public:
  // "stdout", "stderr" or a path, which is opened for appending, 0640. Throws std::system_error.
  explicit AccessFile(const std::string& name);

  // Writes whole lines, each with its end, and returns how many were lost: the disk is full, or nobody has read the
  // pipe for kPatience. A line that was cut is ended before the next one, so that no two become one.
  std::size_t write(std::string_view lines);
  // Why the last write() lost something; 0 when it did not.
  int error() const { return error_; }
  const std::string& name() const { return name_; }

 private:
  enum class Kind : std::uint8_t { file, socket, other };
  bool write_some(std::string_view& rest);
  bool wait_writable();

  std::string name_;
  net::UniqueFd fd_;
  Kind kind_ = Kind::other;
  bool torn_ = false;   // the last octet that was written is not a line's end
  bool stuck_ = false;  // nobody reads the pipe: no patience until somebody does
  int error_ = 0;
};

}  // namespace shellac::edge
