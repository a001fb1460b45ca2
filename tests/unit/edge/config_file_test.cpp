// Good configurations and the options that come of them; the file as a whole.
#include <sstream>

#include "config_fixture.hpp"

namespace shellac::edge {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// The options of a text that must be good.
Options good(std::string_view text, const std::map<std::string, std::string>& environment = {}) {
  LoadedConfig loaded = load_text(text, environment);
  for (const config::Problem& problem : loaded.problems) ADD_FAILURE() << to_string(problem);
  EXPECT_EQ(loaded.options.has_value(), loaded.problems.empty());
  return loaded.options.value_or(Options());
}

std::string in_dir(std::string_view name) { return config_files().dir().path(name); }

TEST(ConfigFile, DefaultsOfTheSmallestFile) {
  Options options = good(top_1_1(""));
  EXPECT_EQ(options.file, in_dir("test.yaml"));
  EXPECT_EQ(options.workers, 0u);
  EXPECT_EQ(options.user, "shellac");
  EXPECT_EQ(options.zone, "");
  EXPECT_EQ(options.shutdown_grace, seconds(30));
  EXPECT_EQ(options.drain_delay, seconds(0));
  EXPECT_TRUE(options.trusted.empty());
  EXPECT_EQ(options.log_level, LogLevel::info);
  EXPECT_EQ(options.access.file, "stdout");
  EXPECT_EQ(options.access.format, AccessFormat::json);
  EXPECT_EQ(to_string(options.admin.listen), "unix:/run/shellac/admin.sock");
  EXPECT_EQ(options.admin.token_file, "");
  EXPECT_EQ(options.limits.connections, 20000u);
  EXPECT_EQ(options.limits.connections_per_client, 1000u);
  EXPECT_EQ(options.buffers, 256_MiB);
  ASSERT_EQ(options.listeners.size(), 1u);
  const front::ListenerOptions& listener = options.listeners[0];
  EXPECT_EQ(listener.name, "l");
  ASSERT_EQ(listener.binds.size(), 1u);
  EXPECT_EQ(to_string(listener.binds[0].endpoint), "127.0.0.1:8080");
  EXPECT_TRUE(listener.http1 && listener.http2 && !listener.redirect_https && !listener.tls);
  EXPECT_EQ(listener.proxy_protocol, net::ProxyProtocol::off);
  EXPECT_EQ(listener.timeouts.handshake, seconds(10));
  EXPECT_EQ(listener.timeouts.head, seconds(10));
  EXPECT_EQ(listener.timeouts.body, seconds(30));
  EXPECT_EQ(listener.timeouts.send, seconds(30));
  EXPECT_EQ(listener.timeouts.idle, seconds(60));
  EXPECT_EQ(listener.timeouts.tunnel, hours(1));
  EXPECT_EQ(listener.head_max, 32_KiB);
  EXPECT_EQ(listener.fields_max, 100u);
  EXPECT_TRUE(options.pools.empty());
  ASSERT_EQ(options.routes.size(), 1u);
  const route::RouteOptions& route = options.routes[0];
  EXPECT_EQ(route.normalize_path, route::NormalizePath::full);
  EXPECT_EQ(route.max_body, 64_MiB);
  EXPECT_EQ(route.timeout, seconds(0));
  EXPECT_FALSE(route.rewrite_prefix);
  const auto& text = std::get<route::RespondText>(route.action);
  EXPECT_EQ(text.status, 200);
  EXPECT_EQ(text.body, "x");
  EXPECT_EQ(text.type, "text/plain; charset=utf-8");
}

TEST(ConfigFile, Top) {
  Options options = good(top_1_1(R"(workers: 4
user: root
zone: ams1
shutdown_grace: 1m
drain_delay: 250ms
trusted: [ 10.0.0.0/8, "::1" ]
log: { level: debug, access: { file: log/access.log, format: combined } }
admin: { listen: "localhost:0", token_file: token }
limits: { connections: 5, connections_per_client: 1, buffers: 16MiB })"));
  EXPECT_EQ(options.workers, 4u);
  EXPECT_EQ(options.user, "root");
  EXPECT_EQ(options.zone, "ams1");
  EXPECT_EQ(options.shutdown_grace, minutes(1));
  EXPECT_EQ(options.drain_delay, milliseconds(250));
  ASSERT_EQ(options.trusted.size(), 2u);
  EXPECT_TRUE(options.trusted[0].contains(*parse_ip("10.1.2.3")));
  EXPECT_EQ(options.log_level, LogLevel::debug);
  EXPECT_EQ(options.access.file, in_dir("log/access.log"));
  EXPECT_EQ(options.access.format, AccessFormat::combined);
  EXPECT_EQ(to_string(options.admin.listen), "127.0.0.1:0");
  EXPECT_EQ(options.admin.token_file, in_dir("token"));
  EXPECT_EQ(options.limits.connections, 5u);
  EXPECT_EQ(options.limits.connections_per_client, 1u);
  EXPECT_EQ(options.buffers, 16_MiB);
}

TEST(ConfigFile, WordsThatAreNoNumbers) {
  Options options = good(
      top_1_1("workers: auto\nlog: { access: { file: stderr, format: off } }\nadmin: { listen: \"unix:admin.sock\" }"));
  EXPECT_EQ(options.workers, 0u);
  EXPECT_EQ(options.access.file, "stderr");
  EXPECT_EQ(options.access.format, AccessFormat::off);
  EXPECT_EQ(options.admin.listen.path, in_dir("admin.sock"));
}

TEST(ConfigFile, Listeners) {
  Options options = good(R"(listeners:
  - name: https
    bind: [ "0.0.0.0:0", "[::]:0", "unix:edge.sock", "unix:@abstract" ]
    protocols: [ h2, http/1.1 ]
    proxy_protocol: accept
    timeouts: { handshake: 1s, head: 2s, body: 3s, send: 4s, idle: 5s, tunnel: 6s }
    limits: { head: 64KiB, fields: 1000 }
    tls:
      certificates: [ { chain: tls/one.crt, key: tls/one.key, ocsp: tls/one.ocsp }, { dir: tls/ } ]
      min_version: 1.3
      unknown_sni: abort
      tickets: { keys: tickets, rotate: 1h }
      client_ca: { file: ca.pem, verify: optional }
  - { name: http, bind: "127.0.0.1:0", protocols: http/1.1, redirect: https, proxy_protocol: require }
routes: [ { name: r, respond: { body: x } } ]
)");
  ASSERT_EQ(options.listeners.size(), 2u);
  const front::ListenerOptions& https = options.listeners[0];
  ASSERT_EQ(https.binds.size(), 4u);
  EXPECT_EQ(to_string(https.binds[1].endpoint), "[::]:0");
  EXPECT_EQ(https.binds[2].endpoint.path, in_dir("edge.sock"));
  EXPECT_EQ(https.binds[3].endpoint.path, "@abstract");
  EXPECT_TRUE(https.http1 && https.http2);
  EXPECT_EQ(https.proxy_protocol, net::ProxyProtocol::accept);
  EXPECT_EQ(https.timeouts.handshake, seconds(1));
  EXPECT_EQ(https.timeouts.tunnel, seconds(6));
  EXPECT_EQ(https.head_max, 64_KiB);
  EXPECT_EQ(https.fields_max, 1000u);
  ASSERT_TRUE(https.tls);
  ASSERT_EQ(https.tls->certificates.size(), 2u);
  EXPECT_EQ(https.tls->certificates[0].chain, in_dir("tls/one.crt"));
  EXPECT_EQ(https.tls->certificates[0].ocsp, in_dir("tls/one.ocsp"));
  EXPECT_EQ(https.tls->certificates[1].dir, in_dir("tls/"));
  EXPECT_EQ(https.tls->min_version, tls::MinVersion::tls13);
  EXPECT_EQ(https.tls->unknown_sni, tls::UnknownSni::abort);
  EXPECT_EQ(https.tls->tickets.keys_file, in_dir("tickets"));
  EXPECT_EQ(https.tls->tickets.rotate, hours(1));
  ASSERT_TRUE(https.tls->client_ca);
  EXPECT_EQ(https.tls->client_ca->file, in_dir("ca.pem"));
  EXPECT_EQ(https.tls->client_ca->verify, tls::VerifyClient::optional);
  EXPECT_TRUE(options.listeners[1].redirect_https);
  EXPECT_FALSE(options.listeners[1].http2);
  EXPECT_EQ(options.listeners[1].proxy_protocol, net::ProxyProtocol::require);
}

TEST(ConfigFile, PoolsStandOnTheirDefaults) {
  Options options =
      good(R"(pool_defaults: { timeouts: { connect: 2s, idle: 9s }, connections: { max_idle: 3 }, tls: { ca: ca.pem } }
pools:
  plain:
    balance: round_robin
    protocol: http/1.1
    send_proxy: v2
    timeouts: { connect: 5s, first_byte: 6s, between_bytes: 7s }
    connections: { max_idle: 0 }
    buffer_request: 0B
    tls: { verify: false, sni: backend.example }
    backends:
      - { name: a, address: "App.example:80", zone: ams1 }
      - { name: b, address: "[2001:db8::1]:80" }
      - { name: c, address: "unix:app.sock" }
  other: { backends: [ { name: a, address: "192.0.2.1:65535" } ] }
listeners: [ { name: l, bind: "127.0.0.1:0" } ]
routes: [ { name: r, pool: plain } ]
)");
  ASSERT_EQ(options.pools.size(), 2u);
  const upstream::PoolOptions& plain = options.pools[0];
  EXPECT_EQ(plain.name, "plain");
  EXPECT_EQ(plain.send_proxy, net::SendProxy::v2);
  EXPECT_EQ(plain.timeouts.connect, seconds(5));
  EXPECT_EQ(plain.timeouts.first_byte, seconds(6));
  EXPECT_EQ(plain.timeouts.between_bytes, seconds(7));
  EXPECT_EQ(plain.timeouts.idle, seconds(9));
  EXPECT_EQ(plain.max_idle, 0u);
  EXPECT_EQ(plain.buffer_request, 0_B);
  ASSERT_TRUE(plain.tls);
  EXPECT_FALSE(plain.tls->verify);
  EXPECT_EQ(plain.tls->ca, in_dir("ca.pem"));
  EXPECT_EQ(plain.tls->sni, "backend.example");
  ASSERT_EQ(plain.backends.size(), 3u);
  EXPECT_EQ(plain.backends[0].address, "app.example:80");
  EXPECT_EQ(plain.backends[0].zone, "ams1");
  EXPECT_EQ(plain.backends[1].address, "[2001:db8::1]:80");
  EXPECT_EQ(plain.backends[2].address, "unix:" + in_dir("app.sock"));
  const upstream::PoolOptions& other = options.pools[1];
  EXPECT_EQ(other.timeouts.connect, seconds(2));
  EXPECT_EQ(other.timeouts.first_byte, seconds(30));
  EXPECT_EQ(other.max_idle, 3u);
  EXPECT_TRUE(other.tls && other.tls->verify);
  EXPECT_EQ(other.tls->sni, "host");
}

TEST(ConfigFile, Routes) {
  Options options = good(R"(listeners: [ { name: l, bind: "127.0.0.1:0" } ]
pools: { web: { backends: [ { name: a, address: "h:1" } ] } }
routes:
  - name: photos
    match:
      host: [ WWW.example.com, "*.example.com", "*", "[::1]" ]
      path: "/i/*"
      method: [ GET, M-SEARCH ]
      header: { X-A: "b*" }
      client: 10.0.0.0/8
    normalize_path: none
    allow: [ "::1" ]
    deny: 192.0.2.1
    request: { set: { Host: other.example, X-B: "" }, add: { X-C: d e }, remove: [ Cookie, "X-Internal-*" ] }
    response: { set: { Strict-Transport-Security: "max-age=31536000" }, add: { X-D: e }, remove: Server }
    rewrite: { prefix: "/spots/" }
    max_body: 1TiB
    timeout: 90s
    pool: web
    cache: off
    errors: { 503: errors/503.html, 404: errors/503.html }
  - { name: away, redirect: { to: "https://$host$path$query" } }
  - { name: braces, redirect: { to: "/x$${path}$1", status: 302 } }
  - { name: files, respond: { dir: www } }
  - { name: empty, respond: { status: 204 } }
)");
  ASSERT_EQ(options.routes.size(), 5u);
  const route::RouteOptions& photos = options.routes[0];
  using Texts = std::vector<std::string>;
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(photos.match.host, (Texts{"www.example.com", "*.example.com", "*", "[::1]"}));
  EXPECT_EQ(photos.match.path, Texts{"/i/*"});
  EXPECT_EQ(photos.match.method, (Texts{"GET", "M-SEARCH"}));
  EXPECT_EQ(photos.match.header, (Pairs{{"X-A", "b*"}}));
  EXPECT_EQ(photos.match.client.size(), 1u);
  EXPECT_EQ(photos.normalize_path, route::NormalizePath::none);
  EXPECT_EQ(photos.allow.size(), 1u);
  EXPECT_EQ(photos.deny.size(), 1u);
  EXPECT_EQ(photos.request.set, (Pairs{{"Host", "other.example"}, {"X-B", ""}}));
  EXPECT_EQ(photos.request.add, (Pairs{{"X-C", "d e"}}));
  EXPECT_EQ(photos.request.remove, (Texts{"Cookie", "X-Internal-*"}));
  EXPECT_EQ(photos.response.set, (Pairs{{"Strict-Transport-Security", "max-age=31536000"}}));
  EXPECT_EQ(photos.response.remove, Texts{"Server"});
  EXPECT_EQ(photos.rewrite_prefix, "/spots/");
  EXPECT_EQ(photos.max_body, 1024_GiB);
  EXPECT_EQ(photos.timeout, seconds(90));
  EXPECT_EQ(std::get<route::ToPool>(photos.action).pool, "web");
  EXPECT_EQ(photos.errors,
            (std::map<int, std::string>{{404, in_dir("errors/503.html")}, {503, in_dir("errors/503.html")}}));
  EXPECT_EQ(std::get<route::Redirect>(options.routes[1].action).to, "https://$host$path$query");
  EXPECT_EQ(std::get<route::Redirect>(options.routes[1].action).status, 308);
  EXPECT_EQ(std::get<route::Redirect>(options.routes[2].action).to, "/x${path}$1");
  EXPECT_EQ(std::get<route::Redirect>(options.routes[2].action).status, 302);
  EXPECT_EQ(std::get<route::RespondDir>(options.routes[3].action).dir, in_dir("www"));
  EXPECT_EQ(std::get<route::RespondText>(options.routes[4].action).status, 204);
  EXPECT_EQ(std::get<route::RespondText>(options.routes[4].action).body, "");
}

TEST(ConfigFile, Environment) {
  std::string text =
      top_1_1("workers: ${WORKERS:-2}\nlog: { level: \"${LEVEL}\", access: { file: \"${DIR:-.}/a.log\" } }");
  Options options = good(text, {{"LEVEL", "warn"}, {"WORKERS", "8"}});
  EXPECT_EQ(options.workers, 8u);
  EXPECT_EQ(options.log_level, LogLevel::warn);
  EXPECT_EQ(options.access.file, in_dir("a.log"));
  LoadedConfig loaded = load_text(text, {{"LEVEL", "info\nworkers: 3"}});
  ASSERT_EQ(loaded.problems.size(), 1u);
  EXPECT_EQ(loaded.problems[0].text,
            "log.level: found \"info\\nworkers: 3\", expected trace, debug, info, warn, error or off");
}

TEST(ConfigFile, IncludedFilesAndTheirPaths) {
  test::TempDir dir;
  dir.write("main.yaml",
            "include: \"conf.d/*.yaml\"\nlisteners: [ { name: l, bind: \"127.0.0.1:0\" } ]\nroutes: [ { name: first, "
            "pool: web } ]\n");
  dir.write("conf.d/10.yaml", "pools: { web: { backends: [ { name: a, address: \"h:1\" } ] } }\n");
  dir.write(
      "conf.d/20.yaml",
      "routes: [ { name: second, respond: { dir: site } } ]\nlisteners: [ { name: m, bind: \"unix:m.sock\" } ]\n");
  dir.write("conf.d/site/index.html", "x");
  std::map<std::string, std::string> none;
  LoadedConfig loaded = load_config(dir.path("main.yaml"), &none);
  ASSERT_TRUE(loaded.options) << to_string(loaded.problems.at(0));
  ASSERT_EQ(loaded.options->routes.size(), 2u);
  EXPECT_EQ(std::get<route::RespondDir>(loaded.options->routes[1].action).dir, dir.path("conf.d/site"));
  EXPECT_EQ(loaded.options->listeners[1].binds[0].endpoint.path, dir.path("conf.d/m.sock"));

  dir.write("conf.d/30.yaml", "pools: { web: {} }\nroutes: [ { name: first, pool: wub } ]\n");
  loaded = load_config(dir.path("main.yaml"), &none);
  std::string all;
  for (const config::Problem& problem : loaded.problems) all += to_string(problem) + "\n";
  std::string third = dir.path("conf.d/30.yaml");
  EXPECT_NE(all.find(third + ":1:10: pools.web: duplicate key, the first stands at " + dir.path("conf.d/10.yaml") +
                     ":1:10\n"),
            std::string::npos)
      << all;
  EXPECT_NE(all.find(third + ":2:19: routes[].name: duplicate name \"first\", the first stands at " +
                     dir.path("main.yaml") + ":3:19\n"),
            std::string::npos)
      << all;
  EXPECT_NE(
      all.find(third + ":2:32: routes[].pool: found \"wub\", expected the name of a pool; did you mean \"web\"?\n"),
      std::string::npos)
      << all;
}

TEST(ConfigFile, CheckPrintsEveryProblem) {
  std::string file = config_files().dir().write("check.yaml", top_1_1("workers: 0\nzones: x"));
  std::ostringstream out, err;
  EXPECT_EQ(run_check(file, out, err), 1);
  EXPECT_EQ(out.str(), "");
  EXPECT_TRUE(err.str().starts_with(file + ":1:10: workers: found \"0\"")) << err.str();
  EXPECT_NE(err.str().find("\n" + file + ":2:1: zones: unknown key, did you mean \"zone\"?\n"), std::string::npos)
      << err.str();
  config_files().dir().write("check.yaml", top_1_1(""));
  err.str("");
  EXPECT_EQ(run_check(file, out, err), 0);
  EXPECT_EQ(err.str(), "");
  EXPECT_EQ(run_check(in_dir("nowhere.yaml"), out, err), 1);
  EXPECT_EQ(err.str(), in_dir("nowhere.yaml") + ":0:0: cannot be read (No such file or directory)\n");
}

}  // namespace
}  // namespace shellac::edge
