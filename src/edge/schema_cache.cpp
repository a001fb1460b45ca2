// cache: what is kept in memory, and the policies that routes name.
#include <algorithm>
#include <array>

#include "schema.hpp"
#include "schema_rules.hpp"
#include "shellac/core/text.hpp"

namespace shellac::edge {

using config::Value;

namespace {

constexpr Bytes kMemoryMin = 1_MiB;
constexpr Bytes kMemoryMax = 65536_GiB;
// An object may be at most this share of the memory, so that one cannot push out most of the others.
constexpr std::uint64_t kObjectShare = 8;
constexpr auto kCodings = std::to_array<std::string_view>({"gzip", "br", "zstd"});

// All or nothing of a list.
void read_tokens(const Value& value, std::vector<std::string>& out, std::string_view what) {
  std::vector<std::string> tokens;
  for (const Value& item : value.list_or_one()) {
    if (!is_token(item.text())) return item.expected(what);
    tokens.emplace_back(item.text());
  }
  if (value) out = std::move(tokens);
}

// RFC 5646 §2.1, its shape only: subtags of 1 to 8 letters and digits, the first one of letters.
bool is_language_tag(std::string_view text) {
  for (bool first = true;; first = false) {
    const std::string_view subtag = text.substr(0, text.find('-'));
    if (subtag.empty() || subtag.size() > 8) return false;
    for (char c : subtag) {
      const bool is_letter = to_lower(c) >= 'a' && to_lower(c) <= 'z';
      if (!is_letter && (first || !is_digit(c))) return false;
    }
    if (subtag.size() == text.size()) return true;
    text.remove_prefix(subtag.size() + 1);
  }
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

void read_ignored_cookies(const Value& value, cache::PolicyOptions& policy) {
  if (value.text() == "true" || value.text() == "false")
    policy.ignore_all_cookies = value.text() == "true";
  else if (value.is_scalar())
    value.expected("true, false or a list of globs");
  else
    value.read_texts(policy.ignore_cookies);
}

void read_query(const Value& query, cache::QueryOptions& options) {
  if (!query.expect_map()) return;
  query["sort"].read(options.sort);
  query["drop"].read_texts(options.drop);
  query["keep"].read_texts(options.keep);
  if (query["drop"] && query["keep"]) query["keep"].key_problem("stands beside drop, expected one of them");
}

void read_normalize(const Value& normalize, cache::PolicyOptions& policy) {
  if (!normalize.expect_map()) return;
  normalize["accept_encoding"].read(policy.normalize_accept_encoding);
  std::vector<std::string> languages;
  for (const Value& language : normalize["accept_language"].list_or_one()) {
    if (!is_language_tag(language.text())) return language.expected("a language tag such as en or nl-BE");
    languages.emplace_back(language.text());
  }
  policy.accept_languages = std::move(languages);
}

void read_max_object(const Value& value, Bytes memory, Bytes& out) {
  const Bytes share{memory.count / kObjectShare};
  out = std::min(out, share);
  Bytes max_object;
  if (!value.read(max_object, 1_B, kMemoryMax)) return;
  if (max_object > share)
    value.expected("at most an eighth of cache.memory (" + to_string(memory) + " / 8 = " + to_string(share) + ")");
  else
    out = max_object;
}

void read_policy(const Value& from, Bytes memory, cache::PolicyOptions& policy) {
  from["default_ttl"].read(policy.default_ttl, Duration(0));
  from["heuristic"].read(policy.heuristic);
  from["grace"].read(policy.grace, Duration(0));
  from["keep"].read(policy.keep, Duration(0));
  from["stale_if_error"].read(policy.stale_if_error, Duration(0));
  from["negative_ttl"].read(policy.negative_ttl, Duration(0));
  from["grace_over_s_maxage"].read(policy.grace_over_s_maxage);
  read_ignored_cookies(from["ignore_request_cookies"], policy);
  from["strip_set_cookie"].read(policy.strip_set_cookie);
  from["honour_request_cache_control"].read(policy.honour_request_cache_control);
  from["strict_rfc"].read(policy.strict_rfc);
  read_max_object(from["max_object"], memory, policy.max_object);
  from["min_uses"].read_number(policy.min_uses, 1, 1000);
  from["max_variants"].read_number(policy.max_variants, 1, 10000);
  read_query(from["query"], policy.query);
  if (Value key = from["key"]; key.expect_map()) {
    read_tokens(key["headers"], policy.key_headers, "the name of a header field");
    read_tokens(key["cookies"], policy.key_cookies, "the name of a cookie");
  }
  read_normalize(from["normalize"], policy);
  if (Value compress = from["compress"]) {
    const std::vector<Value> codings = compress.list_or_one();
    for (const Value& coding : codings) coding.find_word(kCodings);
    if (!codings.empty()) compress.not_yet();
  }
}

void read_policies(const Value& policies, cache::Options& options) {
  if (!policies.expect_map()) return;
  for (const config::Member& member : policies.members()) {
    cache::PolicyOptions policy;
    policy.name = member.key;
    const bool named = check_name(member.value, member.key);
    if (member.key == "off") member.value.key_problem("off means no cache, expected another name");
    if (member.value.expect_map()) read_policy(member.value, options.memory, policy);
    if (named) options.policies.push_back(std::move(policy));
  }
}

// Keys of later versions; what is written is checked.
void check_snapshot(const Value& snapshot) {
  if (!snapshot.expect_map()) return;
  std::string file;
  if (Value value = snapshot["file"])
    value.read_path(file);
  else
    report_missing(snapshot, "file", "a path");
  Bytes max;
  snapshot["max"].read(max, 1_MiB, kMemoryMax);
}
void check_peers(const Value& peers) {
  const std::vector<Value> urls = peers.list_or_one();
  for (const Value& peer : urls)
    if (!is_base_url(peer.text())) peer.expected("a URL such as https://edge2.example:9180");
  if (!urls.empty()) peers.not_yet();
}

}  // namespace

void read_cache(const Value& root, cache::Options& options) {
  Value cache = root["cache"];
  if (!cache.expect_map()) return;
  options.enabled = true;
  cache["memory"].read(options.memory, kMemoryMin, kMemoryMax);
  check_snapshot(cache["snapshot"]);
  check_peers(cache["peers"]);
  read_networks(cache["purge_from"], options.purge_from);
  read_policies(cache["policies"], options);
}

}  // namespace shellac::edge
