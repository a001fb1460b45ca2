// The access log: workers hand over records, one thread formats and writes them.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "shellac/core/log.hpp"
#include "shellac/edge/options.hpp"
#include "shellac/proxy/record.hpp"

namespace shellac::edge {

// Owns the writer thread and the file. A worker copies a record into its own bounded ring (no lock, no allocation in
// the steady state, no formatting); when the ring is full the record is dropped and counted. Thread: any, unless told.
class AccessLog {
 public:
  AccessLog(unsigned workers, Log& log);
  ~AccessLog();  // writes what is queued, then stops
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  // Opens `options.file` (append, 0640) and switches to it; error text when it cannot be opened, and the old one stays.
  std::optional<std::string> configure(const AccessLogOptions& options);
  // Opens the same path again (SIGUSR1, after logrotate moved the file).
  std::optional<std::string> reopen();
  // Returns when everything that was recorded or configured before is written or counted as dropped. Blocks on the
  // disk: for the end of the daemon and for tests.
  void flush();
  // The sink of worker `index` (from 0).
  proxy::RecordSink& sink(unsigned index);
  bool enabled() const;           // false with `format: off`: then nothing is copied at all
  std::uint64_t dropped() const;  // shellac_log_dropped_total

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// One line without its end, as the formats of DESIGN.md ("Access log"): for the writer and its tests.
void format_json(const proxy::RequestRecord& record, std::string& out);
void format_combined(const proxy::RequestRecord& record, std::string& out);

}  // namespace shellac::edge
