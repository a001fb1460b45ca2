// include, workers, user, zone, shutdown_grace, drain_delay, trusted, log, admin, limits.
#include <array>
#include <string>
#include <utility>

#include "schema.hpp"
#include "schema_rules.hpp"
#include "shellac/config/file_text.hpp"
#include "shellac/core/text.hpp"

namespace shellac::edge {

using config::Value;

namespace {

constexpr std::uint32_t kWorkersMax = 256;
// What the kernel's largest number of descriptors allows (fs.nr_open).
constexpr std::uint32_t kConnectionsMax = 10'000'000;
// Each worker needs a few pooled buffers of 256 KiB to move at all.
constexpr Bytes kBuffersMin = 16_MiB;
constexpr Bytes kBuffersMax = 1024_GiB;
constexpr Bytes kTokenFileMax = 64_KiB;

constexpr auto kLogLevels = std::to_array<std::pair<std::string_view, LogLevel>>({{"trace", LogLevel::trace},
                                                                                  {"debug", LogLevel::debug},
                                                                                  {"info", LogLevel::info},
                                                                                  {"warn", LogLevel::warn},
                                                                                  {"error", LogLevel::error},
                                                                                  {"off", LogLevel::off}});
constexpr auto kAccessFormats = std::to_array<std::pair<std::string_view, AccessFormat>>(
    {{"json", AccessFormat::json}, {"combined", AccessFormat::combined}, {"off", AccessFormat::off}});

void read_workers(const Value& value, Options& options) {
  if (value.text() == "auto") return;
  if (value && !value.text().empty() && !is_digit(value.text().front()))
    value.expected("auto or a whole number from 1 to " + std::to_string(kWorkersMax));
  else
    value.read_number(options.workers, 1, kWorkersMax);
}

void read_log(const Value& log, Options& options) {
  if (!log.expect_map()) return;
  log["level"].read_enum(options.log_level, kLogLevels);
  Value access = log["access"];
  if (!access.expect_map()) return;
  Value file = access["file"];
  if (file.text() == "stdout" || file.text() == "stderr")
    options.access.file = file.text();
  else
    file.read_path(options.access.file);
  access["format"].read_enum(options.access.format, kAccessFormats);
}

void read_token_file(const Value& value, std::string& out) {
  if (!read_readable_file(value, out)) return;
  config::FileText token = config::read_file(out, kTokenFileMax);
  if (!token.error.empty())
    value.expected("a file with a token (" + out + ": " + token.error + ")");
  else if (token.text.find_first_not_of(" \t\r\n") == std::string::npos)
    value.expected("a file with a token (" + out + " is empty)");
}

void read_admin(const Value& admin, AdminOptions& options) {
  options.listen.kind = Endpoint::Kind::unix_path;
  options.listen.path = "/run/shellac/admin.sock";
  if (!admin.expect_map()) return;
  read_endpoint(admin["listen"], options.listen);
  read_token_file(admin["token_file"], options.token_file);
}

}  // namespace

void read_top(const Value& root, Options& options) {
  read_workers(root["workers"], options);
  root["user"].read_text(options.user, "the name of a user");
  if (Value zone = root["zone"]; zone.read_text(options.zone, "a name")) check_name(zone, options.zone);
  root["shutdown_grace"].read(options.shutdown_grace, Duration(0), std::chrono::hours(24));
  root["drain_delay"].read(options.drain_delay, Duration(0), std::chrono::hours(24));
  read_networks(root["trusted"], options.trusted);
  read_log(root["log"], options);
  read_admin(root["admin"], options.admin);
  Value limits = root["limits"];
  if (!limits.expect_map()) return;
  limits["connections"].read_number(options.limits.connections, 1, kConnectionsMax);
  limits["connections_per_client"].read_number(options.limits.connections_per_client, 1, kConnectionsMax);
  limits["buffers"].read(options.buffers, kBuffersMin, kBuffersMax);
}

}  // namespace shellac::edge
