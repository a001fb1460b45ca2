// Bad configurations and what is said of them: pools.
#include "config_fixture.hpp"

namespace shellac::edge {
namespace {

using ::testing::Values;

INSTANTIATE_TEST_SUITE_P(
    Pools, BadConfigs,
    Values(
        BadConfig{top_1_1("pools: [ web ]"), {"1:8: pools: found a list, expected a map"}},
        BadConfig{top_1_1("pools: { web: }"), {"1:10: pools.web: found nothing, expected a map"}},
        BadConfig{top_1_1("pools: { \"a b\": { backends: [ { name: a, address: \"127.0.0.1:1\" } ] } }"),
                  {"1:10: pools.a b: found \"a b\", expected a name"}},
        BadConfig{top_1_1("pools: { web: {} }"),
                  {"1:15: pools.web.backends: missing, expected a list of at least one backend"}},
        BadConfig{top_1_1("pools: { web: { backends: [] } }"),
                  {"1:27: pools.web.backends: found a list, expected at least one backend"}},
        BadConfig{
            top_1_1("pools:\n  a: { backends: [ { name: a, address: \"127.0.0.1:1\" } ] }\n  a: { backends: [] }"),
            {"3:3: pools.a: duplicate key, the first stands at ", "3:18: pools.a.backends: found a list"}},
        BadConfig{
            backends_5_7("- { name: a, address: \"127.0.0.1:1\" }\n      - { name: a, address: \"127.0.0.1:1\" }"),
            {"6:17: pools.web.backends[].name: duplicate name \"a\", the first stands at ",
             "6:29: pools.web.backends[].address: duplicate address \"127.0.0.1:1\""}},
        BadConfig{backends_5_7("- { name: a, address: \"App:80\" }\n      - { name: b, address: \"app:80\" }"),
                  {"6:29: pools.web.backends[].address: duplicate address \"app:80\""}},
        BadConfig{
            backends_5_7("- { name: a }\n      - { address: \"x:1\", zone: '' }"),
            {"5:9: pools.web.backends[].address: missing", "6:9: pools.web.backends[].name: missing, expected a name",
             "6:33: pools.web.backends[].zone: found \"\", expected a name"}},
        BadConfig{
            backends_5_7("- { name: a, address: localhost }\n      - { name: b, address: \"h:0\" }\n      - { "
                         "name: c, address: \"a b:1\" }\n      - { name: d, address: \"::1:80\" }"),
            {"5:29: pools.web.backends[].address: found \"localhost\", expected HOST:PORT",
             "6:29: pools.web.backends[].address: found \"h:0\"", "7:29: pools.web.backends[].address: found \"a b:1\"",
             "8:29: pools.web.backends[].address: found \"::1:80\""}},
        BadConfig{backends_5_7("- { name: a, adress: \"x:1\", weight: 2 }"),
                  {"5:9: pools.web.backends[].address: missing",
                   "5:20: pools.web.backends[].adress: unknown key, did you mean \"address\"?"}},
        BadConfig{pool_5_5("send_proxy: v3"), {"5:17: pools.web.send_proxy: found \"v3\", expected off, v1 or v2"}},
        BadConfig{
            pool_5_5("timeouts: { connect: 0s, first_byte: 5 m, total: 1s }"),
            {"5:26: pools.web.timeouts.connect: found \"0s\", expected a duration above 0s",
             "5:42: pools.web.timeouts.first_byte: found \"5 m\"", "5:47: pools.web.timeouts.total: unknown key"}},
        BadConfig{pool_5_5("connections: { max_idle: 65536 }"),
                  {"5:30: pools.web.connections.max_idle: found \"65536\", expected a whole number from 0 to 65535"}},
        BadConfig{pool_5_5("buffer_request: 1GiB"),
                  {"5:21: pools.web.buffer_request: found \"1GiB\", expected a size from 0B to 16MiB"}},
        BadConfig{pool_5_5("tls: on"), {"5:10: pools.web.tls: found \"on\", expected a map"}},
        BadConfig{pool_5_5("tls: { verify: yes, ca: none.pem, sni: 192.0.2.1 }"),
                  {"5:20: pools.web.tls.verify: found \"yes\", expected true or false",
                   "5:29: pools.web.tls.ca: found \"none.pem\", expected a file",
                   "5:44: pools.web.tls.sni: found \"192.0.2.1\", expected host"}},
        BadConfig{pool_5_5("tls: { ca: junk }"), {"5:16: pools.web.tls.ca: junk holds no certificate, expected PEM"}},
        BadConfig{top_1_1("pool_defaults: { backends: [], timeout: 1s }"),
                  {"1:18: pool_defaults.backends: belongs to one pool, expected no backends in pool_defaults",
                   "1:32: pool_defaults.timeout: unknown key, did you mean \"timeouts\"?"}},
        BadConfig{top_1_1("pool_defaults: { timeouts: { idle: 1 }, queue: {} }"),
                  {"1:36: pool_defaults.timeouts.idle: found \"1\""}}));

INSTANTIATE_TEST_SUITE_P(
    Balancing, BadConfigs,
    Values(
        BadConfig{pool_5_5("balance: least_conn"),
                  {"5:14: pools.web.balance: found \"least_conn\", expected round_robin, least_requests, random_two or "
                   "hash"}},
        BadConfig{pool_5_5("balance: hash"),
                  {"5:14: pools.web.balance: found \"hash\", expected { algorithm: hash, key: … }"}},
        BadConfig{pool_5_5("balance: { key: { header: X, cookie: Y }, load_factor: 0.5 }"),
                  {"5:14: pools.web.balance.algorithm: missing",
                   "5:21: pools.web.balance.key: found a map, expected one of header and cookie",
                   "5:60: pools.web.balance.load_factor: found \"0.5\", expected a decimal number from 1.0"}},
        BadConfig{pool_5_5("protocol: h2"), {"5:5: pools.web.protocol: not in this version yet"}},
        BadConfig{
            pool_5_5("protocol: http/1.0"),
            {"5:15: pools.web.protocol: found \"http/1.0\", expected http/1.1, h2 or h2c; did you mean http/1.1?"}},
        BadConfig{pool_5_5("zones: { prefer_local: false, overprovision: x }"),
                  {"5:50: pools.web.zones.overprovision: found \"x\""}},
        BadConfig{pool_5_5("sticky: { cookie: SHELLAC, mode: open, max_idle: 1d, same_site: Lax }"),
                  {"5:38: pools.web.sticky.mode: found \"open\", expected sealed or plain",
                   "5:69: pools.web.sticky.same_site: found \"Lax\", expected lax, strict or none; did you mean lax?"}},
        BadConfig{pool_5_5("sticky: { key_file: none.key }"),
                  {"5:25: pools.web.sticky.key_file: found \"none.key\", expected a file"}},
        BadConfig{pool_5_5("health: { probe: { path: /h, interval: 1s, fast_interval: 2s } }"),
                  {"5:63: pools.web.health.probe.fast_interval: found \"2s\", expected at most the interval (1s)"}},
        BadConfig{pool_5_5("health: { probe: { path: h, rise: 0, expect: 200-600, on_404: up, tcp: no } }"),
                  {"5:30: pools.web.health.probe.path: found \"h\"", "5:39: pools.web.health.probe.rise: found \"0\"",
                   "5:50: pools.web.health.probe.expect: found \"200-600\"",
                   "5:67: pools.web.health.probe.on_404: found \"up\", expected down or drain",
                   "5:76: pools.web.health.probe.tcp: found \"no\""}},
        BadConfig{pool_5_5("health: { outlier: { errors: 5, ejection: 30s, max_ejected: 150% }, panic: 50 }"),
                  {"5:65: pools.web.health.outlier.max_ejected: found \"150%\", expected a share from 0% to 100%",
                   "5:80: pools.web.health.panic: found \"50\", expected a share"}},
        BadConfig{pool_5_5("connections: { max: 1000001 }"),
                  {"5:25: pools.web.connections.max: found \"1000001\", expected a whole number from 0 to 1000000"}},
        BadConfig{pool_5_5("sticky: { key_file: junk }"), {"5:25: pools.web.sticky.key_file: "}},
        BadConfig{
            backends_5_7("- { name: a, address: \"h:1\", label: x }\n      - { name: b, address: \"h:2\", label: x }"),
            {"6:43: pools.web.backends[].label: duplicate label \"x\""}},
        BadConfig{backends_5_7("- { name: a, address: \"h:1\", label: \"x|y\" }"),
                  {"5:43: pools.web.backends[].label: found \"x|y\", expected a label of letters and digits"}},
        BadConfig{backends_5_7("- { name: a, address: \"h:1\", label: b }\n      - { name: b, address: \"h:2\" }"),
                  {"6:17: pools.web.backends[].name: duplicate label \"b\""}},
        BadConfig{pool_5_5("queue: { limit: -1, timeout: 0s }"),
                  {"5:21: pools.web.queue.limit: found \"-1\"", "5:34: pools.web.queue.timeout: found \"0s\""}},
        BadConfig{pool_5_5("retries: { attempts: 2, on: [ connect, 404 ], budget: 20 }"),
                  {"5:44: pools.web.retries.on[]: found \"404\", expected connect, reset, timeout, 502, 503 or 504",
                   "5:59: pools.web.retries.budget: found \"20\""}},
        BadConfig{backends_5_7("- { name: a, address: \"h:1\", weight: 1, label: a, backup: maybe }"),
                  {"5:65: pools.web.backends[].backup: found \"maybe\""}}));

}  // namespace
}  // namespace shellac::edge
