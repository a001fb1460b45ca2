// cache: not in this version; typed already, and the names of the policies are known to routes.
#include <algorithm>
#include <array>

#include "schema.hpp"
#include "schema_rules.hpp"
#include "shellac/core/text.hpp"

namespace shellac::edge {

using config::Value;

namespace {

constexpr Bytes kMemoryDefault = 1_GiB;
constexpr Bytes kMemoryMin = 1_MiB;
constexpr Bytes kMemoryMax = 65536_GiB;
// An object may be at most this share of the memory, so that one cannot push out most of the others.
constexpr std::uint64_t kObjectShare = 8;
constexpr auto kCodings = std::to_array<std::string_view>({"gzip", "br", "zstd"});

void check_duration(const Value& value) {
  Duration duration{0};
  value.read(duration, Duration(0));
}
void check_bool(const Value& value) {
  bool flag = false;
  value.read(flag);
}
void check_number(const Value& value, std::uint32_t min, std::uint32_t max) {
  std::uint32_t number = 0;
  value.read_number(number, min, max);
}
void check_texts(const Value& value) {
  std::vector<std::string> texts;
  value.read_texts(texts);
}
void check_tokens(const Value& value, std::string_view what) {
  for (const Value& item : value.list_or_one())
    if (!is_token(item.text())) item.expected(what);
}

// "https://edge2.example:9180": scheme, host, perhaps a port, nothing after it.
bool is_base_url(std::string_view text) {
  if (text.starts_with("https://"))
    text.remove_prefix(8);
  else if (text.starts_with("http://"))
    text.remove_prefix(7);
  else
    return false;
  if (text.ends_with('/')) text.remove_suffix(1);
  if (is_host_name(text)) return true;
  auto host_port = parse_host_port(text);
  return host_port && host_port->port != 0 && (parse_ip(host_port->host) || is_host_name(host_port->host));
}

void check_ignored_cookies(const Value& value) {
  if (value.text() == "true" || value.text() == "false") return;
  if (value.is_scalar())
    value.expected("true, false or a list of globs");
  else
    check_texts(value);
}

void check_query(const Value& query) {
  if (!query.expect_map()) return;
  check_bool(query["sort"]);
  check_texts(query["drop"]);
  check_texts(query["keep"]);
  if (query["drop"] && query["keep"]) query["keep"].key_problem("stands beside drop, expected one of them");
}

void check_policy(const Value& policy, Bytes memory) {
  for (const char* key : {"default_ttl", "grace", "keep", "stale_if_error", "negative_ttl"})
    check_duration(policy[key]);
  for (const char* key :
       {"heuristic", "grace_over_s_maxage", "strip_set_cookie", "honour_request_cache_control", "strict_rfc"})
    check_bool(policy[key]);
  check_ignored_cookies(policy["ignore_request_cookies"]);
  Bytes max_object;
  if (Value value = policy["max_object"];
      value.read(max_object, 1_B, kMemoryMax) && max_object.count > memory.count / kObjectShare)
    value.expected("at most an eighth of cache.memory (" + to_string(memory) +
                   " / 8 = " + to_string(Bytes{memory.count / kObjectShare}) + ")");
  check_number(policy["min_uses"], 1, 1000);
  check_number(policy["max_variants"], 1, 10000);
  check_query(policy["query"]);
  if (Value key = policy["key"]; key.expect_map()) {
    check_tokens(key["headers"], "the name of a header field");
    check_tokens(key["cookies"], "the name of a cookie");
  }
  if (Value normalize = policy["normalize"]; normalize.expect_map()) {
    check_bool(normalize["accept_encoding"]);
    check_tokens(normalize["accept_language"], "a language tag such as en or nl");
  }
  for (const Value& coding : policy["compress"].list_or_one()) coding.find_word(kCodings);
}

}  // namespace

std::set<std::string> check_cache(const Value& root) {
  std::set<std::string> names;
  Value cache = root["cache"];
  if (!cache.expect_map()) return names;
  Bytes memory = kMemoryDefault;
  cache["memory"].read(memory, kMemoryMin, kMemoryMax);
  if (Value snapshot = cache["snapshot"]; snapshot.expect_map()) {
    std::string file;
    if (Value value = snapshot["file"])
      value.read_path(file);
    else
      report_missing(snapshot, "file", "a path");
    Bytes max;
    snapshot["max"].read(max, 1_MiB, kMemoryMax);
  }
  for (const Value& peer : cache["peers"].list_or_one())
    if (!is_base_url(peer.text())) peer.expected("a URL such as https://edge2.example:9180");
  std::vector<Network> networks;
  read_networks(cache["purge_from"], networks);
  Value policies = cache["policies"];
  if (!policies.expect_map()) return names;
  for (const config::Member& policy : policies.members()) {
    if (check_name(policy.value, policy.key)) names.insert(policy.key);
    if (policy.key == "off") policy.value.key_problem("off means no cache, expected another name");
    if (policy.value.expect_map()) check_policy(policy.value, memory);
  }
  return names;
}

}  // namespace shellac::edge
