// `shellac ctl`: the admin API for people and scripts.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

namespace shellac::edge {

struct CtlOptions {
  std::string admin = "unix:/run/shellac/admin.sock";  // unix:PATH, http://HOST:PORT or HOST:PORT
  std::string token_file;                              // its first line is the token
  std::string token;                                   // $SHELLAC_TOKEN; token_file wins
  bool json = false;                                   // what the daemon said, as it said it
  // status, backends, drain, ready, down, reload, log-level, purge, purge-tag, cache-get, cache-top; of later versions
  // ban.
  std::string command;
  std::string argument;      // POOL/BACKEND, LEVEL, URL or TAG
  bool soft = false;         // purge, purge-tag
  bool all = false;          // purge: everything, without a URL
  bool prefix = false;       // purge: of later versions
  std::uint32_t count = 20;  // cache-top
  bool by_bytes = false;     // cache-top
};

// Asks the daemon and prints its answer: a table, or JSON. Returns the exit code: 0 done, 1 refused or failed (also:
// nobody answers), 2 wrong usage. Blocks.
int run_ctl(const CtlOptions& options, std::ostream& out, std::ostream& err);

}  // namespace shellac::edge
