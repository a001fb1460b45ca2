#include "shellac/balance/health.hpp"

#include <gtest/gtest.h>

#include "group.hpp"

namespace shellac::balance::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::shared_ptr<Server> make_server(const std::string& name = "web1") {
  return std::make_shared<Server>(Server::Identity{"web", name, "192.0.2.1:80"}, kWall);
}

// Feeds results ("+" ok, "-" timeout, "4" 404) and shows the health after each: "U", "D" (down), "d" (drain).
std::string verdicts(ProbeVerdict& verdict, const std::string& results) {
  std::string out;
  for (const char one : results) {
    verdict.note(one == '+'   ? ProbeResult::ok
                 : one == '4' ? ProbeResult::not_found
                              : ProbeResult::timeout,
                 kNow, kWall);
    const Health health = verdict.server().health();
    out += health == Health::up ? 'U' : health == Health::down ? 'D' : 'd';
  }
  return out;
}

TEST(ProbeVerdict, FollowsRiseAndFall) {
  const struct {
    const char *results, *health;
  } kRows[] = {
      {"++++", "UUUU"},
      {"-", "D"},    // the first result counts at once
      {"-+", "DD"},  // and then rise counts
      {"-++", "DDU"},
      {"+---", "UUUD"},        // fall: 3
      {"+--+--+", "UUUUUUU"},  // never three in a row
      {"+---+-++", "UUUDDDDU"},
      {"+4", "Ud"},  // a farewell is meant
      {"+4++", "UddU"},
      {"+4---", "UdddD"},
      {"+4+-+-", "Uddddd"},
  };
  for (const auto& row : kRows) {
    ProbeVerdict verdict(make_server(), {});
    EXPECT_EQ(verdicts(verdict, row.results), row.health) << row.results;
  }
}

// The rules said once more, by looking back over all results instead of counting along.
std::string expected_after(const std::string& results, ProbePolicy policy) {
  std::string out;
  char health = 'U';
  std::size_t since = 0;  // results since the last change
  for (std::size_t i = 0; i < results.size(); ++i) {
    const char wants = results[i] == '+' ? 'U' : results[i] == '4' ? 'd' : 'D';
    const std::size_t needed = i == 0 || wants == 'd' ? 1 : wants == 'U' ? policy.rise : policy.fall;
    std::size_t in_row = 0;
    while (in_row <= i - since && results[i - in_row] == results[i]) {
      ++in_row;
      if (in_row > i - since) break;
    }
    if (wants != health && in_row >= needed) {
      health = wants;
      since = i + 1;
    }
    out += health;
  }
  return out;
}

TEST(ProbeVerdict, EverySequenceOfSixResults) {
  for (const std::uint32_t rise : {1u, 2u, 3u, 4u})
    for (const std::uint32_t fall : {1u, 2u, 3u, 4u})
      for (int number = 0; number < 3 * 3 * 3 * 3 * 3 * 3; ++number) {
        ProbePolicy policy;
        policy.rise = rise;
        policy.fall = fall;
        std::string results;
        for (int left = number, i = 0; i < 6; ++i, left /= 3) results += "+-4"[left % 3];
        ProbeVerdict verdict(make_server(), policy);
        EXPECT_EQ(verdicts(verdict, results), expected_after(results, policy))
            << results << " with rise " << rise << ", fall " << fall;
      }
}

TEST(ProbeVerdict, ProbesFasterWhileChanging) {
  ProbeVerdict verdict(make_server(), {});
  EXPECT_EQ(verdict.next_interval(), milliseconds(500));  // not checked yet
  verdicts(verdict, "+");
  EXPECT_EQ(verdict.next_interval(), seconds(2));
  verdicts(verdict, "-");
  EXPECT_EQ(verdict.next_interval(), milliseconds(500));
  verdicts(verdict, "--");
  EXPECT_EQ(verdict.next_interval(), seconds(2));
}

TEST(ProbeVerdict, SaysWhy) {
  ProbeVerdict verdict(make_server(), {});
  EXPECT_FALSE(verdict.note(ProbeResult::ok, kNow, kWall));
  EXPECT_FALSE(verdict.note(ProbeResult::refused, kNow, kWall));
  EXPECT_FALSE(verdict.note(ProbeResult::refused, kNow, kWall));
  const auto change = verdict.note(ProbeResult::refused, kNow, kWall);
  ASSERT_TRUE(change);
  EXPECT_EQ(change->from, Health::up);
  EXPECT_EQ(change->to, Health::down);
  EXPECT_EQ(change->reason, "3 probes in a row: refused");
}

TEST(ProbeVerdict, ARecoveryBeginsTheSlowStart) {
  const auto server = make_server();
  ProbeVerdict verdict(server, {});
  verdict.note(ProbeResult::ok, kNow, kWall);
  EXPECT_EQ(server->recovered(), Time{});  // coming up with the process is no recovery
  verdicts(verdict, "---");
  verdict.note(ProbeResult::ok, kNow, kWall);
  verdict.note(ProbeResult::ok, kNow + seconds(7), kWall);
  EXPECT_EQ(server->recovered(), kNow + seconds(7));
}

struct Pool {
  std::vector<std::shared_ptr<Server>> servers;
  OutlierVerdict verdict;
  explicit Pool(int count, OutlierOptions options = {}) : verdict(options) {
    for (int i = 0; i < count; ++i) servers.push_back(make_server("web" + std::to_string(i)));
  }
  std::optional<Duration> eject(std::size_t index, Time now = kNow) {
    return verdict.eject(*servers[index], servers, now, kWall);
  }
};

TEST(Server, CountsErrorsInARow) {
  Server server({"web", "web1", "192.0.2.1:80"}, kWall);
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(server.note_error(5));
  EXPECT_TRUE(server.note_error(5));
  EXPECT_FALSE(server.note_error(5));  // told once
  server.note_success();
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(server.note_error(5));
  EXPECT_TRUE(server.note_error(5));
}

TEST(Outlier, EjectsForAWhileAndLongerEachTime) {
  Pool pool(4);
  EXPECT_EQ(pool.eject(0), seconds(30));
  EXPECT_TRUE(pool.servers[0]->is_ejected(kNow + seconds(29)));
  EXPECT_FALSE(pool.servers[0]->is_ejected(kNow + seconds(30)));
  EXPECT_FALSE(pool.eject(0));  // it is out already
  EXPECT_TRUE(pool.verdict.sweep(pool.servers, kNow + seconds(29), kWall).empty());
  ASSERT_EQ(pool.verdict.sweep(pool.servers, kNow + seconds(30), kWall).size(), 1u);
  EXPECT_EQ(pool.servers[0]->recovered(), kNow + seconds(30));
  EXPECT_EQ(pool.eject(0, kNow + seconds(40)), seconds(60));
  pool.verdict.sweep(pool.servers, kNow + seconds(100), kWall);
  // Good for longer than it was out: it begins anew.
  EXPECT_EQ(pool.eject(0, kNow + seconds(100 + 61)), seconds(30));
}

TEST(Outlier, NeverMoreThanItMay) {
  Pool six(6);  // 50 %: three
  EXPECT_TRUE(six.eject(0) && six.eject(1) && six.eject(2));
  EXPECT_FALSE(six.eject(3));
  Pool three(3);  // 50 % rounded down: one
  EXPECT_TRUE(three.eject(0));
  EXPECT_FALSE(three.eject(1));
  Pool one(1, {5, seconds(30), 100});
  EXPECT_FALSE(one.eject(0));  // the only server is never ejected
  Pool none(6, {5, seconds(30), 0});
  EXPECT_FALSE(none.eject(0));
}

TEST(Outlier, DoesNotCapWhatProbesFind) {
  Pool pool(4);
  for (const auto& server : pool.servers) server->set_health(Health::down, kNow, kWall);
  for (const auto& server : pool.servers) EXPECT_EQ(server->health(), Health::down);
  EXPECT_TRUE(pool.eject(0));  // and what they found does not use up the ejections
}

int take_all(RetryBudget& budget, Time now, std::uint32_t percent = 20) {
  int taken = 0;
  while (taken < 100'000 && budget.try_take(percent, now)) ++taken;
  return taken;
}

TEST(RetryBudget, IsAShareOfTheLastTenSeconds) {
  RetryBudget budget;
  for (int second = 0; second < 10; ++second)
    for (int i = 0; i < 1000; ++i) budget.count_request(kNow + seconds(second));
  EXPECT_EQ(take_all(budget, kNow + seconds(9)), 2000);
  EXPECT_EQ(take_all(budget, kNow + seconds(9)), 0);
  // What was taken and asked ten seconds ago counts no more; 20 % of nothing is the floor.
  EXPECT_EQ(take_all(budget, kNow + seconds(19)), 100);
}

TEST(RetryBudget, IsTheLargerOfShareAndFloor) {
  const struct {
    std::uint32_t percent;
    int requests, retries;
  } kRows[] = {{0, 0, 100},     {0, 10'000, 100}, {20, 100, 100},   {20, 499, 100},   {20, 500, 100},
               {20, 505, 101},  {20, 600, 120},   {1, 10'000, 100}, {1, 12'345, 123}, {50, 1000, 500},
               {100, 777, 777}, {100, 50, 100},   {20, 1000, 200},  {33, 1000, 330}};
  for (const auto& row : kRows) {
    RetryBudget budget;
    for (int i = 0; i < row.requests; ++i) budget.count_request(kNow + milliseconds(10 * (i % 1000)));
    EXPECT_EQ(take_all(budget, kNow + seconds(9), row.percent), row.retries) << row.percent << " % of " << row.requests;
  }
}

// Second by second: what leaves the window at one end, requests and retries alike, makes room at the other.
TEST(RetryBudget, SlidesWithTheTime) {
  RetryBudget budget;
  for (int i = 0; i < 5000; ++i) budget.count_request(kNow);
  for (int i = 0; i < 5000; ++i) budget.count_request(kNow + seconds(5));
  EXPECT_EQ(take_all(budget, kNow + seconds(5)), 2000);
  EXPECT_EQ(take_all(budget, kNow + seconds(9)), 0);
  // The first five thousand are gone, what was taken is not.
  EXPECT_EQ(take_all(budget, kNow + seconds(10)), 0);
  EXPECT_EQ(take_all(budget, kNow + seconds(14)), 0);
  EXPECT_EQ(take_all(budget, kNow + seconds(15)), 100);
  EXPECT_EQ(take_all(budget, kNow + seconds(24)), 0);
  EXPECT_EQ(take_all(budget, kNow + seconds(25)), 100);
  // After a long silence nothing is left of anything.
  for (int i = 0; i < 1000; ++i) budget.count_request(kNow + std::chrono::hours(1));
  EXPECT_EQ(take_all(budget, kNow + std::chrono::hours(1)), 200);
}

TEST(RetryBudget, HasAFloorOfTenASecond) {
  RetryBudget budget;
  EXPECT_EQ(take_all(budget, kNow), 100);
  EXPECT_EQ(take_all(budget, kNow + seconds(9)), 0);
  EXPECT_EQ(take_all(budget, kNow + seconds(10)), 100);
  RetryBudget idle;
  EXPECT_EQ(take_all(idle, kNow, 0), 100);
}

}  // namespace
}  // namespace shellac::balance::test
