#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "route/fixture.hpp"

namespace shellac::route {
namespace {

bool allowed(const std::vector<std::string>& allow, const std::vector<std::string>& deny, const std::string& client) {
  RouteOptions options = route("a");
  for (const auto& text : allow) options.allow.push_back(network(text));
  for (const auto& text : deny) options.deny.push_back(network(text));
  const Route compiled(options);
  return is_allowed(compiled, !client.empty(), client.empty() ? IpAddress{} : parse_ip(client).value());
}

TEST(IsAllowed, DenyWinsOverAllow) {
  EXPECT_TRUE(allowed({}, {}, "192.0.2.1"));
  EXPECT_TRUE(allowed({"10.0.0.0/8"}, {}, "10.1.2.3"));
  EXPECT_FALSE(allowed({"10.0.0.0/8"}, {}, "192.0.2.1"));
  EXPECT_FALSE(allowed({}, {"10.0.0.0/8"}, "10.1.2.3"));
  EXPECT_TRUE(allowed({}, {"10.0.0.0/8"}, "192.0.2.1"));
  EXPECT_FALSE(allowed({"10.0.0.0/8"}, {"10.1.0.0/16"}, "10.1.2.3"));
  EXPECT_TRUE(allowed({"10.0.0.0/8"}, {"10.1.0.0/16"}, "10.2.2.3"));
  EXPECT_FALSE(allowed({"10.1.0.0/16"}, {"10.0.0.0/8"}, "10.1.2.3"));
  EXPECT_TRUE(allowed({"2001:db8::/32"}, {}, "2001:db8::7"));
  EXPECT_FALSE(allowed({"2001:db8::/32"}, {}, "2001:db9::7"));
}

TEST(IsAllowed, NoAddressOnlyWhereNoneIsAsked) {
  EXPECT_TRUE(allowed({}, {}, ""));
  EXPECT_FALSE(allowed({"0.0.0.0/0"}, {}, ""));
  EXPECT_FALSE(allowed({}, {"10.0.0.0/8"}, ""));
}

class ErrorPages : public testing::Test {
 public:
  ErrorPages() { std::filesystem::create_directories(directory_); }
  ~ErrorPages() override { std::filesystem::remove_all(directory_); }

 protected:
  std::string write(const std::string& name, const std::string& content) {
    const auto file = directory_ / name;
    std::ofstream(file, std::ios::binary) << content;
    return file.string();
  }
  std::filesystem::path directory_ =
      std::filesystem::path(testing::TempDir()) / ("shellac_error_pages_" + std::to_string(::getpid()));
};

TEST_F(ErrorPages, AreReadWhenTheTableIsMade) {
  RouteOptions options = route("a");
  const std::string content = std::string("<h1>503</h1>\n\0tail", 18);
  options.errors = {{503, write("503.html", content)}, {404, write("404.TXT", "")}};
  const Table table({options});
  std::filesystem::remove_all(directory_);
  const Route& compiled = *table.routes()[0];
  EXPECT_EQ(compiled.error_pages.at(503), content);
  EXPECT_EQ(compiled.error_types.at(503), "text/html; charset=utf-8");
  EXPECT_EQ(compiled.error_pages.at(404), "");
  EXPECT_EQ(compiled.error_types.at(404), "text/plain; charset=utf-8");
}

TEST_F(ErrorPages, WhatCannotBeReadIsNamed) {
  for (const std::string& file : {(directory_ / "missing.html").string(), directory_.string()}) {
    RouteOptions options = route("a");
    options.errors = {{503, file}};
    try {
      const Table table({options});
      ADD_FAILURE() << file;
    } catch (const std::runtime_error& error) {
      EXPECT_NE(std::string(error.what()).find(file), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace shellac::route
