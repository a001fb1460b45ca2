#include "shellac/core/log.hpp"

#include <poll.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <mutex>

#include "core/escape_line.hpp"

namespace shellac {
namespace {

struct LevelName {
  LogLevel level;
  std::string_view name;
  spdlog::level::level_enum spdlog_level;
};
constexpr std::array kLevels{
    LevelName{LogLevel::trace, "trace", spdlog::level::trace},
    LevelName{LogLevel::debug, "debug", spdlog::level::debug},
    LevelName{LogLevel::info, "info", spdlog::level::info},
    LevelName{LogLevel::warn, "warn", spdlog::level::warn},
    LevelName{LogLevel::error, "error", spdlog::level::err},
    LevelName{LogLevel::off, "off", spdlog::level::off},
};

const LevelName& entry(LogLevel level) { return kLevels[static_cast<std::size_t>(level)]; }

// spdlog says "warning"; the configuration and we say "warn".
class LevelWord : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& out) override {
    for (const auto& known : kLevels)
      if (known.spdlog_level == message.level) out.append(known.name);
  }
  std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<LevelWord>(); }
};

// How long a pipe's reader may let us wait, once: until it reads again nobody waits for it any more.
constexpr int kPatienceMs = 100;

}  // namespace

// Standard error. Each line is written whole, under the base's lock.
class Log::Sink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    if (!write_line({line.data(), line.size()})) dropped_.fetch_add(1, std::memory_order_relaxed);
  }
  void flush_() override {}

 private:
  bool write_line(std::string_view rest) {
    struct stat status{};
    // Looked at each time: who started us may have put another file there. It costs less than the write.
    const bool known = ::fstat(STDERR_FILENO, &status) == 0;
    const bool is_file = known && S_ISREG(status.st_mode);
    const bool is_socket = known && S_ISSOCK(status.st_mode);
    while (!rest.empty()) {
      if (!is_file && !is_writable()) return false;
      // A pipe that is writable takes so much without blocking (pipe(7)).
      const std::size_t size = is_file ? rest.size() : std::min<std::size_t>(rest.size(), PIPE_BUF);
      const ssize_t written = is_socket ? ::send(STDERR_FILENO, rest.data(), size, MSG_DONTWAIT | MSG_NOSIGNAL)
                                        : ::write(STDERR_FILENO, rest.data(), size);
      if (written > 0)
        rest.remove_prefix(static_cast<std::size_t>(written));
      else if (written == 0 || errno != EINTR)  // errno belongs to a failure only
        return false;
    }
    return true;
  }

  bool is_writable() {
    pollfd poll{STDERR_FILENO, POLLOUT, 0};
    const int ready = ::poll(&poll, 1, stuck_ ? 0 : kPatienceMs);
    stuck_ = ready == 0;
    return ready != 0;  // an error is left to the write
  }

  bool stuck_ = false;
  std::atomic<std::uint64_t> dropped_{0};
};

std::string_view to_string(LogLevel level) { return entry(level).name; }

std::optional<LogLevel> parse_log_level(std::string_view text) {
  for (const auto& known : kLevels)
    if (known.name == text) return known.level;
  return std::nullopt;
}

Log::Log(LogLevel level) {
  sink_ = std::make_shared<Sink>();
  logger_ = std::make_shared<spdlog::logger>("shellac", sink_);
  auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
  formatter->add_flag<LevelWord>('*').set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %* %v");
  logger_->set_formatter(std::move(formatter));
  set_level(level);
}

Log::~Log() = default;

void Log::set_level(LogLevel level) { logger_->set_level(entry(level).spdlog_level); }

LogLevel Log::level() const {
  for (const auto& known : kLevels)
    if (known.spdlog_level == logger_->level()) return known.level;
  return LogLevel::info;
}

std::uint64_t Log::dropped() const { return sink_->dropped(); }

void Log::write(LogLevel level, const std::string& text) {
  logger_->log(entry(level).spdlog_level, spdlog::string_view_t(escape_line(text)));
}

}  // namespace shellac
