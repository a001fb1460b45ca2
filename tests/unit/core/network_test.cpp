#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "shellac/core/address.hpp"

namespace shellac {
namespace {

bool holds(std::string_view network, std::string_view ip) {
  return parse_network(network).value().contains(parse_ip(ip).value());
}

NetworkSet set_of(std::initializer_list<std::string_view> texts) {
  std::vector<Network> networks;
  for (const auto text : texts) networks.push_back(parse_network(text).value());
  return NetworkSet(std::move(networks));
}

TEST(Network, HoldsItsAddresses) {
  EXPECT_TRUE(holds("10.0.0.0/8", "10.255.255.255"));
  EXPECT_FALSE(holds("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(holds("192.0.2.128/25", "192.0.2.128"));
  EXPECT_FALSE(holds("192.0.2.128/25", "192.0.2.127"));
  EXPECT_TRUE(holds("192.0.2.1", "192.0.2.1"));
  EXPECT_FALSE(holds("192.0.2.1", "192.0.2.2"));
  EXPECT_TRUE(holds("0.0.0.0/0", "192.0.2.1"));
  EXPECT_TRUE(holds("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(holds("2001:db8::/33", "2001:db8:8000::1"));
}

TEST(Network, FamiliesDoNotMix) {
  EXPECT_FALSE(holds("0.0.0.0/0", "::1"));
  EXPECT_FALSE(holds("::/0", "192.0.2.1"));
  EXPECT_TRUE(holds("::/0", "2001:db8::1"));
  EXPECT_TRUE(holds("::ffff:10.0.0.0/104", "10.1.2.3"));
}

TEST(Network, WhatIsNoNetworkIsRefused) {
  for (const char* text : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.1/8", "10.0.0.0/8/8", "10/8",
                           "2001:db8::/129", "2001:db8::1/64", "::/256", "example.com/8", "10.0.0.0/8 "})
    EXPECT_FALSE(parse_network(text)) << text;
}

TEST(NetworkSet, EmptyHoldsNothing) {
  EXPECT_TRUE(NetworkSet().empty());
  EXPECT_TRUE(NetworkSet(std::vector<Network>{}).empty());
  EXPECT_FALSE(NetworkSet().contains(parse_ip("::1").value()));
}

TEST(NetworkSet, OverlappingNetworksAreOne) {
  const auto set = set_of({"10.1.0.0/16", "10.0.0.0/8", "10.255.0.0/16", "192.0.2.1"});
  EXPECT_FALSE(set.empty());
  EXPECT_TRUE(set.contains(parse_ip("10.2.0.0").value()));
  EXPECT_TRUE(set.contains(parse_ip("192.0.2.1").value()));
  EXPECT_FALSE(set.contains(parse_ip("11.0.0.0").value()));
  EXPECT_FALSE(set.contains(parse_ip("9.255.255.255").value()));
}

TEST(NetworkSet, AllOfIpv6IsNotIpv4) {
  const auto set = set_of({"::/0"});
  EXPECT_TRUE(set.contains(parse_ip("::").value()));
  EXPECT_TRUE(set.contains(parse_ip("::fffe:ffff:ffff").value()));
  EXPECT_TRUE(set.contains(parse_ip("::1:0:0:0").value()));
  EXPECT_TRUE(set.contains(parse_ip("ffff::").value()));
  EXPECT_FALSE(set.contains(parse_ip("0.0.0.0").value()));
  EXPECT_FALSE(set.contains(parse_ip("255.255.255.255").value()));
  EXPECT_TRUE(set_of({"::/0", "10.0.0.0/8"}).contains(parse_ip("10.0.0.1").value()));
}

TEST(NetworkSet, AgreesWithItsNetworks) {
  std::minstd_rand random(7);
  const auto random_ip = [&] {
    // Few distinct octets, so that networks and addresses meet; both families.
    IpAddress ip;
    for (auto& octet : ip.bytes) octet = static_cast<std::uint8_t>((random() % 4) * 85);
    if (random() % 2 == 0) {
      ip.bytes = {};
      ip.bytes[10] = ip.bytes[11] = 0xFF;
      for (std::size_t i = 12; i < 16; ++i) ip.bytes[i] = static_cast<std::uint8_t>((random() % 4) * 85);
    }
    return ip;
  };
  for (int round = 0; round < 200; ++round) {
    std::vector<Network> networks;
    for (int i = 0; i < 6; ++i) {
      Network network{random_ip(), static_cast<std::uint8_t>(random() % 129)};
      if (network.base.is_v4()) network.bits = static_cast<std::uint8_t>(96 + network.bits % 33);
      networks.push_back(network);
    }
    const NetworkSet set(networks);
    for (int i = 0; i < 100; ++i) {
      const auto ip = random_ip();
      const bool expected = std::ranges::any_of(networks, [&](const Network& network) { return network.contains(ip); });
      ASSERT_EQ(set.contains(ip), expected) << to_string(ip);
    }
  }
}

}  // namespace
}  // namespace shellac
