// Bad configurations and what is said of them: routes.
#include "config_fixture.hpp"

namespace shellac::edge {
namespace {

using ::testing::Values;

INSTANTIATE_TEST_SUITE_P(
    Actions, BadConfigs,
    Values(
        BadConfig{action_5_5("max_body: 1MiB"),
                  {"4:5: routes[]: found no action, expected exactly one of pool, redirect and respond"}},
        BadConfig{action_5_5("pool: web\n    respond: { body: x }"),
                  {"6:5: routes[].respond: stands beside pool, expected exactly one of pool, redirect and respond"}},
        BadConfig{action_5_5("pool: wbe"),
                  {"5:11: routes[].pool: found \"wbe\", expected the name of a pool; did you mean \"web\"?"}},
        BadConfig{action_5_5("pool: nothing_like_it"),
                  {"5:11: routes[].pool: found \"nothing_like_it\", expected the name of a pool: web"}},
        BadConfig{action_5_5("pool: [ web ]"), {"5:11: routes[].pool: found a list, expected the name of a pool"}},
        BadConfig{top_1_1("zone: a").replace(top_1_1("zone: a").find("respond: { body: x }"), 20, "pool: web"),
                  {"3:28: routes[].pool: found \"web\", expected the name of a pool, but there is none"}},
        BadConfig{action_5_5("redirect: https://x/"),
                  {"5:15: routes[].redirect: found \"https://x/\", expected a map"}},
        BadConfig{action_5_5("redirect: {}"), {"5:15: routes[].redirect.to: missing, expected a URL"}},
        BadConfig{action_5_5("redirect: { to: example.com, status: 300 }"),
                  {"5:21: routes[].redirect.to: found \"example.com\", expected a URL that begins with",
                   "5:42: routes[].redirect.status: found \"300\", expected 301, 302, 303, 307 or 308"}},
        BadConfig{
            action_5_5("redirect: { to: \"https://$hots$path\" }"),
            {"5:21: routes[].redirect.to: found \"https://$hots$path\", expected $host, $path or $query, not $hots"}},
        BadConfig{action_5_5("redirect: { to: \"/a\\r\\nSet-Cookie: x\" }"), {"5:21: routes[].redirect.to: found"}},
        BadConfig{action_5_5("respond: {}"), {"5:14: routes[].respond: found a map, expected status and body, or dir"}},
        BadConfig{action_5_5("respond: { status: 199, body: x, type: text }"),
                  {"5:24: routes[].respond.status: found \"199\", expected a whole number from 200 to 599",
                   "5:44: routes[].respond.type: found \"text\", expected a media type"}},
        BadConfig{action_5_5("respond: { status: 204, body: x }"),
                  {"5:35: routes[].respond.body: found \"x\", expected no body, which the status 204 never has"}},
        BadConfig{action_5_5("respond: { dir: nowhere }"),
                  {"5:21: routes[].respond.dir: found \"nowhere\", expected a directory that can be read"}},
        BadConfig{action_5_5("respond: { dir: junk, status: 200 }"),
                  {"5:16: routes[].respond.dir: stands beside status, body or type",
                   "5:21: routes[].respond.dir: found \"junk\", expected a directory"}}));

INSTANTIATE_TEST_SUITE_P(
    Matches, BadConfigs,
    Values(BadConfig{route_5_5("match: \"/i/*\""), {"5:12: routes[].match: found \"/i/*\", expected a map"}},
           BadConfig{route_5_5("match: { path: [ i, \"/a?b\", \"/a b\", /ok ] }"),
                     {"5:22: routes[].match.path[]: found \"i\", expected a path that begins with / or *",
                      "5:25: routes[].match.path[]: found \"/a?b\", expected a path without query",
                      "5:33: routes[].match.path[]: found \"/a b\""}},
           BadConfig{route_5_5("match: { path: [ *.jpg ] }"),
                     {"5:22: not YAML: aliases (*NAME) are not supported, expected the value itself; quote a text that "
                      "begins with *"}},
           BadConfig{
               route_5_5("match: { host: [ \"www.*\", \"a.b:80\", \"*.\", \"é.example\", \"[::1\", ok ] }"),
               {"5:22: routes[].match.host[]: found \"www.*\", expected a host without port",
                "5:31: routes[].match.host[]: found \"a.b:80\"", "5:41: routes[].match.host[]: found \"*.\"",
                "5:47: routes[].match.host[]: found \"é.example\"", "5:61: routes[].match.host[]: found \"[::1\""}},
           BadConfig{route_5_5("match: { method: [ get, \"G T\", GET ] }"),
                     {"5:24: routes[].match.method[]: found \"get\", expected a method in upper case such as GET",
                      "5:29: routes[].match.method[]: found \"G T\""}},
           BadConfig{route_5_5("match: { header: { \"X A\": b, X-B: [ c ] }, client: [ 10.1.0.0/8 ], query: x }"),
                     {"5:24: routes[].match.header.X A: found \"X A\", expected the name of a header field",
                      "5:39: routes[].match.header.X-B: found a list, expected a text",
                      "5:58: routes[].match.client[]: found \"10.1.0.0/8\", expected 10.0.0.0/8",
                      "5:72: routes[].match.query: unknown key"}},
           BadConfig{route_5_5("match: { header: { X-A: a, x-a: b } }"),
                     {"5:37: routes[].match.header.x-a: duplicate header field \"x-a\""}}));

INSTANTIATE_TEST_SUITE_P(
    Edits, BadConfigs,
    Values(BadConfig{route_5_5("request: { set: { Connection: close, content-length: 1, Transfer-Encoding: chunked, "
                               "Upgrade: x, TE: x, Trailer: x } }"),
                     {"5:23: routes[].request.set.Connection: belongs to the framing of a message",
                      "5:42: routes[].request.set.content-length: belongs",
                      "5:61: routes[].request.set.Transfer-Encoding: belongs",
                      "5:89: routes[].request.set.Upgrade: belongs", "5:101: routes[].request.set.TE: belongs",
                      "5:108: routes[].request.set.Trailer: belongs"}},
           BadConfig{route_5_5("response: { add: { Connection: x }, remove: [ Content-Length ] }"),
                     {"5:24: routes[].response.add.Connection: belongs",
                      "5:51: routes[].response.remove[]: found \"Content-Length\", expected fields that may be edited; "
                      "content-length belongs"}},
           BadConfig{
               route_5_5("request: { remove: [ \"*\", \"content-*\", Host, \"X Y\", \"H*\" ] }"),
               {"5:26: routes[].request.remove[]: found \"*\", expected fields that may be edited; connection belongs",
                "5:31: routes[].request.remove[]: found \"content-*\"",
                "5:44: routes[].request.remove[]: found \"Host\", expected fields that may be removed; a request needs "
                "its Host",
                "5:50: routes[].request.remove[]: found \"X Y\", expected the name of a header field",
                "5:57: routes[].request.remove[]: found \"H*\", expected fields that may be removed"}},
           BadConfig{route_5_5("request: { add: { Host: x } }\n    response: { set: { Host: x } }"),
                     {"5:23: routes[].request.add.Host: Host can only be set, and only in a request",
                      "6:24: routes[].response.set.Host: Host can only be set, and only in a request"}},
           BadConfig{route_5_5("response: { set: { X-A: \"a\\r\\nb\" } }"), {"5:29: routes[].response.set.X-A: found"}},
           BadConfig{route_5_5("response: { set: { \"X:A\": b, X-B: \" c\", X-C: { d: e } } }"),
                     {"5:24: routes[].response.set.X:A: found \"X:A\", expected the name of a header field",
                      "5:39: routes[].response.set.X-B: found \" c\", expected a value without control characters",
                      "5:50: routes[].response.set.X-C: found a map, expected a text"}},
           BadConfig{route_5_5("response: { set: { X-A: a, x-A: b }, sets: {} }"),
                     {"5:37: routes[].response.set.x-A: duplicate header field \"x-a\"",
                      "5:42: routes[].response.sets: unknown key, did you mean \"set\"?"}}));

INSTANTIATE_TEST_SUITE_P(
    Routes, BadConfigs,
    Values(BadConfig{route_5_5("name: r2"), {"5:5: routes[].name: duplicate key"}},
           BadConfig{route_5_5("\n  - { name: r, respond: { body: y } }\n  - { respond: { body: z } }"),
                     {"6:13: routes[].name: duplicate name \"r\", the first stands at ",
                      "7:5: routes[].name: missing, expected a name"}},
           BadConfig{route_5_5("normalize_path: half\n    max_body: 64\n    timeout: 5"),
                     {"5:21: routes[].normalize_path: found \"half\", expected full, safe or none",
                      "6:15: routes[].max_body: found \"64\", expected a size",
                      "7:14: routes[].timeout: found \"5\", expected a duration"}},
           BadConfig{route_5_5("allow: [ 192.168.1.1/24 ]\n    deny: everyone"),
                     {"5:14: routes[].allow[]: found \"192.168.1.1/24\", expected 192.168.1.0/24",
                      "6:11: routes[].deny: found \"everyone\", expected an address or a network"}},
           BadConfig{route_5_5("rewrite: /x"), {"5:14: routes[].rewrite: found \"/x\", expected a map"}},
           BadConfig{route_5_5("rewrite: { prefix: x }"),
                     {"5:24: routes[].rewrite.prefix: found \"x\", expected a path that begins with /"}},
           BadConfig{route_5_5("rewrite: {}"), {"5:14: routes[].rewrite.prefix: missing"}},
           BadConfig{route_5_5("errors: { 200: errors/503.html, 5xx: errors/503.html, 503: nothing.html }"),
                     {"5:15: routes[].errors.200: found \"200\", expected a status from 400 to 599",
                      "5:37: routes[].errors.5xx: found \"5xx\", expected a status",
                      "5:64: routes[].errors.503: found \"nothing.html\", expected a file that can be read"}},
           BadConfig{route_5_5("errors: { 404: errors }"),
                     {"5:20: routes[].errors.404: found \"errors\", expected a file that can be read ("}},
           BadConfig{route_5_5("cashe: x\n    Pool: web"),
                     {"5:5: routes[].cashe: unknown key, did you mean \"cache\"?",
                      "6:5: routes[].Pool: unknown key, did you mean \"pool\"?"}}));

}  // namespace
}  // namespace shellac::edge
