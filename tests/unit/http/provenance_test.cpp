// Who the client is, and what the backend is told of it: the client's own word counts only from `trusted`.
#include "http/fixture.hpp"
#include "shellac/http/forwarding.hpp"

namespace shellac::http {
namespace {

using Lines = std::initializer_list<std::pair<std::string_view, std::string_view>>;

RequestHead with(Lines lines) {
  RequestHead head;
  head.authority = "a.example";
  for (const auto& [name, value] : lines) head.fields.add(name, value);
  return head;
}

Endpoint ip(std::string_view text) {
  Endpoint endpoint;
  endpoint.kind = Endpoint::Kind::ip;
  endpoint.ip = *parse_ip(text);
  return endpoint;
}

Forwarding from(std::string_view peer, bool trusted) {
  return {.client = ip(peer), .peer_is_trusted = trusted, .scheme = "http", .request_id = "fresh"};
}

const NetworkSet& trusted() {
  static const NetworkSet set({*parse_network("10.0.0.0/8"), *parse_network("2001:db8:1::/48")});
  return set;
}

// "ADDRESS SCHEME ID" as a trusted peer's request is understood.
std::string identified(Lines lines, bool peer_is_trusted = true) {
  const RequestHead head = with(lines);
  const Forwarding forwarding = from("10.0.0.1", peer_is_trusted);
  const ClientIdentity client = identify_client(head, forwarding, trusted());
  EXPECT_TRUE(client.has_address);
  return to_string(client.address) + " " + std::string(client.scheme) + " " + std::string(client.request_id);
}

TEST(ClientIdentity, OfAnUntrustedPeerIsThePeer) {
  EXPECT_EQ(identified({{"X-Forwarded-For", "192.0.2.9"},
                        {"Forwarded", "for=192.0.2.9;proto=https"},
                        {"X-Forwarded-Proto", "https"},
                        {"X-Request-Id", "theirs"}},
                       false),
            "10.0.0.1 http fresh");
}

TEST(ClientIdentity, IsReadFromTheRightThroughTrustedHops) {
  EXPECT_EQ(identified({}), "10.0.0.1 http fresh");
  EXPECT_EQ(identified({{"X-Forwarded-For", "192.0.2.9"}}), "192.0.2.9 http fresh");
  EXPECT_EQ(identified({{"X-Forwarded-For", "1.1.1.1, 192.0.2.9"}}), "192.0.2.9 http fresh");
  EXPECT_EQ(identified({{"X-Forwarded-For", "1.1.1.1, 192.0.2.9, 10.2.3.4"}}), "192.0.2.9 http fresh");
  EXPECT_EQ(identified({{"X-Forwarded-For", "1.1.1.1"}, {"X", "y"}, {"x-forwarded-for", "192.0.2.9,10.2.3.4"}}),
            "192.0.2.9 http fresh");
  EXPECT_EQ(identified({{"X-Forwarded-For", "10.9.9.9, 10.2.3.4"}}), "10.9.9.9 http fresh");
  EXPECT_EQ(identified({{"X-Forwarded-For", "2001:db8:2::9, 2001:db8:1::1"}}), "2001:db8:2::9 http fresh");
  EXPECT_EQ(identified({{"X-Forwarded-For", "[2001:db8:2::9]:4711"}}), "2001:db8:2::9 http fresh");
  EXPECT_EQ(identified({{"X-Forwarded-For", "192.0.2.9:4711"}}), "192.0.2.9 http fresh");
}

TEST(ClientIdentity, WhatCannotBeReadEndsTheChain) {
  EXPECT_EQ(identified({{"X-Forwarded-For", "192.0.2.9, unknown"}}), "10.0.0.1 http fresh");
  EXPECT_EQ(identified({{"X-Forwarded-For", "192.0.2.9, x, 10.2.3.4"}}), "10.2.3.4 http fresh");
  EXPECT_EQ(identified({{"X-Forwarded-For", "192.0.2.9, 1.2.3.4.5"}}), "10.0.0.1 http fresh");
  EXPECT_EQ(identified({{"X-Forwarded-For", "\"192.0.2.9, 192.0.2.7"}}), "192.0.2.7 http fresh");
}

TEST(ClientIdentity, ForwardedCountsWithoutXForwardedFor) {
  EXPECT_EQ(identified({{"Forwarded", "for=192.0.2.9"}}), "192.0.2.9 http fresh");
  EXPECT_EQ(identified({{"Forwarded", "for=\"[2001:db8:2::9]:4711\";proto=https"}}), "2001:db8:2::9 https fresh");
  EXPECT_EQ(identified({{"Forwarded", "For=1.1.1.1, by=b;FOR=192.0.2.9 , for=10.2.3.4"}}), "192.0.2.9 http fresh");
  EXPECT_EQ(identified({{"Forwarded", "for=192.0.2.9, proto=https"}}), "10.0.0.1 https fresh");
  EXPECT_EQ(identified({{"Forwarded", "for=192.0.2.9, for=_hidden"}}), "10.0.0.1 http fresh");
  EXPECT_EQ(identified({{"Forwarded", "for=192.0.2.9;for=192.0.2.8"}}), "10.0.0.1 http fresh");
  EXPECT_EQ(identified({{"Forwarded", "for=1.1.1.1;host=\"a, for=192.0.2.66"}, {"Forwarded", "for=192.0.2.9"}}),
            "192.0.2.9 http fresh");
  // Whoever opened the quote cannot swallow what the next hop appended.
  EXPECT_EQ(identified({{"Forwarded", "for=\"x, for=192.0.2.9"}}), "192.0.2.9 http fresh");
  EXPECT_EQ(identified({{"X-Forwarded-For", "192.0.2.9"}, {"Forwarded", "for=192.0.2.8"}}), "192.0.2.9 http fresh");
}

TEST(ClientIdentity, SchemeAndId) {
  EXPECT_EQ(identified({{"X-Forwarded-Proto", "https"}}), "10.0.0.1 https fresh");
  EXPECT_EQ(identified({{"X-Forwarded-Proto", "http, HTTPS"}}), "10.0.0.1 https fresh");
  EXPECT_EQ(identified({{"X-Forwarded-Proto", "gopher"}}), "10.0.0.1 http fresh");
  EXPECT_EQ(identified({{"X-Forwarded-Proto", "http"}, {"Forwarded", "proto=https"}}), "10.0.0.1 http fresh");
  EXPECT_EQ(identified({{"Forwarded", "proto=\"https\""}}), "10.0.0.1 https fresh");
  EXPECT_EQ(identified({{"X-Request-Id", "theirs"}}), "10.0.0.1 http theirs");
  EXPECT_EQ(identified({{"X-Request-Id", "the\"irs"}}), "10.0.0.1 http fresh");
  EXPECT_EQ(identified({{"X-Request-Id", std::string(129, 'x')}}), "10.0.0.1 http fresh");
}

// More hops than are followed: the nearest count, and nothing overflows.
TEST(ClientIdentity, LongChains) {
  std::string hops = "192.0.2.9";
  for (int i = 0; i < 31; ++i) hops += ", 10.0.0." + std::to_string(i);
  EXPECT_EQ(identified({{"X-Forwarded-For", hops}}), "192.0.2.9 http fresh");
  EXPECT_EQ(identified({{"X-Forwarded-For", hops + ", 10.1.1.1"}}), "10.0.0.0 http fresh");
  for (int i = 0; i < 1000; ++i) hops += ", 10.0.1.1";
  EXPECT_EQ(identified({{"X-Forwarded-For", hops}}), "10.0.1.1 http fresh");
}

TEST(ClientIdentity, OfAUnixPeer) {
  RequestHead head = with({{"X-Forwarded-For", "192.0.2.9"}});
  Forwarding forwarding;
  forwarding.client.kind = Endpoint::Kind::unix_path;
  EXPECT_FALSE(identify_client(head, forwarding, trusted()).has_address);
  forwarding.peer_is_trusted = true;
  const ClientIdentity client = identify_client(head, forwarding, trusted());
  EXPECT_TRUE(client.has_address);
  EXPECT_EQ(to_string(client.address), "192.0.2.9");
}

std::string forwarded(Lines lines, const Forwarding& forwarding, std::string_view authority = "a.example") {
  RequestHead head = with(lines);
  head.authority = authority;
  const ClientIdentity client = identify_client(head, forwarding, trusted());
  Arena arena;
  add_forwarding_fields(head, forwarding, client, arena);
  return describe(head.fields);
}

const std::string kVia = " [Via|1.1 shellac]";

TEST(ForwardingFields, AreMade) {
  EXPECT_EQ(forwarded({{"X", "y"}}, from("192.0.2.1", false)),
            " [X|y] [X-Forwarded-For|192.0.2.1] [X-Forwarded-Proto|http] [X-Forwarded-Host|a.example]"
            " [Forwarded|for=192.0.2.1;proto=http;host=\"a.example\"] [X-Request-Id|fresh]" +
                kVia);
  EXPECT_EQ(forwarded({}, from("2001:db8::1", false), "[2001:db8::2]:81"),
            " [X-Forwarded-For|2001:db8::1] [X-Forwarded-Proto|http] [X-Forwarded-Host|[2001:db8::2]:81]"
            " [Forwarded|for=\"[2001:db8::1]\";proto=http;host=\"[2001:db8::2]:81\"] [X-Request-Id|fresh]" +
                kVia);
  EXPECT_EQ(forwarded({}, from("192.0.2.1", false), ""),
            " [X-Forwarded-For|192.0.2.1] [X-Forwarded-Proto|http]"
            " [Forwarded|for=192.0.2.1;proto=http] [X-Request-Id|fresh]" +
                kVia);
}

TEST(ForwardingFields, OfAnUntrustedPeerAreReplaced) {
  const Lines lies = {{"X-Forwarded-For", "1.1.1.1"},     {"x-forwarded-for", "2.2.2.2"},
                      {"X-Forwarded-Proto", "https"},     {"X-Forwarded-Host", "evil"},
                      {"Forwarded", "for=3.3.3.3"},       {"X-Request-Id", "theirs"},
                      {"X-Request-Id", "theirs as well"}, {"Via", "1.0 b"}};
  EXPECT_EQ(
      forwarded(lies, from("192.0.2.1", false)),
      " [Via|1.0 b, 1.1 shellac] [X-Forwarded-For|192.0.2.1] [X-Forwarded-Proto|http]"
      " [X-Forwarded-Host|a.example] [Forwarded|for=192.0.2.1;proto=http;host=\"a.example\"] [X-Request-Id|fresh]");
}

TEST(ForwardingFields, OfATrustedPeerAreExtended) {
  EXPECT_EQ(
      forwarded({{"X-Forwarded-For", "192.0.2.9"},
                 {"X-Forwarded-For", "10.2.3.4"},
                 {"X-Forwarded-Proto", "https"},
                 {"X-Forwarded-Host", "b.example"},
                 {"Forwarded", "for=192.0.2.9"},
                 {"Forwarded", ""},
                 {"Forwarded", "for=10.2.3.4"},
                 {"X-Request-Id", "theirs"}},
                from("10.0.0.1", true)),
      " [X-Forwarded-For|192.0.2.9, 10.2.3.4, 10.0.0.1] [X-Forwarded-Proto|https] [X-Forwarded-Host|b.example]"
      " [Forwarded|for=192.0.2.9, for=10.2.3.4, for=10.0.0.1;proto=http;host=\"a.example\"] [X-Request-Id|theirs]" +
          kVia);
}

TEST(ForwardingFields, OfAUnixPeer) {
  Forwarding forwarding{.client = {}, .peer_is_trusted = false, .scheme = "https", .request_id = "fresh"};
  forwarding.client.kind = Endpoint::Kind::unix_path;
  EXPECT_EQ(forwarded({}, forwarding),
            " [X-Forwarded-For|unknown] [X-Forwarded-Proto|https] [X-Forwarded-Host|a.example]"
            " [Forwarded|for=unknown;proto=https;host=\"a.example\"] [X-Request-Id|fresh]" +
                kVia);
}

// A hundred lines of a name become one, and what was written stays.
TEST(ForwardingFields, ManyLines) {
  RequestHead head = with({});
  for (int i = 0; i < 100; ++i) head.fields.add("Via", "1.1 b");
  const Forwarding forwarding = from("10.0.0.1", true);
  Arena arena;
  add_forwarding_fields(head, forwarding, identify_client(head, forwarding, trusted()), arena);
  EXPECT_EQ(head.fields.count(FieldId::via), 1u);
  EXPECT_EQ(head.fields.value(FieldId::via).size(), 100 * 7 + 11u);
}

}  // namespace
}  // namespace shellac::http
