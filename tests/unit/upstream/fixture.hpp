// One caller, one connector, and servers that the test plays.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "shellac/upstream/connector.hpp"
#include "support/driven_loop.hpp"
#include "support/peer.hpp"
#include "upstream/scripted_pool.hpp"

namespace shellac::upstream {

// Who waits: the test says when it has given up.
class TestCaller final : public Caller {
 public:
  std::optional<Cause> gave_up() const override { return cause_; }
  void watch(Waiter& waiter) noexcept override { waiter_ = &waiter; }
  void give_up(Cause cause) {
    cause_ = cause;
    if (Waiter* waiter = std::exchange(waiter_, nullptr)) waiter->wake();
  }

 private:
  std::optional<Cause> cause_;
  Waiter* waiter_ = nullptr;
};

// What an acquire() on its way has come to.
struct Acquiring {
  std::optional<Result<std::unique_ptr<Connection>>> result;
  bool failed(Cause cause) const { return result && result->has_error() && result->error().cause == cause; }
};

class ConnectorTest : public ::testing::Test {
 protected:
  struct Asking {
    std::string host = "www.example";
    Endpoint client{}, local{};
    bool may_reuse = true;
  };

  // Starts a try and returns at once.
  std::shared_ptr<Acquiring> start(ScriptedPool& pool, const Asking& asking) {
    auto acquiring = std::make_shared<Acquiring>();
    driver_.on_loop([&] { driver_.loop().start(run(pool, asking, acquiring)); });
    return acquiring;
  }
  std::shared_ptr<Acquiring> finish(std::shared_ptr<Acquiring> acquiring) {
    EXPECT_TRUE(driver_.until([&] { return acquiring->result.has_value(); }));
    return acquiring;
  }
  // A connection, new or kept; null when there is none.
  std::unique_ptr<Connection> acquire(ScriptedPool& pool, const Asking& asking) {
    auto acquiring = finish(start(pool, asking));
    if (!acquiring->result || acquiring->result->has_error()) return nullptr;
    return std::move(**acquiring->result);
  }
  std::unique_ptr<Connection> acquire(ScriptedPool& pool) { return acquire(pool, {}); }
  std::unique_ptr<Connection> acquire() { return acquire(pool_); }
  void give_back(std::unique_ptr<Connection> connection, ScriptedPool& pool) {
    driver_.on_loop([&] { connector_.give_back(std::move(connection), pool.pool()); });
  }
  void give_back(std::unique_ptr<Connection> connection) { give_back(std::move(connection), pool_); }
  std::uint32_t idle() { return pool_.backend().server->idle.load(); }
  std::uint32_t busy() { return pool_.backend().server->busy.load(); }
  [[nodiscard]] bool becomes_idle(std::uint32_t count) {
    return driver_.until([&] { return idle() == count; });
  }

  test::DrivenLoop driver_;
  ScriptedPool pool_{driver_, "web", 1};
  TestCaller caller_;
  net::Signal signal_{driver_.loop()};
  Connector connector_{driver_.loop()};

 private:
  net::Task<void> run(ScriptedPool& pool, Asking asking, std::shared_ptr<Acquiring> acquiring) {
    const Connector::Wanted wanted{pool.pool(),  pool.backend(), asking.host, asking.client,
                                   asking.local, caller_,        signal_};
    Reservation reservation = connector_.try_reserve(pool.pool(), pool.backend(), asking.host, asking.may_reuse);
    acquiring->result.emplace(co_await connector_.acquire(reservation, wanted));
  }
};

}  // namespace shellac::upstream
