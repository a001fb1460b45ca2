// A directory that goes with its contents at the end of a test.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

namespace shellac::net {

class TemporaryDirectory {
 public:
  TemporaryDirectory() { EXPECT_NE(::mkdtemp(name_.data()), nullptr); }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(name_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  std::string path(const std::string& file) const { return name_ + "/" + file; }

 private:
  // Short, since a Unix socket's path has room for 107 octets only.
  std::string name_ = "/tmp/shellac-net-XXXXXX";
};

}  // namespace shellac::net
