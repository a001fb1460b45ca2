// listeners, without their tls.
#include <array>
#include <utility>

#include "schema.hpp"
#include "schema_rules.hpp"
#include "shellac/core/limits.hpp"

namespace shellac::edge {

using config::Value;

namespace {

constexpr Bytes kHeadMin = 1_KiB;
constexpr std::uint32_t kFieldsMax = 1000;

constexpr auto kProxyProtocols =
    std::to_array<std::pair<std::string_view, net::ProxyProtocol>>({{"off", net::ProxyProtocol::off},
                                                                    {"accept", net::ProxyProtocol::accept},
                                                                    {"require", net::ProxyProtocol::require}});
constexpr auto kRedirects = std::to_array<std::pair<std::string_view, bool>>({{"off", false}, {"https", true}});
constexpr auto kProtocols = std::to_array<std::string_view>({"h2", "http/1.1"});

// Port 0 asks the system for a free one: such binds never collide.
bool takes_any_port(const Endpoint& endpoint) { return endpoint.kind == Endpoint::Kind::ip && endpoint.port == 0; }

void read_binds(const Value& listener, front::ListenerOptions& options, Unique& binds) {
  Value bind = listener["bind"];
  if (!bind) return report_missing(listener, "bind", R"(an address such as "0.0.0.0:8080", or a list of them)");
  std::vector<Value> values = bind.list_or_one();
  if (bind.is_empty_list()) bind.expected("at least one address");
  for (const Value& value : values) {
    net::BindOptions one;
    if (!read_endpoint(value, one.endpoint)) continue;
    if (!takes_any_port(one.endpoint) && !binds.add(value, to_string(one.endpoint))) continue;
    options.binds.push_back(one);
  }
}

void read_protocols(const Value& protocols, front::ListenerOptions& options) {
  if (!protocols) return;
  Unique unique("protocol");
  bool all_good = true;
  options.http1 = options.http2 = false;
  std::vector<Value> values = protocols.list_or_one();
  for (const Value& value : values) {
    int index = value.find_word(kProtocols);
    all_good = all_good && index >= 0;
    if (index < 0 || !unique.add(value, std::string(value.text()))) continue;
    (index == 0 ? options.http2 : options.http1) = true;
  }
  if (protocols.is_empty_list())
    protocols.expected("at least one of h2 and http/1.1");
  else if (all_good && !options.http1)
    protocols.not_yet();  // HTTP/2 is accepted beside HTTP/1.1 only, and not offered
}

void read_timeouts(const Value& timeouts, front::ListenerTimeouts& options) {
  if (!timeouts.expect_map()) return;
  timeouts["handshake"].read_positive(options.handshake);
  timeouts["head"].read_positive(options.head);
  timeouts["body"].read_positive(options.body);
  timeouts["send"].read_positive(options.send);
  timeouts["idle"].read_positive(options.idle);
  timeouts["tunnel"].read_positive(options.tunnel);
}

// The admin interface has a socket of its own, which no listener may share.
void add_admin_bind(const Value& root, const Options& options, Unique& binds) {
  Value listen = root["admin"]["listen"];
  if (!takes_any_port(options.admin.listen)) binds.add(listen, to_string(options.admin.listen));
}

}  // namespace

void read_listeners(const Value& root, Options& options) {
  Value listeners = root["listeners"];
  if (!listeners) return report_missing(root, "listeners", "a list of at least one listener");
  Unique names("name");
  Unique binds("bind");
  add_admin_bind(root, options, binds);
  std::vector<Value> values = listeners.list_of_maps();
  if (listeners.is_empty_list()) listeners.expected("at least one listener");
  for (const Value& listener : values) {
    front::ListenerOptions& one = options.listeners.emplace_back();
    if (read_name(listener, one.name)) names.add(listener["name"], one.name);
    read_binds(listener, one, binds);
    read_protocols(listener["protocols"], one);
    listener["redirect"].read_enum(one.redirect_https, kRedirects);
    listener["proxy_protocol"].read_enum(one.proxy_protocol, kProxyProtocols);
    read_timeouts(listener["timeouts"], one.timeouts);
    if (Value limits = listener["limits"]; limits.expect_map()) {
      limits["head"].read(one.head_max, kHeadMin, limits::kHeadMax);
      limits["fields"].read_number(one.fields_max, 1, kFieldsMax);
    }
    Value tls = listener["tls"];
    if (tls && one.redirect_https)
      listener["redirect"].expected("off on a listener with tls; only a plain listener redirects to https");
    if (tls.expect_map()) read_listener_tls(tls, one.tls.emplace());
  }
}

}  // namespace shellac::edge
