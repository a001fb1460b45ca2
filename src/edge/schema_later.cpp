// Keys of pools whose feature is not in this version: typed already, so that a file written for a later version is
// checked as far as it can be. The key table reports them as `not in this version yet`, except where the value decides.
#include <array>
#include <set>
#include <utility>

#include "schema.hpp"
#include "schema_rules.hpp"
#include "shellac/core/text.hpp"

namespace shellac::edge {

using config::Value;

namespace {

constexpr std::uint32_t kCountMax = 1'000'000;
constexpr auto kAlgorithms = std::to_array<std::string_view>({"round_robin", "least_requests", "random_two", "hash"});
constexpr auto kHashKeys = std::to_array<std::string_view>({"path", "host", "client"});
constexpr auto kStickyModes = std::to_array<std::string_view>({"sealed", "plain"});
constexpr auto kSameSites = std::to_array<std::string_view>({"lax", "strict", "none"});
constexpr auto kOn404 = std::to_array<std::string_view>({"down", "drain"});
constexpr auto kRetryOn = std::to_array<std::string_view>({"connect", "reset", "timeout", "502", "503", "504"});

void check_number(const Value& value, std::uint32_t min, std::uint32_t max) {
  std::uint32_t number = 0;
  value.read_number(number, min, max);
}
void check_decimal(const Value& value, double min, double max) {
  double number = 0;
  value.read_decimal(number, min, max);
}
void check_percent(const Value& value) {
  std::uint32_t percent = 0;
  value.read_percent(percent);
}
void check_bool(const Value& value) {
  bool flag = false;
  value.read(flag);
}
void check_token(const Value& value, std::string_view what) {
  if (value && !is_token(value.text())) value.expected(what);
}

void check_hash(const Value& balance) {
  Value algorithm = balance["algorithm"];
  if (!algorithm) report_missing(balance, "algorithm", "hash");
  constexpr auto kHash = std::to_array<std::string_view>({"hash"});
  algorithm.find_word(kHash);
  Value key = balance["key"];
  if (!key) report_missing(balance, "key", "path, host, client, { header: NAME } or { cookie: NAME }");
  if (key.is_map()) {
    check_token(key["header"], "the name of a header field");
    check_token(key["cookie"], "the name of a cookie");
    if (bool(key["header"]) == bool(key["cookie"])) key.expected("one of header and cookie");
  } else {
    key.find_word(kHashKeys);
  }
  check_decimal(balance["load_factor"], 1.0, 100.0);
}

void check_balance(const Value& balance) {
  if (balance.is_map()) {
    check_hash(balance);
    balance.not_yet();
    return;
  }
  int index = balance.find_word(kAlgorithms);
  if (index > 0) balance.not_yet();
  if (index == 3) balance.expected("{ algorithm: hash, key: … }");
}

void check_sticky(const Value& sticky) {
  if (!sticky.expect_map()) return;
  check_token(sticky["cookie"], "the name of a cookie");
  std::string path;
  read_readable_file(sticky["key_file"], path);
  sticky["mode"].find_word(kStickyModes);
  Duration idle{0}, life{0};
  sticky["max_idle"].read_positive(idle);
  sticky["max_life"].read_positive(life);
  sticky["same_site"].find_word(kSameSites);
}

// "200-399" or "200,301-302".
bool is_status_list(std::string_view text) {
  while (true) {
    std::string_view range = text.substr(0, text.find(','));
    std::size_t dash = range.find('-');
    auto first = parse_unsigned<std::uint32_t>(range.substr(0, dash));
    auto last = dash == std::string_view::npos ? first : parse_unsigned<std::uint32_t>(range.substr(dash + 1));
    if (!first || !last || *first < 100 || *last > 599 || *first > *last) return false;
    if (range.size() == text.size()) return true;
    text.remove_prefix(range.size() + 1);
  }
}

void check_probe(const Value& probe) {
  if (!probe.expect_map()) return;
  std::string text;
  if (Value path = probe["path"]; path && (!is_visible(path.text()) || path.text().front() != '/'))
    path.expected("a path that begins with /");
  if (Value host = probe["host"];
      host && !is_host_name(host.text()) && !parse_host_port(host.text()) && !parse_ip(host.text()))
    host.expected("the name of a host");
  Duration interval = std::chrono::seconds(2);
  Duration fast = std::chrono::milliseconds(500);
  probe["interval"].read_positive(interval);
  // An interval shorter than fast_interval's default is fine: then that is the fast one, too.
  if (Value value = probe["fast_interval"]; value.read_positive(fast) && fast > interval)
    value.expected("at most the interval (" + to_string(interval) + ")");
  Duration timeout{0};
  probe["timeout"].read_positive(timeout);
  check_number(probe["rise"], 1, 1000);
  check_number(probe["fall"], 1, 1000);
  if (Value expect = probe["expect"]; expect && !is_status_list(expect.text()))
    expect.expected(R"(statuses such as "200-399" or "200,301-302")");
  probe["body"].read(text);
  probe["on_404"].find_word(kOn404);
  check_bool(probe["tcp"]);
}

void check_health(const Value& health) {
  if (!health.expect_map()) return;
  check_probe(health["probe"]);
  if (Value outlier = health["outlier"]; outlier.expect_map()) {
    check_number(outlier["errors"], 1, kCountMax);
    Duration ejection{0};
    outlier["ejection"].read_positive(ejection);
    check_percent(outlier["max_ejected"]);
  }
  Duration slow_start{0};
  health["slow_start"].read(slow_start, Duration(0));
  check_percent(health["panic"]);
}

void check_retries(const Value& retries) {
  if (!retries.expect_map()) return;
  check_number(retries["attempts"], 0, 10);
  for (const Value& reason : retries["on"].list_or_one()) reason.find_word(kRetryOn);
  check_percent(retries["budget"]);
}

void check_backend(const Value& backend, Unique& labels) {
  check_number(backend["weight"], 0, 1000);
  Value label = backend["label"];
  check_token(label, "a label of letters and digits");
  if (is_token(label.text())) labels.add(label, std::string(label.text()));
  check_bool(backend["backup"]);
}

}  // namespace

void check_later_pool_keys(const Value& pool) {
  check_balance(pool["balance"]);
  if (Value zones = pool["zones"]; zones.expect_map()) {
    check_bool(zones["prefer_local"]);
    check_decimal(zones["overprovision"], 1.0, 100.0);
  }
  check_sticky(pool["sticky"]);
  check_health(pool["health"]);
  if (Value connections = pool["connections"]) check_number(connections["max"], 0, kCountMax);
  if (Value queue = pool["queue"]; queue.expect_map()) {
    check_number(queue["limit"], 0, kCountMax);
    Duration timeout{0};
    queue["timeout"].read_positive(timeout);
  }
  check_retries(pool["retries"]);
  Unique labels("label");
  if (Value backends = pool["backends"]; backends.is_list())
    for (const Value& backend : backends.list_or_one())
      if (backend.is_map()) check_backend(backend, labels);
}

}  // namespace shellac::edge
