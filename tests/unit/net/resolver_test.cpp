#include "shellac/net/resolver.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

#include "net/bug_count.hpp"
#include "net/loop_thread.hpp"

namespace shellac::net {
namespace {

LookupAnswer found(std::initializer_list<std::string_view> addresses) {
  LookupAnswer answer;
  for (const std::string_view text : addresses) answer.addresses.push_back(parse_ip(text).value());
  return answer;
}

LookupAnswer failed(std::string problem) { return {{}, std::move(problem)}; }

std::string join(const std::vector<Endpoint>& endpoints) {
  std::string text;
  for (const Endpoint& endpoint : endpoints) text += (text.empty() ? "" : " ") + to_string(endpoint);
  return text;
}

// answers(…) scripts the name server, the last answer for ever; watch(…) begins; told() is what the handler got.
class ResolverTest : public testing::Test {
 protected:
  void answers(std::vector<LookupAnswer> script) {
    script_ = std::move(script);
    resolver_.set_lookup(scripted());
  }
  Lookup scripted() {
    return [this](const std::string& host) {
      const std::size_t n = asked_.size();
      asked_.put(host);
      return script_[std::min(n, script_.size() - 1)];
    };
  }
  void watch(const std::string& address) {
    loop_.call(
        [&] { watch_ = resolver_.watch(address, [this](const auto& endpoints) { told_.put(join(endpoints)); }); });
  }
  void drop() {
    loop_.call([&] { watch_.reset(); });
  }
  // The handler was called for what the first `count` lookups said, if at all.
  void wait_for_lookups(std::size_t count) {
    // The next lookup begins only after an answer was told.
    ASSERT_TRUE(asked_.wait_for(count + 1));
  }
  std::vector<std::string> told() { return told_.take(); }
  void TearDown() override { drop(); }

  using Texts = std::vector<std::string>;
  // Before loop and pool: a lookup may still run when the test is over.
  Inbox<std::string> asked_, told_;
  std::vector<LookupAnswer> script_;
  LoopThread loop_;
  ThreadPool pool_{1, 4};
  Log log_{LogLevel::off};
  Resolver resolver_{loop_.loop(), pool_, log_, std::chrono::milliseconds(1)};
  std::unique_ptr<Resolver::Watch> watch_;
};

TEST_F(ResolverTest, AnswersLiteralsAtOnceAndAsksNobody) {
  answers({failed("asked")});
  for (const char* literal : {"192.0.2.1:80", "[2001:db8::1]:8080", "unix:/run/x.sock", "unix:@name"}) {
    watch(literal);
    EXPECT_EQ(told(), Texts{literal});
  }
  EXPECT_EQ(asked_.size(), 0U);
}

TEST_F(ResolverTest, TellsBothFamiliesSortedAndOnce) {
  answers({found({"2001:db8::2", "192.0.2.9", "192.0.2.1", "2001:db8::1", "192.0.2.9"})});
  watch("web.example:8080");
  wait_for_lookups(1);
  EXPECT_EQ(told(), Texts{"192.0.2.1:8080 192.0.2.9:8080 [2001:db8::1]:8080 [2001:db8::2]:8080"});
  EXPECT_EQ(asked_.take().front(), "web.example");
}

TEST_F(ResolverTest, TellsOnlyWhatIsNew) {
  answers({found({"192.0.2.1", "192.0.2.2"}), found({"192.0.2.2", "192.0.2.1"}), found({"192.0.2.2"}),
           found({"192.0.2.2"}), found({"192.0.2.1", "192.0.2.2"})});
  watch("web.example:1");
  wait_for_lookups(8);
  EXPECT_EQ(told(), (Texts{"192.0.2.1:1 192.0.2.2:1", "192.0.2.2:1", "192.0.2.1:1 192.0.2.2:1"}));
}

TEST_F(ResolverTest, KeepsWhatIsKnownWhenTheNameFails) {
  answers({found({"192.0.2.1"}), failed("name server is away"), found({}), found({"192.0.2.1"}), found({"192.0.2.2"})});
  watch("web.example:1");
  wait_for_lookups(6);
  EXPECT_EQ(told(), (Texts{"192.0.2.1:1", "192.0.2.2:1"}));
}

TEST_F(ResolverTest, AsksAgainAfterAFailureAtTheStart) {
  answers({failed("no such name"), failed("no such name"), found({"192.0.2.1"})});
  watch("web.example:1");
  wait_for_lookups(3);
  EXPECT_EQ(told(), Texts{"192.0.2.1:1"});
}

TEST_F(ResolverTest, LogsAFailureWhenItBeginsAndWhenItEnds) {
  testing::internal::CaptureStderr();
  {
    Log log(LogLevel::info);
    Resolver resolver(loop_.loop(), pool_, log, std::chrono::milliseconds(1));
    answers({failed("no such name"), failed("no such name"), failed("no such name"), found({"192.0.2.1"}),
             found({"192.0.2.1"}), failed("timed out")});
    resolver.set_lookup(scripted());
    loop_.call([&] { watch_ = resolver.watch("web.example:1", [](const auto&) {}); });
    wait_for_lookups(9);
    drop();
  }
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3) << text;
  EXPECT_NE(text.find("web.example does not resolve: no such name; no address is known"), std::string::npos) << text;
  EXPECT_NE(text.find("web.example resolves again"), std::string::npos) << text;
  EXPECT_NE(text.find("web.example does not resolve: timed out; the known addresses stay"), std::string::npos) << text;
}

TEST_F(ResolverTest, SaysNothingAfterTheWatchHasGone) {
  std::promise<void> asked, answer;
  resolver_.set_lookup([&](const std::string&) {
    asked.set_value();
    answer.get_future().wait();
    return found({"192.0.2.1"});
  });
  watch("web.example:1");
  asked.get_future().wait();
  drop();
  answer.set_value();
  std::promise<void> idle;  // the pool has one thread: behind this no lookup is left
  ASSERT_TRUE(pool_.try_run([&] { idle.set_value(); }));
  idle.get_future().wait();
  loop_.settle();
  EXPECT_EQ(told(), Texts{});
}

TEST_F(ResolverTest, TheHandlerMayDropItsWatch) {
  answers({found({"192.0.2.1"}), found({"192.0.2.2"})});
  loop_.call([&] {
    watch_ = resolver_.watch("web.example:1", [this](const auto& endpoints) {
      watch_.reset();
      told_.put(join(endpoints));
    });
  });
  ASSERT_TRUE(told_.wait_for(1));
  loop_.settle();
  EXPECT_EQ(told(), Texts{"192.0.2.1:1"});
}

TEST_F(ResolverTest, AWatchOutlivesItsResolver) {
  answers({found({"192.0.2.1"}), found({"192.0.2.2"})});
  auto resolver = std::make_unique<Resolver>(loop_.loop(), pool_, log_, std::chrono::milliseconds(1));
  resolver->set_lookup(scripted());
  loop_.call([&] {
    watch_ = resolver->watch("web.example:1", [this](const auto& endpoints) { told_.put(join(endpoints)); });
    resolver.reset();
  });
  ASSERT_TRUE(told_.wait_for(2));
  EXPECT_EQ(told(), (Texts{"192.0.2.1:1", "192.0.2.2:1"}));
}

TEST_F(ResolverTest, AsksLaterWhenThePoolIsFull) {
  answers({found({"192.0.2.1"})});
  std::promise<void> busy, open;
  ASSERT_TRUE(pool_.try_run([&busy, opened = open.get_future().share()] {
    busy.set_value();
    opened.wait();
  }));
  busy.get_future().wait();
  while (pool_.try_run([] {})) continue;
  watch("web.example:1");
  loop_.settle();
  EXPECT_EQ(asked_.size(), 0U);
  open.set_value();
  ASSERT_TRUE(told_.wait_for(1));
}

TEST_F(ResolverTest, ALookupThatThrowsIsABugAndAFailure) {
  const std::uint64_t before = bug_count("net/resolver");
  resolver_.set_lookup([this](const std::string& host) -> LookupAnswer {
    asked_.put(host);
    if (asked_.size() == 1) throw std::runtime_error("on purpose");
    return found({"192.0.2.1"});
  });
  watch("web.example:1");
  ASSERT_TRUE(told_.wait_for(1));
  EXPECT_EQ(bug_count("net/resolver"), before + 1);
}

TEST_F(ResolverTest, NeverAnswersWhatIsNoAddress) {
  answers({found({"192.0.2.1"})});
  for (const char* nonsense : {"", "web.example", ":80", "web.example:", "web.example:65536", "-"}) {
    watch(nonsense);
    loop_.settle();
    EXPECT_EQ(told(), Texts{}) << nonsense;
  }
  EXPECT_EQ(asked_.size(), 0U);
}

TEST(LookUp, ReadsNumbersWithoutANameServer) {
  const LookupAnswer answer = look_up("127.0.0.1");
  ASSERT_EQ(answer.addresses.size(), 1U) << answer.problem;
  EXPECT_EQ(to_string(answer.addresses.front()), "127.0.0.1");
}

TEST(LookUp, SaysWhyThereIsNothing) {
  const LookupAnswer answer = look_up(std::string(300, 'x'));  // longer than a name may be: nobody is asked
  EXPECT_TRUE(answer.addresses.empty());
  EXPECT_FALSE(answer.problem.empty());
}

}  // namespace
}  // namespace shellac::net
