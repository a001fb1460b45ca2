// Bad configurations and what is said of them: the top of the file and its listeners.
#include "config_fixture.hpp"

namespace shellac::edge {
namespace {

using ::testing::Values;

TEST_P(BadConfigs, AreToldWithTheirPlaces) {
  std::vector<std::string> problems = problems_of(GetParam().text);
  ASSERT_EQ(problems.size(), GetParam().problems.size()) << ::testing::PrintToString(problems);
  for (std::size_t i = 0; i < problems.size(); ++i)
    EXPECT_TRUE(problems[i].starts_with(GetParam().problems[i])) << problems[i] << "\ninstead of\n"
                                                                 << GetParam().problems[i];
}

INSTANTIATE_TEST_SUITE_P(
    Whole, BadConfigs,
    Values(
        BadConfig{"", {"1:1: listeners: missing, expected a list of at least one listener", "1:1: routes: missing"}},
        BadConfig{"- x\n", {"1:1: found no keys, expected KEY: VALUE lines"}},
        BadConfig{"listeners:\nroutes: []\n",
                  {"1:1: listeners: found nothing, expected a list",
                   "2:9: routes: found a list, expected at least one route"}},
        BadConfig{"listeners: []\nroutes: {}\n",
                  {"1:12: listeners: found a list, expected at least one listener",
                   "2:9: routes: found a map, expected a list"}},
        BadConfig{top_1_1("listen: 80"), {"1:1: listen: unknown key, did you mean \"listeners\"?"}},
        BadConfig{top_1_1("route: []"), {"1:1: route: unknown key, did you mean \"routes\"?"}},
        BadConfig{top_1_1("<<: {}"), {"1:1: <<: unknown key, expected include, workers, user"}},
        BadConfig{top_1_1("zone: a\nzone: b"), {"2:1: zone: duplicate key, the first stands at "}},
        BadConfig{top_1_1("zone: ${NO_ZONE}"),
                  {"1:7: the environment variable NO_ZONE is not set, and ${NO_ZONE} has no default"}},
        BadConfig{top_1_1("workers: ${NO_WORKERS:-many}"),
                  {"1:10: workers: found \"many\", expected auto or a whole number from 1 to 256"}},
        BadConfig{top_1_1("drain_delay: ${NO_DELAY:-010s}"), {"1:14: drain_delay: found \"010s\", which looks octal"}},
        BadConfig{top_1_1("zone: ${}"), {"1:7: found ${}, expected ${VAR} or ${VAR:-default}"}},
        BadConfig{top_1_1("zone: ${A"), {"1:7: found ${ without its }; write $${ for a plain ${"}},
        BadConfig{top_1_1("zone: &z ams1"), {"1:7: anchors (&NAME) are not supported"}},
        BadConfig{top_1_1("log: { level: info"),
                  {"2:10: not YAML: expected \",\" or \"}\" in a map that began with \"{\""}},
        BadConfig{top_1_1("\tzone: x"), {"1:6: not YAML: a tab stands in the indentation"}},
        BadConfig{
            top_1_1("include: [ nowhere.yaml ]"),
            {"1:12: include: found \"nowhere.yaml\", expected a file that can be read (No such file or directory)"}},
        BadConfig{top_1_1("include: { a: b }"), {"1:10: include: found a map, expected one value or a list of them"}},
        BadConfig{top_1_1("include: [ included_bad.yaml ]\nworkers: 2"),
                  {"included_bad.yaml:1:1: workers: duplicate key, the first stands at test.yaml:2:1",
                   "included_bad.yaml:2:7: zone: found \"a b\", expected a name"}}));

INSTANTIATE_TEST_SUITE_P(
    Top, BadConfigs,
    Values(
        BadConfig{top_1_1("workers: 0"), {"1:10: workers: found \"0\", expected a whole number from 1 to 256"}},
        BadConfig{top_1_1("workers: 257"), {"1:10: workers: found \"257\", expected a whole number from 1 to 256"}},
        BadConfig{top_1_1("workers: many"),
                  {"1:10: workers: found \"many\", expected auto or a whole number from 1 to 256"}},
        BadConfig{top_1_1("workers: 010"), {"1:10: workers: found \"010\", which looks octal"}},
        BadConfig{top_1_1("workers: 0o10"), {"1:10: workers: found \"0o10\", which looks octal"}},
        BadConfig{top_1_1("workers: 0x10"), {"1:10: workers: found \"0x10\", expected a whole number"}},
        BadConfig{top_1_1("workers: [ 1 ]"), {"1:10: workers: found a list, expected"}},
        BadConfig{top_1_1("workers:"), {"1:1: workers: found nothing, expected"}},
        BadConfig{top_1_1("user: ''"), {"1:7: user: found \"\", expected the name of a user"}},
        BadConfig{top_1_1("zone: \"a b\""), {"1:7: zone: found \"a b\", expected a name of 1 to 64 letters"}},
        BadConfig{top_1_1("shutdown_grace: 30"),
                  {"1:17: shutdown_grace: found \"30\", expected a duration with its unit"}},
        BadConfig{top_1_1("drain_delay: -1s"), {"1:14: drain_delay: found \"-1s\", expected a duration"}},
        BadConfig{top_1_1("drain_delay: 2d"), {"1:14: drain_delay: found \"2d\", expected a duration from 0s to 1d"}},
        BadConfig{top_1_1("trusted: [ 10.0.0.1/8 ]"),
                  {"1:12: trusted[]: found \"10.0.0.1/8\", expected 10.0.0.0/8 (no bits set beyond the prefix)"}},
        BadConfig{top_1_1("trusted: [ \"2001:db8::1/32\", here ]"),
                  {"1:12: trusted[]: found \"2001:db8::1/32\", expected 2001:db8::/32",
                   "1:30: trusted[]: found \"here\", expected an address or a network"}},
        BadConfig{top_1_1("trusted: 10.0.0.0/33"),
                  {"1:10: trusted: found \"10.0.0.0/33\", expected an address or a network"}},
        BadConfig{top_1_1("log: debug"), {"1:6: log: found \"debug\", expected a map"}},
        BadConfig{
            top_1_1("log: { level: inof }"),
            {"1:15: log.level: found \"inof\", expected trace, debug, info, warn, error or off; did you mean info?"}},
        BadConfig{top_1_1("log: { access: { format: xml, file: '' } }"),
                  {"1:26: log.access.format: found \"xml\", expected json, combined or off",
                   "1:37: log.access.file: found \"\", expected a path"}},
        BadConfig{top_1_1("log: { access: off }"), {"1:16: log.access: found \"off\", expected a map"}},
        BadConfig{top_1_1("admin: { listen: 9180 }"), {"1:18: admin.listen: found \"9180\", expected ADDRESS:PORT"}},
        BadConfig{top_1_1("admin: { listen: \"example.com:9180\" }"),
                  {"1:18: admin.listen: found \"example.com:9180\", expected ADDRESS:PORT"}},
        BadConfig{top_1_1("admin: { listen: \"unix:\" }"),
                  {"1:18: admin.listen: found \"unix:\", expected a path after unix:"}},
        BadConfig{top_1_1("admin: { listen: \"127.0.0.1:8080\" }"),
                  {"2:31: listeners[].bind: duplicate bind \"127.0.0.1:8080\", the first stands at "}},
        BadConfig{top_1_1("admin: { token_file: none.token }"),
                  {"1:22: admin.token_file: found \"none.token\", expected a file that can be read ("}},
        BadConfig{top_1_1("admin: { token_file: blank }"),
                  {"1:22: admin.token_file: found \"blank\", expected a file with a token ("}},
        BadConfig{top_1_1("limits: { connections: 0, connection_per_client: 5, buffers: 64 }"),
                  {"1:24: limits.connections: found \"0\", expected a whole number from 1",
                   "1:27: limits.connection_per_client: unknown key, did you mean \"connections_per_client\"?",
                   "1:62: limits.buffers: found \"64\", expected a size with its unit"}},
        BadConfig{top_1_1("limits: { buffers: 1KiB }"),
                  {"1:20: limits.buffers: found \"1KiB\", expected a size from 16MiB to"}}));

INSTANTIATE_TEST_SUITE_P(
    Listeners, BadConfigs,
    Values(BadConfig{"listeners: [ {} ]\nroutes: [ { name: r, respond: { body: x } } ]\n",
                     {"1:14: listeners[].name: missing, expected a name",
                      "1:14: listeners[].bind: missing, expected an address"}},
           BadConfig{"listeners: [ x ]\nroutes: [ { name: r, respond: { body: x } } ]\n",
                     {"1:14: listeners[]: found \"x\", expected a map"}},
           BadConfig{"listeners:\n  - { name: l, bind: \"127.0.0.1:1\" }\n  - { name: l, bind: \"127.0.0.1:2\" "
                     "}\nroutes: [ { name: r, respond: { body: x } } ]\n",
                     {"3:13: listeners[].name: duplicate name \"l\", the first stands at "}},
           BadConfig{"listeners:\n  - { name: l, bind: [ \"127.0.0.1:1\", \"[::1]:1\" ] }\n  - { name: m, bind: "
                     "\"127.0.0.1:1\" }\nroutes: [ { name: r, respond: { body: x } } ]\n",
                     {"3:22: listeners[].bind: duplicate bind \"127.0.0.1:1\", the first stands at "}},
           BadConfig{"listeners:\n  - { name: l, bind: [ \"unix:a.sock\", \"unix:./a.sock\" ] }\nroutes: [ { name: r, "
                     "respond: { body: x } } ]\n",
                     {"2:39: listeners[].bind[]: duplicate bind \"unix:"}},
           BadConfig{"listeners: [ { name: \"a/b\", bind: [] } ]\nroutes: [ { name: r, respond: { body: x } } ]\n",
                     {"1:22: listeners[].name: found \"a/b\", expected a name of 1 to 64",
                      "1:35: listeners[].bind: found a list, expected at least one address"}},
           BadConfig{"listeners: [ { name: l, bind: 8080 } ]\nroutes: [ { name: r, respond: { body: x } } ]\n",
                     {"1:31: listeners[].bind: found \"8080\", expected ADDRESS:PORT"}},
           BadConfig{"listeners: [ { name: l, bind: \"*:8080\" } ]\nroutes: [ { name: r, respond: { body: x } } ]\n",
                     {"1:31: listeners[].bind: found \"*:8080\", expected ADDRESS:PORT"}},
           BadConfig{
               "listeners: [ { name: l, bind: \"127.0.0.1:65536\" } ]\nroutes: [ { name: r, respond: { body: x } } ]\n",
               {"1:31: listeners[].bind: found \"127.0.0.1:65536\", expected ADDRESS:PORT"}},
           BadConfig{
               "listeners: [ { name: l, bind: \"unix:/" + std::string(107, 's') +
                   "\" } ]\nroutes: [ { name: r, respond: { body: x } } ]\n",
               {"1:31: listeners[].bind: found \"unix:/ssssssssssssssssssssssssssssssssssssssssssssssssssssss…\", "
                "expected a socket's path of at most 107 bytes"}},
           BadConfig{listener_4_5("protocols: [ http2 ]"),
                     {"4:18: listeners[].protocols[]: found \"http2\", expected h2 or http/1.1"}},
           BadConfig{listener_4_5("protocols: [ H2, http/1.1 ]"),
                     {"4:18: listeners[].protocols[]: found \"H2\", expected h2 or http/1.1; did you mean h2?"}},
           BadConfig{listener_4_5("protocols: [ h2 ]"), {"4:5: listeners[].protocols: not in this version yet"}},
           BadConfig{listener_4_5("protocols: [ http/1.1, http/1.1 ]"),
                     {"4:28: listeners[].protocols[]: duplicate protocol \"http/1.1\""}},
           BadConfig{listener_4_5("protocols: []"),
                     {"4:16: listeners[].protocols: found a list, expected at least one of"}},
           BadConfig{listener_4_5("redirect: http"),
                     {"4:15: listeners[].redirect: found \"http\", expected off or https; did you mean https?"}},
           BadConfig{listener_4_5("proxy_protocol: on"),
                     {"4:21: listeners[].proxy_protocol: found \"on\", expected off, accept or require"}},
           BadConfig{listener_4_5("timeouts: { idle: 0s, head: 10, hand_shake: 1s }"),
                     {"4:23: listeners[].timeouts.idle: found \"0s\", expected a duration above 0s",
                      "4:33: listeners[].timeouts.head: found \"10\", expected a duration",
                      "4:37: listeners[].timeouts.hand_shake: unknown key, did you mean \"handshake\"?"}},
           BadConfig{listener_4_5("limits: { head: 65KiB, fields: 1001 }"),
                     {"4:21: listeners[].limits.head: found \"65KiB\", expected a size from 1KiB to 64KiB",
                      "4:36: listeners[].limits.fields: found \"1001\", expected a whole number from 1 to 1000"}},
           BadConfig{listener_4_5("limits: { head: 512B, fields: 0 }"),
                     {"4:21: listeners[].limits.head: found \"512B\", expected a size from 1KiB",
                      "4:35: listeners[].limits.fields: found \"0\""}},
           BadConfig{listener_4_5("limits: { head: 08KiB }"),
                     {"4:21: listeners[].limits.head: found \"08KiB\", which looks octal"}},
           BadConfig{listener_4_5("name: again"), {"4:5: listeners[].name: duplicate key, the first stands at "}}));

INSTANTIATE_TEST_SUITE_P(
    Tls, BadConfigs,
    Values(
        BadConfig{listener_4_5("tls: {}"),
                  {"4:10: listeners[].tls.certificates: missing, expected a list of at least one certificate"}},
        BadConfig{listener_4_5("tls:"), {"4:5: listeners[].tls: found nothing, expected a map"}},
        BadConfig{listener_4_5("tls: { certificates: [] }"),
                  {"4:26: listeners[].tls.certificates: found a list, expected at least one certificate"}},
        BadConfig{listener_4_5("tls: { certificates: tls/one.crt }"),
                  {"4:26: listeners[].tls.certificates: found \"tls/one.crt\", expected a list"}},
        BadConfig{listener_4_5("tls: { certificates: [ { chain: tls/one.crt } ] }"),
                  {"4:28: listeners[].tls.certificates[].key: missing, expected a PEM file"}},
        BadConfig{listener_4_5("tls: { certificates: [ {} ] }"),
                  {"4:28: listeners[].tls.certificates[].chain: missing",
                   "4:28: listeners[].tls.certificates[].key: missing"}},
        BadConfig{listener_4_5("tls: { certificates: [ { chain: no.crt, key: no.key, ocsp: no.ocsp } ] }"),
                  {"4:37: listeners[].tls.certificates[].chain: found \"no.crt\", expected a file that can be read (",
                   "4:50: listeners[].tls.certificates[].key: found \"no.key\"",
                   "4:64: listeners[].tls.certificates[].ocsp: found \"no.ocsp\""}},
        BadConfig{listener_4_5("tls: { certificates: [ { chain: tls/one.crt, key: two.key } ] }"),
                  {"4:28: listeners[].tls.certificates[]: the key two.key does not match the certificate tls/one.crt"}},
        BadConfig{listener_4_5("tls: { certificates: [ { chain: two.crt, key: locked.key } ] }"),
                  {"4:28: listeners[].tls.certificates[]: locked.key is encrypted, expected a private key without a "
                   "passphrase"}},
        BadConfig{listener_4_5("tls: { certificates: [ { chain: junk, key: two.key } ] }"),
                  {"4:28: listeners[].tls.certificates[]: junk holds no certificate, expected PEM (-----BEGIN "
                   "CERTIFICATE-----)"}},
        BadConfig{listener_4_5("tls: { certificates: [ { chain: two.crt, key: two.key, ocsp: junk } ] }"),
                  {"4:28: listeners[].tls.certificates[]: junk is not an OCSP response, expected DER"}},
        BadConfig{
            listener_4_5("tls: { certificates: [ { dir: nowhere/ }, { dir: empty } ] }"),
            {"4:35: listeners[].tls.certificates[].dir: found \"nowhere/\", expected a directory that can be read",
             "4:54: listeners[].tls.certificates[].dir: empty holds no certificate, expected NAME.crt (or NAME.pem) "
             "and NAME.key"}},
        BadConfig{listener_4_5("tls: { certificates: [ { dir: tls, key: two.key } ] }"),
                  {"4:30: listeners[].tls.certificates[].dir: stands beside chain, key or ocsp"}},
        BadConfig{listener_4_5("tls: { certificates: [ { dir: tls } ], min_version: 1.1, unknown_sni: refuse }"),
                  {"4:57: listeners[].tls.min_version: found \"1.1\", expected 1.2 or 1.3",
                   "4:75: listeners[].tls.unknown_sni: found \"refuse\", expected default or abort"}},
        BadConfig{listener_4_5("tls: { certificates: [ { dir: tls } ], tickets: { keys: junk, rotate: 1s } }"),
                  {"4:61: listeners[].tls.tickets.keys: line 1 of ",
                   "4:75: listeners[].tls.tickets.rotate: found \"1s\", expected a duration from 1m to 7d"}},
        BadConfig{listener_4_5("tls: { certificates: [ { dir: tls } ], tickets: { keys: none } }"),
                  {"4:61: listeners[].tls.tickets.keys: found \"none\", expected a file that can be read"}},
        BadConfig{listener_4_5("tls: { certificates: [ { dir: tls } ], client_ca: { verify: always } }"),
                  {"4:55: listeners[].tls.client_ca.file: missing, expected a PEM file",
                   "4:65: listeners[].tls.client_ca.verify: found \"always\", expected require or optional"}},
        BadConfig{listener_4_5("tls: { certificates: [ { dir: tls } ], client_ca: { file: junk } }"),
                  {"4:63: listeners[].tls.client_ca.file: junk holds no certificate, expected PEM"}},
        BadConfig{listener_4_5("redirect: https\n    tls: { certificates: [ { dir: tls } ] }"),
                  {"4:15: listeners[].redirect: found \"https\", expected off on a listener with tls"}}));

}  // namespace
}  // namespace shellac::edge
