// `shellac run`: the daemon as a whole.
#pragma once

#include <string>

namespace shellac::edge {

struct RunOptions {
  std::string config_file;
  int ready_fd = -1;  // --ready-fd: gets `listener address` per bound address, then `ready`
};

// Runs until SIGTERM or SIGINT has been obeyed. Returns the process's exit code: 0 done, 1 refused or failed.
int run_daemon(const RunOptions& options);

}  // namespace shellac::edge
