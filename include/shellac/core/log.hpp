// The daemon's own log (not the access log): one line per event on standard error, or what systemd makes of it.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace spdlog {
class logger;
}

namespace shellac {

enum class LogLevel : std::uint8_t { trace, debug, info, warn, error, off };
std::string_view to_string(LogLevel level);
std::optional<LogLevel> parse_log_level(std::string_view text);

// Lines are `TIME LEVEL text`; text is escaped so that no peer can forge a line. When standard error is a pipe or a
// socket that nobody reads, lines are dropped and counted: no thread waits for the reader longer than a moment.
// Thread: any.
class Log {
 public:
  explicit Log(LogLevel level = LogLevel::info);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void set_level(LogLevel level);
  LogLevel level() const;
  std::uint64_t dropped() const;

  template <class... Args>
  void debug(fmt::format_string<Args...> format, Args&&... args) {
    if (level() <= LogLevel::debug) write(LogLevel::debug, fmt::format(format, std::forward<Args>(args)...));
  }
  template <class... Args>
  void info(fmt::format_string<Args...> format, Args&&... args) {
    if (level() <= LogLevel::info) write(LogLevel::info, fmt::format(format, std::forward<Args>(args)...));
  }
  template <class... Args>
  void warn(fmt::format_string<Args...> format, Args&&... args) {
    if (level() <= LogLevel::warn) write(LogLevel::warn, fmt::format(format, std::forward<Args>(args)...));
  }
  template <class... Args>
  void error(fmt::format_string<Args...> format, Args&&... args) {
    if (level() <= LogLevel::error) write(LogLevel::error, fmt::format(format, std::forward<Args>(args)...));
  }

 private:
  void write(LogLevel level, const std::string& text);
  class Sink;
  std::shared_ptr<Sink> sink_;  // shared with the logger, which is ours alone
  std::shared_ptr<spdlog::logger> logger_;
};

}  // namespace shellac
