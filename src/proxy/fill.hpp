// A fetch for the cache: asks backends by itself, whoever of its clients stays, and lets what may be stored grow.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fetch.hpp"
#include "shellac/cache/cache.hpp"
#include "shellac/cache/judge.hpp"
#include "shellac/cache/key.hpp"
#include "shellac/cache/tags.hpp"
#include "shellac/core/arena.hpp"
#include "shellac/proxy/proxy.hpp"

namespace shellac::proxy {

// Held by its own task and by the request that began it. Neither needs the other: the task goes on without the client
// when the answer may be stored, or when it is not known yet; what may not be stored is the client's alone, who reads
// it through fetch(). Thread: its worker.
class Fill final : private Asker {
 public:
  // Everything but `config` and the values is copied: the request may be gone before the fetch ends.
  struct Order {
    std::shared_ptr<const Config> config;
    const route::Route* route = nullptr;
    std::string_view key;
    cache::KeySource source;
    const http::RequestHead& head;  // as backends get it
    cache::RequestJudgement judged;
    cache::ObjectRef stale;  // to validate, or null
    std::string_view target;
    Endpoint client, local;
    std::uint64_t hash = 0;
    balance::Visitor visitor;
  };
  Fill(Proxy& proxy, net::Loop& loop, cache::Leader leader, const Order& order);
  ~Fill();

  // The whole of it. `self` keeps it.
  static net::Task<void> run(std::shared_ptr<Fill> self);

  // The answer is the client's alone: fetch() holds its head and body.
  bool is_private() const { return private_; }
  Fetch& fetch() { return *fetch_; }
  bool has_fetch() const { return fetch_.has_value(); }
  // Why it is not stored; none as long as it is.
  cache::NotStored not_stored() const { return not_stored_; }
  // Status of the backend's answer; 0: there was none.
  int status() const { return status_; }
  std::string_view refusal() const { return fetch_ ? fetch_->refusal() : std::string_view{}; }
  const RequestRecord& record() const { return record_; }
  // Fields that are this client's and are not stored (no-cache="…").
  const http::Fields& own_fields() const { return own_fields_; }

  // The process ends: so does the fetch.
  void abort() noexcept;
  // The client that began it. It is woken when there is news; null: it has left.
  void set_client(Waiter* client) noexcept;
  // Interim answers that it has not sent on yet, in their order.
  struct Interim {
    int status;
    std::vector<std::pair<std::string, std::string>> fields;
  };
  std::vector<Interim> take_interim() { return std::exchange(interim_, {}); }

 private:
  std::optional<Cause> gave_up() const override;
  void watch(Waiter&) noexcept override {}
  void stop_watching() noexcept override {}
  net::Task<Result<>> inform(const http::ResponseHead& head) override;

  void copy_request(const Order& order);
  net::Task<void> work();
  std::optional<Error> reason_to_stop(const cache::Content& content) const;
  net::Task<bool> ask();
  bool answer_from_stale();
  bool store_refreshed();
  bool store();
  cache::NewObject make_object(const http::ResponseHead& head, const cache::Storing& storing, cache::Tags& tags);
  void refuse(cache::NotStored why, Duration remember);
  net::Task<void> pump();
  net::Task<bool> append(std::string_view octets);
  void keep_promise(std::uint64_t octets);
  void wake_client() noexcept;
  cache::Cache& store_of() { return *config_->cache; }

  Proxy& proxy_;
  net::Loop& loop_;
  net::Signal signal_;
  net::Deadline deadline_;
  cache::Leader leader_;
  Arena arena_;
  std::shared_ptr<const Config> config_;
  const route::Route* route_;
  std::shared_ptr<const cache::Policy> policy_;
  http::RequestHead head_;      // as backends get it
  http::RequestHead original_;  // as the rules judge it
  std::string_view target_, key_;
  cache::KeySource source_;
  cache::RequestJudgement judged_;
  cache::ObjectRef stale_;
  Endpoint client_address_, local_address_;
  std::uint64_t hash_;
  balance::Visitor visitor_;
  cache::ResponseTimes times_{};
  RequestRecord record_;
  std::optional<Fetch> fetch_;
  http::Fields own_fields_;
  Waiter* client_ = nullptr;
  std::vector<Interim> interim_;
  cache::NotStored not_stored_ = cache::NotStored::none;
  std::uint64_t promised_ = 0;  // room in the cache for what is still to come
  int status_ = 0;
  bool aborted_ = false;
  bool conditional_ = false;
  bool private_ = false;
};

}  // namespace shellac::proxy
