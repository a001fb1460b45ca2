// pool_defaults and pools: the servers and how to speak to them. Which of them gets a request is schema_balance.cpp's.
#include <array>
#include <utility>

#include "schema.hpp"
#include "schema_rules.hpp"
#include "shellac/core/text.hpp"
#include "shellac/tls/check.hpp"

namespace shellac::edge {

using config::Value;

namespace {

constexpr std::uint32_t kMaxIdleMax = 65535;
// More than any head plus form; a larger body is streamed.
constexpr Bytes kBufferRequestMax = 16_MiB;

constexpr auto kSendProxy = std::to_array<std::pair<std::string_view, net::SendProxy>>(
    {{"off", net::SendProxy::off}, {"v1", net::SendProxy::v1}, {"v2", net::SendProxy::v2}});
constexpr auto kProtocols = std::to_array<std::string_view>({"http/1.1", "h2", "h2c"});

void read_tls(const Value& tls, std::optional<tls::ClientOptions>& out) {
  if (!tls.expect_map()) return;
  if (!out) out.emplace();
  tls["verify"].read(out->verify);
  if (Value ca = tls["ca"]; ca.text() == "system") {
    out->ca = "system";
  } else if (read_readable_file(ca, out->ca)) {
    if (auto problem = tls::check_ca_file(out->ca)) ca.problem(*problem);
  }
  Value sni = tls["sni"];
  if (sni && (!is_host_name(sni.text()) || parse_ip(sni.text())))
    sni.expected("host (the request's Host) or the name of a server");
  else
    sni.read(out->sni);
}

void read_timeouts(const Value& timeouts, upstream::PoolTimeouts& options) {
  if (!timeouts.expect_map()) return;
  timeouts["connect"].read_positive(options.connect);
  timeouts["first_byte"].read_positive(options.first_byte);
  timeouts["between_bytes"].read_positive(options.between_bytes);
  timeouts["idle"].read_positive(options.idle);
}

// All keys of a pool but backends. `options` holds pool_defaults when a pool is read.
void read_pool_keys(const Value& pool, upstream::PoolOptions& options) {
  Value protocol = pool["protocol"];
  if (protocol.find_word(kProtocols) > 0) protocol.not_yet();
  read_tls(pool["tls"], options.tls);
  pool["send_proxy"].read_enum(options.send_proxy, kSendProxy);
  read_timeouts(pool["timeouts"], options.timeouts);
  if (Value connections = pool["connections"]; connections.expect_map())
    connections["max_idle"].read_number(options.max_idle, 0, kMaxIdleMax);
  pool["buffer_request"].read(options.buffer_request, Bytes{0}, kBufferRequestMax);
  read_balancing(pool, options);
}

// Checked and, for a Unix path, made absolute. Names are lower-cased so that duplicates are seen.
bool read_address(const Value& address, std::string& out) {
  std::string text(address.text());
  if (text.starts_with("unix:")) {
    std::string path;
    if (!read_unix_path(address, text, path)) return false;
    out = "unix:" + path;
    return true;
  }
  auto host_port = parse_host_port(text);
  if (!host_port || host_port->port == 0 || !(parse_ip(host_port->host) || is_host_name(host_port->host))) {
    address.expected(R"(HOST:PORT, "[V6]:PORT" or unix:PATH)");
    return false;
  }
  out = lowercase(text);
  return true;
}

void read_backends(const Value& pool, upstream::PoolOptions& options) {
  Value backends = pool["backends"];
  if (!backends) return report_missing(pool, "backends", "a list of at least one backend");
  Unique names("name");
  Unique addresses("address");
  Unique labels("label");
  std::vector<Value> values = backends.list_of_maps();
  if (backends.is_empty_list()) backends.expected("at least one backend");
  for (const Value& value : values) {
    upstream::BackendOptions& one = options.backends.emplace_back();
    const bool named = read_name(value, one.name) && names.add(value["name"], one.name);
    Value address = value["address"];
    if (!address)
      report_missing(value, "address", R"(HOST:PORT, "[V6]:PORT" or unix:PATH)");
    else if (read_address(address, one.address))
      addresses.add(address, one.address);
    if (Value zone = value["zone"]; zone.read_text(one.zone, "a name")) check_name(zone, one.zone);
    read_backend_balancing(value, one);
    // The default label is the name: a name that stands twice has been told already.
    if (value["label"] ? !one.label.empty() : named)
      labels.add(value["label"] ? value["label"] : value["name"], one.label);
  }
}

}  // namespace

void read_pools(const Value& root, Options& options) {
  upstream::PoolOptions defaults;
  if (Value value = root["pool_defaults"]; value.expect_map()) {
    read_pool_keys(value, defaults);
    if (Value backends = value["backends"])
      backends.key_problem("belongs to one pool, expected no backends in pool_defaults");
  }
  Value pools = root["pools"];
  if (!pools.expect_map()) return;
  for (const config::Member& member : pools.members()) {
    const Value& pool = member.value;
    check_name(pool, member.key);
    if (!pool.expect_map()) continue;
    upstream::PoolOptions& one = options.pools.emplace_back(defaults);
    one.name = member.key;
    read_pool_keys(pool, one);
    read_backends(pool, one);
  }
}

}  // namespace shellac::edge
