#include "shellac/balance/server.hpp"

#include <gtest/gtest.h>

namespace shellac::balance {
namespace {

WallTime at(int seconds) { return WallTime{} + std::chrono::seconds(seconds); }

TEST(ServerState, WordsAndBack) {
  for (const ServerState state : {ServerState::ready, ServerState::drain, ServerState::down})
    EXPECT_EQ(parse_server_state(to_string(state)), state);
  for (const char* text : {"", "up", "Ready", "ready ", "maint"}) EXPECT_FALSE(parse_server_state(text)) << text;
}

TEST(Server, RemembersSinceWhenItIsSo) {
  Server server({"web", "a", "127.0.0.1:1"}, at(1));
  EXPECT_EQ(server.state(), ServerState::ready);
  EXPECT_EQ(server.since(), at(1));
  server.set_state(ServerState::drain, at(5));
  EXPECT_EQ(server.state(), ServerState::drain);
  EXPECT_EQ(server.since(), at(5));
  server.set_state(ServerState::drain, at(9));
  EXPECT_EQ(server.since(), at(5)) << "it was so before";
}

TEST(ServerDirectory, FindsByPoolNameAndAddress) {
  ServerDirectory directory;
  const auto server = directory.get_or_create({"web", "a", "127.0.0.1:1"}, at(1));
  server->set_state(ServerState::down, at(2));
  EXPECT_EQ(directory.get_or_create({"web", "a", "127.0.0.1:1"}, at(3)), server);
  for (const Server::Identity& other :
       {Server::Identity{"img", "a", "127.0.0.1:1"}, {"web", "b", "127.0.0.1:1"}, {"web", "a", "127.0.0.1:2"}}) {
    const auto found = directory.get_or_create(other, at(3));
    EXPECT_NE(found, server);
    EXPECT_EQ(found->state(), ServerState::ready);
    EXPECT_EQ(found->since(), at(3));
  }
}

TEST(ServerDirectory, ForgetsWhomNobodyHolds) {
  ServerDirectory directory;
  auto kept = directory.get_or_create({"web", "a", "x"}, at(1));
  auto gone = directory.get_or_create({"web", "b", "y"}, at(1));
  kept->set_state(ServerState::drain, at(2));
  gone->set_state(ServerState::drain, at(2));
  gone.reset();
  directory.sweep();
  EXPECT_EQ(directory.get_or_create({"web", "a", "x"}, at(3))->state(), ServerState::drain);
  EXPECT_EQ(directory.get_or_create({"web", "b", "y"}, at(3))->state(), ServerState::ready);
}

}  // namespace
}  // namespace shellac::balance
