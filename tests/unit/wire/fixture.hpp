// One stream under test and the peer at its other end.
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "shellac/net/stream.hpp"
#include "shellac/wire/input.hpp"
#include "support/driven_loop.hpp"
#include "support/peer.hpp"

namespace shellac::wire {

using Status = net::IoResult::Status;

class WireTest : public ::testing::Test {
 protected:
  WireTest() {
    auto [ours, theirs] = test::make_socket_pair();
    stream_ = std::make_unique<net::PlainStream>(driver_.loop(), std::move(ours));
    peer_ = std::make_unique<test::Peer>(driver_, std::move(theirs));
  }
  // Sends and lets the loop notice.
  void arrive(std::string_view text) {
    ASSERT_TRUE(peer_->send(text));
    driver_.turn();
  }
  std::uint64_t buffers() { return driver_.budget().used().count; }

  test::DrivenLoop driver_;
  std::unique_ptr<net::PlainStream> stream_;
  std::unique_ptr<test::Peer> peer_;
};

}  // namespace shellac::wire
