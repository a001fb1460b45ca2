// Our cookie beside the application's own.
#include "proxy/fetching.hpp"

namespace shellac::proxy {
namespace {

class Sticky : public Fetching {
 protected:
  void SetUp() override {
    pools_.clear();
    pool("web").pool().sticky.emplace(balance::StickyOptions{}, "web", std::vector<std::string>{"b1"},
                                      "0123456789abcdef");
    configure();
  }
  // All Set-Cookie values, with commas between, of an answer to which the server gave this one, or none.
  std::string cookies(const std::string& of_server) {
    const std::string line = of_server.empty() ? "" : "Set-Cookie: " + of_server + "\r\n";
    MuxStream& stream = client_.get("/");
    exchange(stream, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n" + line + "\r\n");
    return stream.field("Set-Cookie");
  }
};

TEST_F(Sticky, OursComesBesideOthers) {
  EXPECT_TRUE(cookies("").starts_with("SHELLAC="));
  EXPECT_TRUE(cookies("theme=dark").starts_with("theme=dark, SHELLAC="));
}

TEST_F(Sticky, TheApplicationsOwnOfThatNameWins) { EXPECT_EQ(cookies("SHELLAC=mine; Path=/"), "SHELLAC=mine; Path=/"); }

}  // namespace
}  // namespace shellac::proxy
