#include "shellac/cache/reader.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <list>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "body_of.hpp"

namespace shellac::cache::test {
namespace {

using http::Pull;
using Append = Content::Append;
using Mode = Content::Mode;
using State = Pull::State;

constexpr Error kBroken{Side::backend, Cause::reset, false, {}, "testing"};

struct Readers : testing::Test {
  Pages pages{8_MiB};
  Bell writer;

  ContentRef make(std::optional<std::uint64_t> expected, Mode mode = Mode::stored) {
    return Content::make(pages, mode, expected);
  }
  // Appends in pieces of at most 50,000; what the first one that is refused said.
  Append append(const ContentRef& content, std::size_t count) {
    while (count != 0) {
      const std::size_t piece = std::min<std::size_t>(count, 50'000);
      const Append said = content->try_append(octets(content->size(), piece), writer);
      if (said != Append::done) return said;
      count -= piece;
    }
    return Append::done;
  }
  ContentRef complete(std::size_t length, bool known = true) {
    ContentRef content = make(known ? std::optional<std::uint64_t>(length) : std::nullopt);
    append(content, length);
    EXPECT_TRUE(content->finish());
    return content;
  }
};

// One who reads, with all that a test asks of it.
struct One {
  Bell bell;
  Reader reader;
  State state = State::pending;
  explicit One(const ContentRef& content, Reader::Span span = {}) : reader(content, span) {}
  std::string read(std::size_t max = 50'000) { return read_on(reader, bell, state, max); }
  // A single pull.
  std::string pull(std::size_t max) {
    const Pull pull = reader.try_next(max, bell);
    state = pull.state;
    std::string text;
    for (const std::string_view part : pull.data) text += part;
    return text;
  }
};

struct SpanCase {
  std::uint64_t first;
  std::optional<std::uint64_t> last;
  std::uint64_t count;  // of octets that come
};

TEST_F(Readers, RangesAreCutAtTheEnd) {
  constexpr std::uint64_t kLength = 200'000, kMax = ~std::uint64_t{0};
  const SpanCase cases[] = {
      {0, {}, kLength},
      {0, 0, 1},
      {0, kLength - 1, kLength},
      {0, kLength, kLength},
      {0, kMax, kLength},
      {1, 2, 2},
      {65'535, 65'536, 2},
      {65'536, 131'071, 65'536},
      {199'999, {}, 1},
      {199'999, kMax, 1},
      {kLength, {}, 0},
      {kLength, kMax, 0},
      {kMax, {}, 0},
      {kMax, kMax, 0},
      {5, 4, 0},
      {kLength - 10, kLength + 10, 10},
  };
  for (const bool known : {true, false}) {
    const ContentRef content = complete(kLength, known);
    for (const SpanCase& one : cases) {
      Reader reader(content, {one.first, one.last});
      EXPECT_EQ(reader.length(), one.count) << one.first;
      EXPECT_EQ(read_all(content, {one.first, one.last}), octets(one.first, one.count)) << one.first;
    }
  }
}

TEST_F(Readers, PullsAreBounded) {
  const ContentRef content = complete(1'000'000);
  One one(content);
  for (const std::size_t max : {1, 10, 65'536, 100'000}) EXPECT_EQ(one.pull(max).size(), max);
  const Pull pull = one.reader.try_next(1'000'000, one.bell);
  EXPECT_EQ(pull.data.size(), 8u);
  EXPECT_EQ(pull.state, State::more);
}

TEST_F(Readers, OctetsThatHaveNotArrivedArePending) {
  const ContentRef content = make(1000);
  One one(content);
  EXPECT_EQ(one.reader.length(), 1000u);
  EXPECT_EQ(one.read(), "");
  EXPECT_EQ(one.state, State::pending);
  append(content, 300);
  EXPECT_EQ(one.bell.rings, 1);
  append(content, 100);
  EXPECT_EQ(one.bell.rings, 1) << "a wake is for who waits";
  EXPECT_EQ(one.read(), octets(0, 400));
  EXPECT_EQ(one.state, State::pending);
  append(content, 600);
  EXPECT_EQ(one.read(), octets(400, 600));
  EXPECT_EQ(one.state, State::end) << "all octets are there; finish() adds nothing for a reader";
}

TEST_F(Readers, UnknownLengthEndsWithFinish) {
  const ContentRef content = make(std::nullopt);
  One one(content), part(content, {10, 19});
  append(content, 15);
  EXPECT_EQ(part.reader.length(), std::nullopt);
  EXPECT_EQ(part.read(), octets(10, 5));
  EXPECT_EQ(one.read(), octets(0, 15));
  EXPECT_EQ(one.state, State::pending);
  append(content, 15);
  EXPECT_EQ(part.reader.length(), 10u);
  EXPECT_EQ(part.read(), octets(15, 5));
  EXPECT_EQ(part.state, State::end);
  EXPECT_EQ(one.read(), octets(15, 15));
  const int rings = one.bell.rings;
  EXPECT_TRUE(content->finish());
  EXPECT_EQ(one.bell.rings, rings + 1);
  EXPECT_EQ(one.reader.length(), 30u);
  EXPECT_EQ(one.read(), "");
  EXPECT_EQ(one.state, State::end);
}

TEST_F(Readers, ARangeIsWokenWhenItArrives) {
  const ContentRef content = make(100'000);
  One one(content, {60'000, 60'009});
  EXPECT_EQ(one.reader.length(), 10u);
  one.read();
  append(content, 50'000);
  EXPECT_EQ(one.bell.rings, 0);
  append(content, 50'000);
  EXPECT_EQ(one.bell.rings, 1);
  EXPECT_EQ(one.read(), octets(60'000, 10));
  EXPECT_EQ(one.state, State::end);
}

TEST_F(Readers, WhoStoppedWaitingIsNotWoken) {
  const ContentRef content = make(100);
  One one(content);
  one.read();
  one.reader.stop_waiting();
  append(content, 100);
  EXPECT_EQ(one.bell.rings, 0);
}

TEST_F(Readers, AFailureReachesOnlyWhoWantsMore) {
  const ContentRef content = make(1000);
  One whole(content), part(content, {100, 499}), had(content, {0, 9});
  append(content, 500);
  had.read();
  whole.read();
  const int rings = whole.bell.rings;
  content->fail(kBroken);
  EXPECT_TRUE(content->has_failed());
  EXPECT_FALSE(content->finish());
  EXPECT_EQ(whole.bell.rings, rings + 1);
  const Pull failed = whole.reader.try_next(10, whole.bell);
  EXPECT_EQ(failed.state, State::failed);
  EXPECT_EQ(failed.error.cause, Cause::reset);
  EXPECT_EQ(part.read(), octets(100, 400));
  EXPECT_EQ(part.state, State::end);
  EXPECT_EQ(had.state, State::end);
  One late(content);
  EXPECT_EQ(late.read(), octets(0, 500));
  EXPECT_EQ(late.state, State::failed);
}

TEST_F(Readers, AShortBodyNeverLooksWhole) {
  for (const Mode mode : {Mode::stored, Mode::window}) {
    const ContentRef content = make(1000, mode);
    One one(content);
    append(content, 999);
    EXPECT_FALSE(content->finish());
    EXPECT_TRUE(content->has_failed());
    EXPECT_FALSE(content->is_complete());
    EXPECT_EQ(one.read(), octets(0, 999));
    EXPECT_EQ(one.state, State::failed);
  }
}

// The last extent has 16 KiB, of which 3,000 octets are used: they move to a block that fits.
TEST_F(Readers, ViewsOfTheGrowthOutliveTheTrim) {
  const ContentRef content = make(std::nullopt);
  for (int i = 0; i < 5; ++i) append(content, 3000);
  One one(content, {13'000, {}});
  const Pull pull = one.reader.try_next(500, one.bell);
  const Bytes before = content->footprint();
  ASSERT_TRUE(content->finish());
  EXPECT_GT(content->footprint(), before) << "the old block is still there";
  std::vector<void*> others;
  while (void* const block = pages.try_allocate(16'384)) std::memset(others.emplace_back(block), 'z', 16'384);
  EXPECT_EQ(pull.data[0], octets(13'000, 500));
  EXPECT_EQ(one.read(), octets(13'500, 1500));
  EXPECT_LT(content->footprint(), before);
  EXPECT_EQ(content->readers(), 0u) << "who has seen the end reads without the lock";
  for (void* const block : others) pages.release(block, 16'384);
}

// --- windows

TEST_F(Readers, AWindowHoldsTheWriterBack) {
  const ContentRef content = make(10'000'000, Mode::window);
  One one(content);
  while (append(content, 50'000) == Append::done) {
  }
  EXPECT_EQ(content->size(), 250'000u);
  EXPECT_EQ(one.pull(20'000), octets(0, 20'000));
  EXPECT_EQ(append(content, 50'000), Append::wait) << "the views of the last pull may still be looked at";
  EXPECT_EQ(writer.rings, 0);
  EXPECT_EQ(one.pull(30'000), octets(20'000, 30'000));
  EXPECT_EQ(append(content, 50'000), Append::wait);
  EXPECT_EQ(writer.rings, 0) << "20,000 are free, and 50,000 are wanted";
  EXPECT_EQ(one.pull(1), octets(50'000, 1));
  EXPECT_EQ(writer.rings, 1);
  EXPECT_EQ(append(content, 50'000), Append::done);
}

TEST_F(Readers, AWindowMovesWithItsSlowest) {
  const ContentRef content = make(std::nullopt, Mode::window);
  One quick(content), slow(content);
  append(content, 250'000);
  quick.read();
  quick.read();
  EXPECT_EQ(append(content, 50'000), Append::wait);
  EXPECT_EQ(slow.read(), octets(0, 250'000));
  EXPECT_EQ(slow.read(), "");
  EXPECT_EQ(writer.rings, 1);
  EXPECT_EQ(append(content, 50'000), Append::done);
  {
    const One leaves(content);
    EXPECT_FALSE(leaves.reader.has_opened()) << "it has slid";
  }
  EXPECT_EQ(quick.read(), octets(250'000, 50'000));
  EXPECT_LE(content->footprint().count, 128u * 1024);
}

// Under ASan a view of memory that was given up is an error by itself.
TEST_F(Readers, ViewsOfAWindowStayUntilTheNextPull) {
  const ContentRef content = make(10'000'000, Mode::window);
  One one(content), other(content);
  append(content, 250'000);
  const Pull pull = one.reader.try_next(65'536, one.bell);
  other.read();
  other.read();
  const Bytes before = pages.used();
  EXPECT_EQ(append(content, 50'000), Append::wait);
  EXPECT_EQ(pages.used(), before) << "all of it is still there";
  std::string text;
  for (const std::string_view part : pull.data) text += part;
  EXPECT_EQ(text, octets(0, 65'536));
  one.pull(1);
  EXPECT_LT(pages.used(), before);
}

TEST_F(Readers, SkippedOctetsAreNotKept) {
  const ContentRef content = make(10'000'000, Mode::window);
  One one(content, {5'000'000, 5'000'009});
  ASSERT_EQ(append(content, 5'000'000), Append::done);
  EXPECT_LE(content->footprint().count, 130u * 1024);
  EXPECT_EQ(one.bell.rings, 0);
  append(content, 50'000);
  EXPECT_EQ(one.read(), octets(5'000'000, 10));
  EXPECT_EQ(one.state, State::end);
}

TEST_F(Readers, TheLastOneToLeaveAWindowTells) {
  Bell watcher;
  const ContentRef content = make(std::nullopt, Mode::window);
  content->watch(&watcher);
  EXPECT_EQ(append(content, 250'000), Append::done) << "nobody has come yet";
  EXPECT_EQ(append(content, 50'000), Append::wait);
  {
    One first(content);
    {
      One second(content);
    }
    EXPECT_EQ(writer.rings, 0);
    EXPECT_FALSE(content->is_unread());
  }
  EXPECT_EQ(writer.rings, 1);
  EXPECT_EQ(watcher.rings, 1);
  EXPECT_TRUE(content->is_unread());
  EXPECT_EQ(append(content, 1), Append::unread);
  EXPECT_LE(content->footprint().count, 66u * 1024) << "only the extent that is being filled";
}

TEST_F(Readers, AStoredBodyBecomesAWindow) {
  const ContentRef content = make(std::nullopt);
  auto slow = std::make_unique<One>(content);
  One quick(content);
  append(content, 1'000'000);
  EXPECT_EQ(quick.read(), octets(0, 1'000'000));
  EXPECT_EQ(slow->pull(10), octets(0, 10));
  content->become_window();
  EXPECT_EQ(append(content, 1000), Append::wait) << "the slow one has a megabyte before it";
  EXPECT_TRUE(One(content).reader.has_opened()) << "everything is still there";
  slow.reset();
  EXPECT_EQ(writer.rings, 1);
  EXPECT_LE(content->footprint().count, 200u * 1024) << "what the quick one pulled last, and its neighbours";
  EXPECT_FALSE(One(content).reader.has_opened());
  EXPECT_EQ(append(content, 1000), Append::done);
  EXPECT_TRUE(content->finish());
  EXPECT_EQ(quick.read(), octets(1'000'000, 1000));
  EXPECT_EQ(quick.state, State::end);
}

TEST_F(Readers, ABodyThatBecomesAWindowGivesUpWhatWasReadAtOnce) {
  const ContentRef content = make(std::nullopt);
  One one(content);
  append(content, 1'000'000);
  one.read();
  one.read();
  EXPECT_GT(content->footprint().count, 1'000'000u);
  content->become_window();
  EXPECT_LE(content->footprint().count, 66u * 1024);
  EXPECT_EQ(append(content, 250'000), Append::done);
  EXPECT_EQ(one.read(), octets(1'000'000, 250'000));
}

TEST_F(Readers, AWindowWithoutMemoryWaitsForItsReaders) {
  const ContentRef content = make(10'000'000, Mode::window);
  One one(content);
  ASSERT_EQ(append(content, 100'000), Append::done);
  std::vector<void*> others;
  while (void* const block = pages.try_allocate(4096)) others.push_back(block);
  EXPECT_EQ(append(content, 50'000), Append::wait) << "not no_memory: it makes room by being read";
  one.read();
  one.read();
  EXPECT_GE(writer.rings, 1);
  EXPECT_EQ(append(content, 50'000), Append::done);
  for (void* const block : others) pages.release(block, 4096);
}

// --- against a model: one writer, any readers, any order of events

class Model {
 public:
  Model(unsigned seed, std::optional<std::uint64_t> expected, Mode mode)
      : random_(seed), content_(Content::make(pages_, mode, expected)) {
    total_ = expected.value_or(below(1'500'000));
  }

  void run() {
    for (int step = 0; step < 4000 && !is_over(); ++step) {
      switch (below(8)) {
        case 0:
          open();
          break;
        case 1:
          leave();
          break;
        case 2:
        case 3:
          write();
          break;
        case 4:
          if (below(300) == 0) content_->become_window();
          break;
        default:
          read();
      }
    }
    for (Follower& one : followers_) read(one, 1'000'000);
    followers_.clear();
    content_ = {};
    EXPECT_EQ(pages_.used().count, 0u);
  }

 private:
  struct Follower {
    One one;
    std::uint64_t at;
    std::uint64_t stop;
    std::vector<std::pair<std::uint64_t, std::string_view>> held;  // the last pull, and where its parts begin
    Follower(const ContentRef& content, Reader::Span span)
        : one(content, span), at(span.first), stop(span.last ? *span.last + 1 : ~std::uint64_t{0}) {}
  };

  std::uint64_t below(std::uint64_t bound) {
    return std::uniform_int_distribution<std::uint64_t>(0, bound - 1)(random_);
  }
  std::list<Follower>::iterator any() {
    return std::next(followers_.begin(), static_cast<std::ptrdiff_t>(below(followers_.size())));
  }
  bool is_over() const { return written_ == total_ && followers_.empty(); }

  void open() {
    if (followers_.size() > 5) return;
    Reader::Span span;
    if (below(3) == 0) span.first = below(total_ + 1000);
    if (below(3) == 0) span.last = span.first + below(total_ + 1000);
    followers_.emplace_back(content_, span);
    if (!followers_.back().one.reader.has_opened()) {
      EXPECT_TRUE(content_->is_window());
      followers_.pop_back();
    }
  }
  void leave() {
    if (followers_.empty() || below(4) != 0) return;
    followers_.erase(any());
  }
  void write() {
    if (written_ == total_) {
      if (below(10) == 0 && !content_->has_failed()) {
        EXPECT_TRUE(content_->finish());
      }
      return;
    }
    if (below(2000) == 0) content_->fail(kBroken);
    if (content_->has_failed()) return;
    const std::size_t count = std::min<std::uint64_t>(1 + below(below(4) == 0 ? 65'536 : 5000), total_ - written_);
    const Append said = content_->try_append(octets(written_, count), writer_);
    if (said == Append::done) written_ += count;
    EXPECT_NE(said, Append::no_memory);
    EXPECT_EQ(content_->size(), written_);
  }
  void read() {
    if (!followers_.empty()) read(*any(), 1 + below(200'000));
  }
  void read(Follower& one, std::size_t max) {
    if (one.one.state == State::end || one.one.state == State::failed) return;
    for (const auto& [at, part] : one.held)
      ASSERT_EQ(part, octets(at, part.size())) << "a view lasts until the next pull";
    one.held.clear();
    const Pull pull = one.one.reader.try_next(max, one.one.bell);
    one.one.state = pull.state;
    ASSERT_LE(pull.size(), max);
    for (const std::string_view part : pull.data) {
      ASSERT_EQ(part, octets(one.at, part.size()));
      one.held.emplace_back(one.at, part);
      one.at += part.size();
    }
    const std::uint64_t there = std::min(one.stop, written_);
    ASSERT_LE(one.at, std::max(there, one.at));
    const bool knows_end = content_->expected().has_value() && one.at >= *content_->expected();
    switch (pull.state) {
      case State::end:
        ASSERT_TRUE(one.at >= one.stop || knows_end);
        break;
      case State::failed:
        ASSERT_TRUE(content_->has_failed() && one.at >= there);
        break;
      case State::pending:
        ASSERT_GE(one.at, there);
        break;
      case State::more:
        ASSERT_FALSE(pull.data.empty());
        break;
    }
  }

  Pages pages_{8_MiB};
  std::mt19937_64 random_;
  ContentRef content_;
  Bell writer_;
  std::uint64_t total_ = 0;
  std::uint64_t written_ = 0;
  std::list<Follower> followers_;
};

struct AgainstAModel : testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Seeds, AgainstAModel, testing::Range(1u, 31u));

TEST_P(AgainstAModel, EveryOctetIsWhereItBelongs) {
  const unsigned seed = GetParam();
  const std::uint64_t length = std::uint64_t{seed} * seed * seed * 31 % 1'200'000;
  Model(seed, seed % 3 == 0 ? std::nullopt : std::optional(length), seed % 4 == 0 ? Mode::window : Mode::stored).run();
}

}  // namespace
}  // namespace shellac::cache::test
