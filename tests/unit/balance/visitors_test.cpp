// A thousand visitors over ten made-up minutes, two edges with the same key, servers that die, drain and leave: who
// moves, and who does not.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "group.hpp"
#include "shellac/balance/health.hpp"
#include "shellac/balance/sticky.hpp"

namespace shellac::balance::test {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr int kVisitors = 1000;
constexpr std::size_t kServers = 6;

struct Browser {
  std::string cookie;
  std::string home;  // who served it last; empty: nobody yet
  Time came{};
};

// One edge: the pool as its configuration has it at this moment.
struct Edge {
  std::shared_ptr<const Group> group;
  std::optional<Picker> picker;
  std::optional<StickyCookies> cookies;
};

struct Site {
  explicit Site(unsigned with_seed) : seed(with_seed), dice(with_seed), browsers(kVisitors), edges(2) {
    options.max_idle = seconds(40);
    options.max_life = minutes(60);
    for (std::size_t i = 0; i < kServers; ++i)
      servers.push_back(
          std::make_shared<Server>(Server::Identity{"web", "web" + std::to_string(i), "192.0.2.1:80"}, kWall));
    for (Edge& edge : edges) reload(edge);
  }

  int roll(int sides) { return std::uniform_int_distribution<int>(0, sides - 1)(dice); }
  WallTime wall() const { return kWall + (now - kNow); }
  bool is_out(const std::string& name) const { return left_out.contains(name); }

  // Other weights, another order, another algorithm; without those who have left.
  void reload(Edge& edge) {
    auto fresh = std::make_shared<Group>();
    auto order = servers;
    std::ranges::shuffle(order, dice);
    std::vector<std::string> labels;
    for (const auto& server : order) {
      const std::string& name = server->identity().name;
      if (is_out(name)) continue;
      Member member;
      member.server = server;
      member.name = member.label = name;
      member.weight = weightless == name ? 0 : static_cast<std::uint32_t>(1 + roll(3));
      labels.push_back(name);
      fresh->members.push_back(std::move(member));
    }
    fresh->balance.algorithm = static_cast<Algorithm>(roll(4));
    edge.group = fresh;
    edge.picker.emplace(edge.group, seed);
    edge.cookies.emplace(options, "web", std::move(labels), "0123456789abcdef");
  }

  void reload_all() {
    for (Edge& edge : edges) reload(edge);
  }

  Server& of(const std::string& name) {
    return **std::ranges::find_if(servers, [&](const auto& one) { return one->identity().name == name; });
  }

  // The manual's table, said once more: who serves nobody any more, and whom a visitor may leave.
  bool is_gone(const std::string& name) {
    const Server& server = of(name);
    return server.state() == ServerState::down || server.health() == Health::down || server.is_ejected(now) ||
           is_out(name);
  }
  bool may_leave(const Browser& browser) {
    return is_gone(browser.home) || (now - browser.came) * 4 > options.max_idle * 3;  // set again every quarter only
  }
  bool takes_new_ones(const std::string& name) {
    const Server& server = of(name);
    return server.state() == ServerState::ready && server.health() == Health::up && !server.is_ejected(now) &&
           !is_out(name) && weightless != name;
  }

  void visit(Browser& browser) {
    Edge& edge = edges[static_cast<std::size_t>(roll(2))];
    const Visitor visitor = browser.cookie.empty() ? Visitor{} : edge.cookies->read(browser.cookie, wall());
    std::size_t index = visitor.member;
    if (visitor.result != StickyResult::valid || !serves_visitors(*edge.group, index, now)) {
      const Pick pick = edge.picker->pick({now, nullptr, hash_of(std::to_string(roll(1'000'000))), {}, false});
      if (pick.server == nullptr) return;  // a 503, which brings no cookie
      index = pick.index;
    }
    const std::string& name = edge.group->members[index].name;
    ASSERT_FALSE(is_gone(name)) << "seed " << seed << ": " << name << " serves a visitor";
    if (name != browser.home) {
      ASSERT_TRUE(browser.home.empty() || may_leave(browser))
          << "seed " << seed << ": a visitor of " << browser.home << " went to " << name;
      ASSERT_TRUE(takes_new_ones(name)) << "seed " << seed << ": " << name << " got a new visitor";
      moves += !browser.home.empty();
    } else {
      ++stays;
    }
    browser.home = name;
    browser.came = now;
    if (const auto line = edge.cookies->renew(visitor, index, true, wall()))
      browser.cookie = line->substr(line->find('=') + 1, line->find(';') - line->find('=') - 1);
  }

  void change_something() {
    Server& server = *servers[static_cast<std::size_t>(roll(kServers))];
    switch (roll(7)) {
      case 0:
        server.set_health(static_cast<Health>(roll(3)), now, wall());
        break;
      case 1:
        server.set_health(Health::up, now, wall());
        break;
      case 2:
        server.set_state(static_cast<ServerState>(roll(3)), wall());
        break;
      case 3:
        server.set_state(ServerState::ready, wall());
        break;
      case 4:
        server.set_ejected(now + seconds(roll(60)), wall());
        break;
      case 5:
        weightless = roll(2) == 0 ? server.identity().name : "";
        reload_all();
        break;
      case 6:
        left_out.clear();
        if (roll(2) == 0) left_out.insert(server.identity().name);
        reload_all();
        break;
    }
  }

  void run() {
    for (const Time end = now + minutes(10); now < end && !testing::Test::HasFatalFailure(); now += seconds(1)) {
      for (int visits = 0; visits < kVisitors / 10; ++visits)
        visit(browsers[static_cast<std::size_t>(roll(kVisitors))]);
      if (roll(10) == 0) change_something();
    }
  }

  const unsigned seed;
  std::mt19937 dice;
  Time now = kNow;
  StickyOptions options;
  std::vector<std::shared_ptr<Server>> servers;
  std::vector<Browser> browsers;
  std::vector<Edge> edges;
  std::set<std::string> left_out;  // of the configuration
  std::string weightless;
  std::size_t moves = 0, stays = 0;
};

class Visitors : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Seeds, Visitors, testing::Range(1u, 9u));

TEST_P(Visitors, MoveOnlyWhenTheirServerCannotServeThem) {
  Site site(GetParam());
  site.run();
  // It was no walk in the park.
  EXPECT_GT(site.moves, 200u);
  EXPECT_GT(site.stays, 40'000u);
}

TEST(VisitorsAtRest, NeverMove) {
  Site site(1);
  site.options.max_idle = Duration::zero();
  site.reload_all();
  for (int second = 0; second < 600; ++second, site.now += seconds(1)) {
    for (int visits = 0; visits < kVisitors / 10; ++visits)
      site.visit(site.browsers[static_cast<std::size_t>(site.roll(kVisitors))]);
    if (second % 60 == 0) site.reload_all();
  }
  EXPECT_EQ(site.moves, 0u);
  EXPECT_GT(site.stays, 58'000u);
}

}  // namespace
}  // namespace shellac::balance::test
