// One pool whose servers the test plays, and requests that are fetched from them.
#pragma once

#include "proxy/fixture.hpp"

namespace shellac::proxy {

inline constexpr const char* kEmpty = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

class Fetching : public ProxyTest {
 protected:
  void SetUp() override { configure_with(1); }
  void configure_with(std::size_t servers) {
    pools_.clear();
    pool("web", servers).options().timeouts.first_byte = std::chrono::seconds(30);
    configure({{"small", "web", {}, 10_B}, {"rest"}});
  }
  // One request that is answered with `answer` on a new connection.
  MuxStream& exchange(MuxStream& stream, std::string_view answer) {
    test::Peer server = pool("web").accept();
    request_ = server.read_head();
    server.send(answer);
    server.finish();
    EXPECT_TRUE(over(stream));
    return stream;
  }
  // Leaves one connection in the pool, and gives the server's end of it.
  test::Peer leave_idle() {
    MuxStream& first = client_.get("/first");
    test::Peer server = pool("web").accept();
    server.read_head();
    server.send(kEmpty);
    EXPECT_TRUE(over(first));
    EXPECT_EQ(pool("web").backend().server->idle.load(), 1u);
    return server;
  }
  // The same on that server of several.
  test::Peer keep_one(std::size_t number) {
    const auto set_others = [&](balance::ServerState state) {
      for (std::size_t i = 1; i <= pool("web").pool().servers.size(); ++i)
        if (i != number) pool("web").backend(i).server->set_state(state, {});
    };
    set_others(balance::ServerState::drain);
    MuxStream& first = client_.get("/first");
    test::Peer server = pool("web").accept(number);
    server.read_head();
    server.send(kEmpty);
    EXPECT_TRUE(over(first));
    set_others(balance::ServerState::ready);
    return server;
  }
  std::string request_;
};

}  // namespace shellac::proxy
