// Small files as text: configuration, tokens, error pages.
#pragma once

#include <string>

#include "shellac/core/units.hpp"

namespace shellac::config {

struct FileText {
  std::string text;
  std::string error;  // empty = read: "No such file or directory", "is a directory", "is larger than 16MiB"
};

// Reads a whole file. Blocks on the disk: never on a worker.
FileText read_file(const std::string& path, Bytes max);

// Empty when `path` is a file that this process can open for reading; otherwise why not.
std::string why_unreadable(const std::string& path);

}  // namespace shellac::config
