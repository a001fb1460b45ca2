#include "shellac/wire/input.hpp"

#include "shellac/core/limits.hpp"
#include "wire/fixture.hpp"

namespace shellac::wire {
namespace {

class InputTest : public WireTest {
 protected:
  // Reads until it would block; what that gave.
  Status read_head(std::size_t head_max = 32 * 1024) {
    for (;;) {
      const net::IoResult result = input_.read_head(head_max);
      if (result.status != Status::done) return result.status;
    }
  }
  Input input_{*stream_, limits::kHeadBuffer};
};

TEST_F(InputTest, HoldsNothingBeforeSomethingIsRead) {
  EXPECT_TRUE(input_.empty());
  EXPECT_EQ(input_.available(), "");
  EXPECT_EQ(buffers(), 0u);
}

TEST_F(InputTest, AHeadComesInPieces) {
  arrive("GET / HT");
  EXPECT_EQ(read_head(), Status::want_read);
  EXPECT_EQ(input_.available(), "GET / HT");
  arrive("TP/1.1\r\n");
  EXPECT_EQ(read_head(), Status::want_read);
  EXPECT_EQ(input_.available(), "GET / HTTP/1.1\r\n");
  input_.consume(4);
  EXPECT_EQ(input_.available(), "/ HTTP/1.1\r\n");
}

TEST_F(InputTest, ALargeHeadGrowsAndMoves) {
  const std::string head(20'000, 'h');
  arrive(head);
  EXPECT_EQ(read_head(), Status::want_read);
  EXPECT_EQ(input_.available(), head);
}

TEST_F(InputTest, AHeadDoesNotGrowForEver) {
  arrive(std::string(60'000, 'h'));
  while (true) {
    const net::IoResult result = input_.read_head(1024);
    if (result.status == Status::done) continue;
    EXPECT_EQ(result.status, Status::failed);
    break;
  }
  EXPECT_TRUE(input_.out_of_buffers());
  EXPECT_LE(buffers(), 64u * 1024);
}

TEST_F(InputTest, TheEndAndWhatCameBefore) {
  arrive("last words");
  peer_->finish();
  driver_.turn();
  EXPECT_EQ(read_head(), Status::end);
  EXPECT_EQ(input_.available(), "last words");
}

TEST_F(InputTest, WithoutABufferItSaysSo) {
  driver_.budget().set_max({0});
  arrive("x");
  EXPECT_EQ(input_.read_head(1024).status, Status::failed);
  EXPECT_TRUE(input_.out_of_buffers());
  EXPECT_EQ(input_.read_body().status, Status::failed);
}

TEST_F(InputTest, TheHeadStaysWhereItIsWhileItsBodyIsRead) {
  arrive("head");
  read_head();
  const std::string_view head = input_.available();
  input_.consume(4);
  arrive("body");
  EXPECT_EQ(input_.read_body().status, Status::done);
  EXPECT_EQ(input_.available(), "body");
  EXPECT_EQ(head, "head");
  EXPECT_EQ(buffers(), limits::kHeadBuffer + limits::kBodyBuffer);
}

TEST_F(InputTest, TheEndOfAnExchangeGivesEverythingBack) {
  arrive("head");
  read_head();
  input_.consume(4);
  arrive("body");
  (void)input_.read_body();
  input_.consume(4);
  input_.end_exchange();
  EXPECT_TRUE(input_.empty());
  EXPECT_EQ(buffers(), 0u);
}

TEST_F(InputTest, WhatIsLeftBehindAHeadBeginsTheNextOne) {
  arrive("first second");
  read_head();
  input_.consume(6);
  input_.end_exchange();
  EXPECT_EQ(input_.available(), "second");
  arrive(" is longer");
  read_head();
  EXPECT_EQ(input_.available(), "second is longer");
}

TEST_F(InputTest, WhatIsLeftBehindABodyBeginsTheNextHead) {
  arrive("head");
  read_head();
  input_.consume(4);
  arrive("bodynext");
  (void)input_.read_body();
  input_.consume(4);
  input_.end_exchange();
  EXPECT_EQ(input_.available(), "next");
  arrive(" head");
  read_head();
  EXPECT_EQ(input_.available(), "next head");
  input_.consume(9);
  input_.end_exchange();
  EXPECT_EQ(buffers(), 0u);
}

// Pipelined requests to the buffer's last octet: the head under way moves to the front when there is no room behind it.
TEST_F(InputTest, AHeadAtTheEndOfItsBuffer) {
  const std::string first(limits::kHeadBuffer - 10, 'a');
  arrive(first + "0123456789");
  EXPECT_EQ(input_.read_head(32 * 1024).bytes, limits::kHeadBuffer);
  input_.consume(first.size());
  input_.end_exchange();
  EXPECT_EQ(input_.available(), "0123456789");
  arrive("and more");
  read_head();
  EXPECT_EQ(input_.available(), "0123456789and more");
  EXPECT_EQ(buffers(), limits::kHeadBuffer) << "moved, not grown";
}

TEST_F(InputTest, TheBuffersOutliveTheInputWithWhoeverLooksIntoThem) {
  arrive("head");
  read_head();
  const std::string_view head = input_.available();
  input_.consume(4);
  Buffer kept_head, kept_body;
  input_.end_exchange_keeping(kept_head, kept_body);
  EXPECT_TRUE(input_.empty());
  EXPECT_EQ(head, "head");
  EXPECT_EQ(buffers(), limits::kHeadBuffer);
  kept_head.reset();
  EXPECT_EQ(buffers(), 0u);
}

}  // namespace
}  // namespace shellac::wire
