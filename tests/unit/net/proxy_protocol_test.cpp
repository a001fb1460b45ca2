#include "shellac/net/proxy_protocol.hpp"

#include <gtest/gtest.h>

#include "net/crc32c.hpp"

namespace shellac::net {
namespace {

using namespace std::string_literals;
using State = ProxyHeader::State;

const std::string kSignature("\r\n\r\n\0\r\nQUIT\n", 12);

Endpoint at(std::string_view text) {
  const auto endpoint = parse_endpoint(text);
  EXPECT_TRUE(endpoint) << text;
  return endpoint.value_or(Endpoint{});
}

std::string be16(std::size_t value) { return {static_cast<char>(value >> 8), static_cast<char>(value)}; }

std::string v2(int version_command, int family, const std::string& rest) {
  return kSignature + static_cast<char>(version_command) + static_cast<char>(family) + be16(rest.size()) + rest;
}

std::string tlv(int type, const std::string& value) { return static_cast<char>(type) + be16(value.size()) + value; }

const std::string kInet = "\xc0\x00\x02\x01\xc0\x00\x02\x02"s + be16(56324) + be16(443);
const std::string kInet6 = "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\x01\x20\x01\x0d\xb8"s +
                           std::string(11, '\0') + "\x02"s + be16(1) + be16(65535);

// A whole IPv4 header whose checksum TLV stands between two others.
std::string with_checksum(std::uint32_t flip = 0) {
  const std::string before = kInet + tlv(0x04, "pad"), after = tlv(0x02, "example.com");
  const std::string zeroed = v2(0x21, 0x11, before + tlv(0x03, std::string(4, '\0')) + after);
  Crc32c crc;
  crc.add(zeroed);
  const std::uint32_t sum = crc.value() ^ flip;
  return v2(0x21, 0x11, before + tlv(0x03, be16(sum >> 16) + be16(sum & 0xffff)) + after);
}

std::string unix_field(const std::string& path) { return path + std::string(108 - path.size(), '\0'); }

TEST(Crc32c, MatchesThePublishedCheckValue) {
  Crc32c crc;
  crc.add("1234");
  crc.add("56789");
  EXPECT_EQ(crc.value(), 0xe3069283U);
}

struct Good {
  std::string header;
  std::string source, destination;  // "" = local
};

class GoodHeader : public testing::TestWithParam<Good> {};

TEST_P(GoodHeader, IsReadWhateverFollows) {
  for (const std::string& rest : {""s, "G"s, "GET / HTTP/1.1\r\n\r\n"s, std::string(300, 'x'), GetParam().header}) {
    const ProxyHeader header = parse_proxy_header(GetParam().header + rest);
    ASSERT_EQ(header.state, State::complete);
    EXPECT_EQ(header.size, GetParam().header.size());
    EXPECT_EQ(header.local, GetParam().source.empty());
    if (header.local) continue;
    EXPECT_EQ(to_string(header.source), GetParam().source);
    EXPECT_EQ(to_string(header.destination), GetParam().destination);
  }
}

TEST_P(GoodHeader, NeedsMoreUntilItsLastOctet) {
  for (std::size_t size = 0; size < GetParam().header.size(); ++size)
    ASSERT_EQ(parse_proxy_header(GetParam().header.substr(0, size)).state, State::need_more) << size;
}

INSTANTIATE_TEST_SUITE_P(
    Version1, GoodHeader,
    testing::Values(Good{"PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n", "192.0.2.1:56324", "192.0.2.2:443"},
                    Good{"PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n", "0.0.0.0:0", "255.255.255.255:65535"},
                    Good{"PROXY TCP6 2001:db8::1 2001:DB8::2 1 2\r\n", "[2001:db8::1]:1", "[2001:db8::2]:2"},
                    Good{"PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
                         "65535 65535\r\n",
                         "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
                         "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
                    Good{"PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n", "192.0.2.1:1", "[::1]:2"},
                    Good{"PROXY UNKNOWN\r\n", "", ""}, Good{"PROXY UNKNOWN what \t ever\n stands here\r\n", "", ""},
                    // 107 octets, the longest line that may be.
                    Good{"PROXY UNKNOWN " + std::string(91, 'f') + "\r\n", "", ""}));

INSTANTIATE_TEST_SUITE_P(
    Version2, GoodHeader,
    testing::Values(
        Good{v2(0x21, 0x11, kInet), "192.0.2.1:56324", "192.0.2.2:443"},
        Good{v2(0x21, 0x12, kInet), "192.0.2.1:56324", "192.0.2.2:443"},
        Good{v2(0x21, 0x21, kInet6), "[2001:db8::1]:1", "[2001:db8::2]:65535"},
        Good{v2(0x21, 0x11, kInet + tlv(0x01, "h2") + tlv(0x05, "")), "192.0.2.1:56324", "192.0.2.2:443"},
        Good{v2(0x21, 0x11, kInet + tlv(0x04, std::string(4096 - 12 - 3, 'n'))), "192.0.2.1:56324", "192.0.2.2:443"},
        Good{with_checksum(), "192.0.2.1:56324", "192.0.2.2:443"},
        Good{v2(0x21, 0x31, unix_field("/run/a") + unix_field("\0name"s)), "unix:/run/a", "unix:@name"},
        Good{v2(0x21, 0x31, unix_field(std::string(108, 'p')) + unix_field("")), "unix:" + std::string(108, 'p'), "-"},
        // LOCAL and unspecified: the block is dropped whatever is in it.
        Good{v2(0x20, 0x00, ""), "", ""}, Good{v2(0x20, 0x11, kInet), "", ""}, Good{v2(0x20, 0x21, "short"), "", ""},
        Good{v2(0x21, 0x00, ""), "", ""},
        Good{v2(0x21, 0x00,
                "\x03\x00\x04"
                "abcd"s),
             "", ""},
        Good{v2(0x21, 0x10, "x"), "", ""}, Good{v2(0x21, 0x01, "x"), "", ""}));

class BadHeader : public testing::TestWithParam<std::string> {};

TEST_P(BadHeader, IsMalformed) { EXPECT_EQ(parse_proxy_header(GetParam()).state, State::malformed); }

TEST_P(BadHeader, IsNeverTakenForWholeOnTheWay) {
  for (std::size_t size = 0; size < GetParam().size(); ++size) {
    const State state = parse_proxy_header(GetParam().substr(0, size)).state;
    ASSERT_TRUE(state == State::need_more || state == State::malformed) << size;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Version1, BadHeader,
    testing::Values("PROXY \r\n", "PROXY\x20TCP4\r\n", "PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n",
                    "PROXY tcp4 192.0.2.1 192.0.2.2 1 2\r\n", "PROXY UNKNOWNX\r\n",
                    "PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 1 \r\n",
                    "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n",
                    "PROXY  TCP4 192.0.2.1 192.0.2.2 1 2\r\n", "PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n",
                    "PROXY TCP4\t192.0.2.1 192.0.2.2 1 2\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n\r\n",
                    "PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n",
                    "PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n",
                    "PROXY TCP4 192.0.2.1 192.0.2.2 0x1 2\r\n", "PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n",
                    "PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n", "PROXY TCP4 192.0.2 192.0.2.2 1 2\r\n",
                    "PROXY TCP4 ::1 ::2 1 2\r\n", "PROXY TCP4 ::ffff:192.0.2.1 192.0.2.2 1 2\r\n",
                    "PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n", "PROXY TCP6 ::1 192.0.2.2 1 2\r\n",
                    "PROXY TCP6 ::1::2 ::2 1 2\r\n", "PROXY TCP6 [::1] ::2 1 2\r\n",
                    "PROXY TCP6 fe80::1%lo ::2 1 2\r\n", "PROXY TCP6 12345::1 ::2 1 2\r\n",
                    "PROXY UNKNOWN " + std::string(92, 'f') + "\r\n", "PROXY " + std::string(101, 'A'),
                    "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n" + std::string(80, 'x')));

INSTANTIATE_TEST_SUITE_P(
    Version2, BadHeader,
    testing::Values(v2(0x11, 0x11, kInet), v2(0x31, 0x11, kInet), v2(0x01, 0x11, kInet), v2(0x22, 0x11, kInet),
                    v2(0x2f, 0x11, kInet), v2(0x21, 0x41, kInet6), v2(0x21, 0x13, kInet), v2(0x20, 0xf1, ""),
                    // too short for the addresses, too long for us
                    v2(0x21, 0x11, ""), v2(0x21, 0x11, kInet.substr(1)), v2(0x21, 0x21, kInet6.substr(1)),
                    v2(0x21, 0x31, unix_field("/a") + std::string(107, 'x')),
                    v2(0x21, 0x11, kInet + tlv(0x04, std::string(4096 - 12 - 2, 'n'))),
                    kSignature + "\x20\x00\xff\xff"s,
                    // vectors that do not fill the block exactly
                    v2(0x21, 0x11, kInet + "\x01"), v2(0x21, 0x11, kInet + "\x01\x00"s),
                    v2(0x21, 0x11, kInet + "\x01\x00\x01"s),
                    v2(0x21, 0x11,
                       kInet + "\x01\xff\xff"
                               "abc"s),
                    // the checksum
                    with_checksum(1), with_checksum(0x80000000U), v2(0x21, 0x11, kInet + tlv(0x03, "abc")),
                    v2(0x21, 0x11, kInet + tlv(0x03, "abcde"))));

TEST(ProxyHeader, AnyFlippedBitSpoilsTheChecksum) {
  const std::string good = with_checksum();
  for (std::size_t i = 16; i < good.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ (1 << bit));
      // Where the flip turns the checksum's own type into another one, there is no checksum left to check.
      const bool is_type = i == 16 + kInet.size() + 6;
      const State state = parse_proxy_header(bad).state;
      ASSERT_TRUE(is_type || state == State::malformed) << i << " " << bit;
    }
}

TEST(ProxyHeader, OtherProtocolsAreToldAtOnce) {
  for (const std::string& bytes :
       {"GET / HTTP/1.1\r\n"s, "G"s, "proxy TCP4"s, "PROXYX"s, "PRO\r"s, "PROPFIND / HTTP/1.1"s, "\x16\x03\x01"s,
        "\r\nGET / HTTP/1.1"s, "\r\n\r\nG"s, "\r\n\r\n\0\r\nQUIT\r"s, "\0"s, " PROXY "s})
    EXPECT_EQ(parse_proxy_header(bytes).state, State::none) << bytes;
}

TEST(ProxyHeader, AWrongOctetInEitherSignatureIsNoHeader) {
  for (const std::string& signature : {"PROXY "s, kSignature})
    for (std::size_t i = 0; i < signature.size(); ++i) {
      std::string bytes = signature + std::string(200, 'x');
      bytes[i] = '#';
      EXPECT_EQ(parse_proxy_header(bytes).state, State::none) << i;
    }
}

struct Made {
  std::string source, destination;
  std::string v1;
};

TEST(MakeProxyHeader, IsReadBackAlike) {
  const Made table[] = {
      {"192.0.2.1:56324", "192.0.2.2:443", "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n"},
      {"[2001:db8::1]:1", "[2001:db8::2]:65535", "PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n"},
      {"192.0.2.1:1", "[2001:db8::2]:2", "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 1 2\r\n"},
      {"[2001:db8::2]:0", "192.0.2.1:1", "PROXY TCP6 2001:db8::2 ::ffff:192.0.2.1 0 1\r\n"},
  };
  for (const Made& row : table) {
    EXPECT_EQ(make_proxy_header(SendProxy::v1, at(row.source), at(row.destination)), row.v1);
    for (const SendProxy version : {SendProxy::v1, SendProxy::v2}) {
      const std::string made = make_proxy_header(version, at(row.source), at(row.destination));
      const ProxyHeader header = parse_proxy_header(made + "GET");
      ASSERT_EQ(header.state, State::complete) << made;
      EXPECT_EQ(header.size, made.size());
      EXPECT_FALSE(header.local);
      EXPECT_EQ(header.source, at(row.source));
      EXPECT_EQ(header.destination, at(row.destination));
    }
  }
}

TEST(MakeProxyHeader, Version2HasTheLayoutOfTheSpecification) {
  EXPECT_EQ(make_proxy_header(SendProxy::v2, at("192.0.2.1:56324"), at("192.0.2.2:443")), v2(0x21, 0x11, kInet));
  EXPECT_EQ(make_proxy_header(SendProxy::v2, at("[2001:db8::1]:1"), at("[2001:db8::2]:65535")), v2(0x21, 0x21, kInet6));
}

TEST(MakeProxyHeader, NamesNobodyWhenASideHasNoIpAddress) {
  for (const auto& [source, destination] :
       {std::pair{Endpoint{}, at("192.0.2.1:1")}, std::pair{at("192.0.2.1:1"), at("unix:/run/x")}}) {
    EXPECT_EQ(make_proxy_header(SendProxy::v1, source, destination), "PROXY UNKNOWN\r\n");
    EXPECT_EQ(make_proxy_header(SendProxy::v2, source, destination), v2(0x20, 0x00, ""));
  }
  EXPECT_EQ(make_proxy_header(SendProxy::off, at("192.0.2.1:1"), at("192.0.2.2:2")), "");
}

}  // namespace
}  // namespace shellac::net
