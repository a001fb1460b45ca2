#include "http/client_chain.hpp"

#include <gtest/gtest.h>

#include <string>

namespace shellac::http {
namespace {

std::string hop(std::string_view text) {
  const auto ip = parse_hop(text);
  return ip ? to_string(*ip) : "-";
}

TEST(ClientChain, Hops) {
  EXPECT_EQ(hop("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(hop(" 192.0.2.1\t"), "192.0.2.1");
  EXPECT_EQ(hop("192.0.2.1:80"), "192.0.2.1");
  EXPECT_EQ(hop("\"192.0.2.1:80\""), "192.0.2.1");
  EXPECT_EQ(hop("2001:db8::1"), "2001:db8::1");
  EXPECT_EQ(hop("\"[2001:db8::1]\""), "2001:db8::1");
  EXPECT_EQ(hop("[2001:db8::1]:65535"), "2001:db8::1");
  EXPECT_EQ(hop("::ffff:192.0.2.1"), "192.0.2.1");
  for (const std::string_view bad : {"",
                                     "\"",
                                     "\"\"",
                                     "unknown",
                                     "_hidden",
                                     "a.example",
                                     "192.0.2",
                                     "192.0.2.256",
                                     "192.0.2.1:",
                                     "192.0.2.1:x",
                                     "192.0.2.1:65536",
                                     "192.0.2.1:80:80",
                                     "[2001:db8::1",
                                     "[2001:db8::1]x",
                                     "[2001:db8::1]:",
                                     "[2001:db8::1]:x",
                                     "[]",
                                     "2001:db8::1]",
                                     "192.0.2.1 192.0.2.2",
                                     "192.0.2.1/8",
                                     "0x7f.1",
                                     "127.1",
                                     "'192.0.2.1'",
                                     "fe80::1%eth0"})
    EXPECT_EQ(hop(bad), "-") << bad;
}

TEST(ClientChain, NearestFirst) {
  Fields fields;
  fields.add("X-Forwarded-For", "a, b");
  fields.add("x-forwarded-for", ",, c ,");
  const ClientChain chain = read_client_chain(fields);
  ASSERT_EQ(chain.size, 3u);
  EXPECT_EQ(chain.hop(0), "c");
  EXPECT_EQ(chain.hop(1), "b");
  EXPECT_EQ(chain.hop(2), "a");
}

TEST(ClientChain, HoldsTheNearest) {
  std::string list;
  for (int i = 0; i < 100; ++i) list += std::to_string(i) + ",";
  Fields fields;
  fields.add("X-Forwarded-For", list);
  const ClientChain chain = read_client_chain(fields);
  EXPECT_EQ(chain.added, 100u);
  ASSERT_EQ(chain.size, ClientChain::kMax);
  for (std::size_t i = 0; i < chain.size; ++i) EXPECT_EQ(chain.hop(i), std::to_string(99 - i));
}

// An empty X-Forwarded-For tells nothing, so Forwarded is asked.
TEST(ClientChain, ForwardedIsSecond) {
  Fields fields;
  fields.add("X-Forwarded-For", " , ");
  fields.add("Forwarded", "for=a;by=b, By=c, for=\"d;e\"");
  const ClientChain chain = read_client_chain(fields);
  ASSERT_EQ(chain.size, 3u);
  EXPECT_EQ(chain.hop(1), "");  // a hop without a name
  EXPECT_EQ(chain.hop(2), "a");
}

TEST(ClientChain, Schemes) {
  const auto scheme = [](std::string_view name, std::string_view value) {
    Fields fields;
    fields.add(name, value);
    return forwarded_scheme(fields);
  };
  EXPECT_EQ(scheme("X-Forwarded-Proto", "https"), "https");
  EXPECT_EQ(scheme("X-Forwarded-Proto", "HTTP"), "http");
  EXPECT_EQ(scheme("X-Forwarded-Proto", "https,http"), "http");  // the nearest
  EXPECT_EQ(scheme("X-Forwarded-Proto", ""), "");
  EXPECT_EQ(scheme("X-Forwarded-Proto", "wss"), "");
  EXPECT_EQ(scheme("Forwarded", "proto=http, for=x;Proto=\"HTTPS\""), "https");
  EXPECT_EQ(scheme("Forwarded", "proto=http, for=x"), "");
  EXPECT_EQ(scheme("Forwarded", "proto=http;proto=https"), "");
  EXPECT_EQ(scheme("X", "https"), "");
}

}  // namespace
}  // namespace shellac::http
