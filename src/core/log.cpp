#include "shellac/core/log.hpp"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <array>

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

}  // namespace

std::string_view to_string(LogLevel level) { return entry(level).name; }

std::optional<LogLevel> parse_log_level(std::string_view text) {
  for (const auto& known : kLevels)
    if (known.name == text) return known.level;
  return std::nullopt;
}

Log::Log(LogLevel level) {
  // The sink writes each line whole, under its own lock.
  logger_ = std::make_shared<spdlog::logger>("shellac", std::make_shared<spdlog::sinks::stderr_sink_mt>());
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

void Log::write(LogLevel level, const std::string& text) {
  logger_->log(entry(level).spdlog_level, spdlog::string_view_t(escape_line(text)));
}

}  // namespace shellac
