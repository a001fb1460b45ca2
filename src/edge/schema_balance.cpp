// The keys of pools that say which server a request goes to, and when a server is out.
#include <array>
#include <set>
#include <utility>

#include "schema.hpp"
#include "schema_rules.hpp"
#include "shellac/config/file_text.hpp"
#include "shellac/core/text.hpp"

namespace shellac::edge {

using config::Value;

namespace {

constexpr std::uint32_t kCountMax = 1'000'000;
constexpr Bytes kKeyFileMax = 64_KiB;
constexpr std::size_t kKeyMin = 16;  // octets; what is shorter can be guessed
constexpr auto kAlgorithms = std::to_array<std::pair<std::string_view, balance::Algorithm>>(
    {{"round_robin", balance::Algorithm::round_robin},
     {"least_requests", balance::Algorithm::least_requests},
     {"random_two", balance::Algorithm::random_two},
     {"hash", balance::Algorithm::hash}});
constexpr auto kHash =
    std::to_array<std::pair<std::string_view, balance::Algorithm>>({{"hash", balance::Algorithm::hash}});
constexpr auto kHashKeys = std::to_array<std::pair<std::string_view, balance::HashKey::Source>>(
    {{"path", balance::HashKey::Source::path},
     {"host", balance::HashKey::Source::host},
     {"client", balance::HashKey::Source::client}});
constexpr auto kStickyModes = std::to_array<std::pair<std::string_view, balance::StickyMode>>(
    {{"sealed", balance::StickyMode::sealed}, {"plain", balance::StickyMode::plain}});
constexpr auto kSameSites = std::to_array<std::pair<std::string_view, balance::SameSite>>(
    {{"lax", balance::SameSite::lax}, {"strict", balance::SameSite::strict}, {"none", balance::SameSite::none}});
constexpr auto kOn404 = std::to_array<std::pair<std::string_view, bool>>({{"down", false}, {"drain", true}});
constexpr auto kRetryOn = std::to_array<std::string_view>({"connect", "reset", "timeout", "502", "503", "504"});

bool read_token(const Value& value, std::string& out, std::string_view what) {
  if (!value) return false;
  if (!is_token(value.text())) {
    value.expected(what);
    return false;
  }
  out = value.text();
  return true;
}

void read_hash(const Value& from, balance::BalanceOptions& options) {
  Value algorithm = from["algorithm"];
  if (!algorithm) report_missing(from, "algorithm", "hash");
  algorithm.read_enum(options.algorithm, kHash);
  Value key = from["key"];
  if (!key) report_missing(from, "key", "path, host, client, { header: NAME } or { cookie: NAME }");
  if (key.is_map()) {
    if (read_token(key["header"], options.key.name, "the name of a header field"))
      options.key.source = balance::HashKey::Source::header;
    if (read_token(key["cookie"], options.key.name, "the name of a cookie"))
      options.key.source = balance::HashKey::Source::cookie;
    if (bool(key["header"]) == bool(key["cookie"])) key.expected("one of header and cookie");
  } else {
    key.read_enum(options.key.source, kHashKeys);
  }
  from["load_factor"].read_decimal(options.load_factor, 1.0, 100.0);
}

void read_balance(const Value& from, balance::BalanceOptions& options) {
  if (from.is_map()) return read_hash(from, options);
  if (from.text() == "hash") return from.expected("{ algorithm: hash, key: … }");
  from.read_enum(options.algorithm, kAlgorithms);
}

// The file's octets without the line's end; edges that share them agree on every cookie.
void read_key(const Value& value, balance::StickyOptions& out) {
  const auto read = config::read_file(out.key_file, kKeyFileMax);
  if (!read.error.empty()) return value.problem(out.key_file + ": " + read.error);
  out.key = read.text;
  while (!out.key.empty() && (out.key.back() == '\n' || out.key.back() == '\r')) out.key.pop_back();
  if (out.key.size() < kKeyMin)
    value.problem(out.key_file + ": found a key of " + std::to_string(out.key.size()) + " octets, expected at least " +
                  std::to_string(kKeyMin));
}

void read_sticky(const Value& from, std::optional<balance::StickyOptions>& out) {
  if (!from.expect_map()) return;
  if (!out) out.emplace();
  read_token(from["cookie"], out->cookie, "the name of a cookie");
  if (Value file = from["key_file"]; read_readable_file(file, out->key_file)) read_key(file, *out);
  from["mode"].read_enum(out->mode, kStickyModes);
  from["max_idle"].read(out->max_idle, Duration(0));
  from["max_life"].read(out->max_life, Duration(0));
  from["same_site"].read_enum(out->same_site, kSameSites);
}

// "200-399" or "200,301-302".
std::optional<std::vector<upstream::StatusRange>> parse_status_list(std::string_view text) {
  std::vector<upstream::StatusRange> list;
  while (true) {
    std::string_view range = text.substr(0, text.find(','));
    std::size_t dash = range.find('-');
    auto first = parse_unsigned<std::uint16_t>(range.substr(0, dash));
    auto last = dash == std::string_view::npos ? first : parse_unsigned<std::uint16_t>(range.substr(dash + 1));
    if (!first || !last || *first < 100 || *last > 599 || *first > *last) return std::nullopt;
    list.push_back({*first, *last});
    if (range.size() == text.size()) return list;
    text.remove_prefix(range.size() + 1);
  }
}

void read_probe(const Value& from, std::optional<upstream::ProbeOptions>& out) {
  if (!from.expect_map()) return;
  if (!out) out.emplace();
  if (Value path = from["path"]; path && (!is_visible(path.text()) || path.text().front() != '/'))
    path.expected("a path that begins with /");
  else
    path.read(out->path);
  if (Value host = from["host"];
      host && !is_host_name(host.text()) && !parse_host_port(host.text()) && !parse_ip(host.text()))
    host.expected("the name of a host");
  else
    host.read(out->host);
  balance::ProbePolicy& policy = out->policy;
  from["interval"].read_positive(policy.interval);
  // An interval shorter than fast_interval's default is fine: then that is the fast one, too.
  if (Value value = from["fast_interval"]; value.read_positive(policy.fast_interval)) {
    if (policy.fast_interval > policy.interval)
      value.expected("at most the interval (" + to_string(policy.interval) + ")");
  } else {
    policy.fast_interval = std::min(policy.fast_interval, policy.interval);
  }
  from["timeout"].read_positive(out->timeout);
  from["rise"].read_number(policy.rise, 1, 1000);
  from["fall"].read_number(policy.fall, 1, 1000);
  if (Value expect = from["expect"]) {
    if (auto list = parse_status_list(expect.text()))
      out->expect = std::move(*list);
    else
      expect.expected(R"(statuses such as "200-399" or "200,301-302")");
  }
  from["body"].read(out->body);
  from["on_404"].read_enum(out->drain_on_404, kOn404);
  from["tcp"].read(out->tcp);
}

void read_health(const Value& from, upstream::PoolOptions& options) {
  if (!from.expect_map()) return;
  read_probe(from["probe"], options.probe);
  if (Value outlier = from["outlier"]; outlier.expect_map()) {
    if (!options.outlier) options.outlier.emplace();
    outlier["errors"].read_number(options.outlier->errors, 1, kCountMax);
    outlier["ejection"].read_positive(options.outlier->ejection);
    outlier["max_ejected"].read_percent(options.outlier->max_ejected);
  }
  from["slow_start"].read(options.slow_start, Duration(0));
  from["panic"].read_percent(options.panic);
}

void read_retries(const Value& from, balance::RetryOptions& options) {
  if (!from.expect_map()) return;
  from["attempts"].read_number(options.attempts, 0, 10);
  if (Value on = from["on"]) {
    std::array<bool, kRetryOn.size()> chosen{};
    for (const Value& reason : on.list_or_one())
      if (const int index = reason.find_word(kRetryOn); index >= 0) chosen[static_cast<std::size_t>(index)] = true;
    options.on_connect = chosen[0];
    options.on_reset = chosen[1];
    options.on_timeout = chosen[2];
    options.on_502 = chosen[3];
    options.on_503 = chosen[4];
    options.on_504 = chosen[5];
  }
  from["budget"].read_percent(options.budget);
}

}  // namespace

void read_balancing(const Value& pool, upstream::PoolOptions& options) {
  read_balance(pool["balance"], options.balance);
  if (Value zones = pool["zones"]; zones.expect_map()) {
    zones["prefer_local"].read(options.zones.prefer_local);
    zones["overprovision"].read_decimal(options.zones.overprovision, 1.0, 100.0);
  }
  read_sticky(pool["sticky"], options.sticky);
  read_health(pool["health"], options);
  if (Value connections = pool["connections"]) connections["max"].read_number(options.max_connections, 0, kCountMax);
  if (Value queue = pool["queue"]; queue.expect_map()) {
    queue["limit"].read_number(options.queue.limit, 0, kCountMax);
    queue["timeout"].read_positive(options.queue.timeout);
  }
  read_retries(pool["retries"], options.retries);
}

void read_backend_balancing(const Value& backend, upstream::BackendOptions& options) {
  backend["weight"].read_number(options.weight, 0, 1000);
  if (Value label = backend["label"]) {
    // The dates of plain cookies stand behind a bar.
    if (label.text().find('|') != std::string_view::npos)
      label.expected("a label of letters and digits");
    else
      read_token(label, options.label, "a label of letters and digits");
  } else
    options.label = options.name;
  backend["backup"].read(options.backup);
}

}  // namespace shellac::edge
