#include "shellac/core/address.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cstddef>

namespace shellac {
namespace {

using Kind = Endpoint::Kind;

Endpoint through_sockaddr(const Endpoint& endpoint) {
  sockaddr_storage storage;
  const socklen_t length = endpoint.to(storage);
  return Endpoint::from(reinterpret_cast<const sockaddr*>(&storage), length);
}

TEST(Address, IpsParseAndPrint) {
  for (const char* text : {"192.0.2.1", "0.0.0.0", "255.255.255.255", "2001:db8::1", "::", "::1"})
    EXPECT_EQ(to_string(parse_ip(text).value()), text);
  EXPECT_EQ(to_string(parse_ip("2001:DB8:0:0::1").value()), "2001:db8::1");
  EXPECT_EQ(to_string(parse_ip("::ffff:192.0.2.1").value()), "192.0.2.1");
  EXPECT_EQ(parse_ip("::ffff:192.0.2.1"), parse_ip("192.0.2.1"));
}

TEST(Address, FamiliesAreTold) {
  EXPECT_TRUE(parse_ip("0.0.0.0")->is_v4());
  EXPECT_FALSE(parse_ip("::")->is_v4());
  EXPECT_FALSE(parse_ip("::fffe:192.0.2.1")->is_v4());
}

TEST(Address, WhatIsNoIpIsRefused) {
  using namespace std::string_view_literals;
  for (const auto text :
       {""sv, "192.0.2"sv, "192.0.2.256"sv, "192.0.2.01"sv, "0x7f.1"sv, "[::1]"sv, "::1%lo"sv, "1::2::3"sv, " ::1"sv,
        "192.0.2.1\0"sv, "localhost"sv, "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0"sv})
    EXPECT_FALSE(parse_ip(text)) << text;
}

TEST(Address, EndpointsParseAndPrint) {
  for (const char* text : {"192.0.2.1:80", "[2001:db8::1]:8443", "[::]:0", "unix:/run/x.sock", "unix:@name", "-"})
    EXPECT_EQ(to_string(parse_endpoint(text).value()), text);
  EXPECT_EQ(parse_endpoint("-")->kind, Kind::none);
  EXPECT_EQ(parse_endpoint("unix:@name")->kind, Kind::unix_path);
}

TEST(Address, WhatIsNoEndpointIsRefused) {
  for (const std::string& text :
       {std::string(), std::string("192.0.2.1"), std::string("example.com:80"), std::string("::1:80"),
        std::string("192.0.2.1:65536"), std::string("192.0.2.1:"), std::string("unix:"), std::string("unix:@"),
        "unix:/" + std::string(107, 'x'), std::string("unix:/a\0b", 9)})
    EXPECT_FALSE(parse_endpoint(text)) << text;
  EXPECT_TRUE(parse_endpoint("unix:/" + std::string(106, 'x')));
}

TEST(Address, EndpointsSurviveTheSystemsForm) {
  for (const std::string& text : {std::string("192.0.2.1:80"), std::string("[2001:db8::1]:8443"), std::string("-"),
                                  std::string("unix:/run/x.sock"), std::string("unix:@name"),
                                  "unix:/" + std::string(106, 'x'), "unix:@" + std::string(106, 'x')})
    EXPECT_EQ(to_string(through_sockaddr(parse_endpoint(text).value())), text);
}

TEST(Address, FamiliesAreTheSystemsOwn) {
  sockaddr_storage storage;
  EXPECT_EQ(parse_endpoint("192.0.2.1:258")->to(storage), sizeof(sockaddr_in));
  EXPECT_EQ(storage.ss_family, AF_INET);
  EXPECT_EQ(reinterpret_cast<const sockaddr_in&>(storage).sin_port, htons(258));
  EXPECT_EQ(parse_endpoint("[::1]:80")->to(storage), sizeof(sockaddr_in6));
  EXPECT_EQ(storage.ss_family, AF_INET6);
  EXPECT_EQ(parse_endpoint("unix:@name")->to(storage), offsetof(sockaddr_un, sun_path) + 5);
  EXPECT_EQ(reinterpret_cast<const sockaddr_un&>(storage).sun_path[0], '\0');
}

TEST(Address, ForeignAndShortFormsAreNone) {
  sockaddr_storage storage{};
  storage.ss_family = AF_UNIX;
  const auto* address = reinterpret_cast<const sockaddr*>(&storage);
  EXPECT_EQ(Endpoint::from(address, sizeof(sa_family_t)).kind, Kind::none) << "an unnamed Unix peer";
  storage.ss_family = AF_INET6;
  EXPECT_EQ(Endpoint::from(address, sizeof(sockaddr_in)).kind, Kind::none);
  storage.ss_family = AF_PACKET;
  EXPECT_EQ(Endpoint::from(address, sizeof storage).kind, Kind::none);
  EXPECT_EQ(Endpoint::from(nullptr, 0).kind, Kind::none);
}

TEST(Address, ATooLongPathIsNotTruncated) {
  Endpoint endpoint;
  endpoint.kind = Kind::unix_path;
  endpoint.path = "/" + std::string(200, 'x');
  sockaddr_storage storage;
  testing::internal::CaptureStderr();
  EXPECT_EQ(endpoint.to(storage), sizeof(sa_family_t));
  testing::internal::GetCapturedStderr();
  EXPECT_EQ(storage.ss_family, AF_UNSPEC);
}

TEST(Address, HostPortsParse) {
  EXPECT_EQ(parse_host_port("example.com:80")->host, "example.com");
  EXPECT_EQ(parse_host_port("example.com:80")->port, 80);
  EXPECT_EQ(parse_host_port("[::1]:443")->host, "::1");
  EXPECT_EQ(parse_host_port("127.0.0.1:0")->port, 0);
  for (const char* text :
       {"", "example.com", "example.com:", ":80", "example.com:65536", "example.com:-1", "a:b:80", "::1:80", "[::1]",
        "[::1:80", "[example.com]:80", "[127.0.0.1]:80", "a b:80", "a/b:80", "user@host:80", "a\n:80", "[]:80", "[:80"})
    EXPECT_FALSE(parse_host_port(text)) << text;
}

}  // namespace
}  // namespace shellac
