// One request on its way through the edge. flow.cpp lists the steps in their order; each is one function.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "bodies.hpp"
#include "fetch.hpp"
#include "shellac/cache/cache_status.hpp"
#include "shellac/cache/judge.hpp"
#include "shellac/cache/key.hpp"
#include "shellac/http/forwarding.hpp"
#include "shellac/http/range.hpp"
#include "shellac/proxy/proxy.hpp"

namespace shellac::proxy {

// An answer of our own. Not nested in Flow: clang cannot construct a nested class with initialised members inside an
// optional of its outer class.
struct LocalAnswer {
  int status = 200;
  std::string type;  // of the body; empty: none
  std::string body;
  std::string location;
  std::string_view proxy_status;  // error type of RFC 9209
  std::string_view reason;        // for log and metric
  std::uint32_t retry_after = 0;  // seconds
  std::string_view allow;
};

class Fill;

// Lives in the frame of Proxy::handle(). Thread: its worker.
class Flow final : private Asker {
 public:
  Flow(Proxy& proxy, front::Exchange& exchange);
  net::Task<void> run();

 private:
  // The steps. Those that return bool may have settled what the answer is; then `answer_` is set and they say false.
  void identify_client();
  bool check_message();
  bool redirect_to_https();
  bool find_route();
  bool check_access();
  bool check_size();
  bool answer_locally();
  net::Task<bool> read_file();
  net::Task<bool> use_cache();
  bool prepare_request();
  net::Task<bool> read_ahead();
  net::Task<void> send_answer();
  void record();

  // cached.cpp
  enum class Looked : std::uint8_t { answered, pass, again };
  bool obey_purge();
  cache::KeySource key_source() const;
  void note_pass(cache::Bypass why);
  void note_miss(cache::Miss why);
  net::Task<bool> peek();
  net::Task<Looked> look_up();
  std::shared_ptr<Fill> start_fill(cache::Leader leader, const cache::ObjectRef& stale);
  net::Task<Looked> follow(cache::Follower follower, cache::ObjectRef stale, std::shared_ptr<Fill> fill);
  net::Task<bool> pass_on_interim(Fill& fill);
  net::Task<Looked> use_verdict(cache::Verdict verdict, cache::Follower& follower, cache::ObjectRef stale, Fill* fill);
  void note_fetch(const Fill& fill);
  void invalidate(const http::ResponseHead& head);
  bool is_conditional() const;

  // stored_answer.cpp
  net::Task<bool> respond_stored(cache::ObjectRef object, Fill* fill);
  std::optional<http::RangeSelection> apply_conditions(http::ResponseHead& head, std::optional<std::uint64_t> length);
  net::Task<bool> send_stored(http::ResponseHead& head, const cache::Object& object,
                              std::optional<http::RangeSelection> ranges);
  void add_stored_fields(http::ResponseHead& head, const cache::Object& object, Fill* fill);
  void add_cache_status(http::ResponseHead& head);

  // visitor.cpp
  void meet_visitor();
  void hide_cookie();

  // deliver.cpp
  net::Task<void> pass();
  net::Task<void> deliver(Fetch& fetch);
  void answer_failure(const Fetch& fetch);
  std::optional<http::ByteRange> relayed_range(Fetch& fetch) const;
  static bool is_broken(const front::Sent& sent);
  net::Task<void> finish_tunnel(upstream::BackendExchange& backend);

  // Answers of our own.
  bool answer_with(int status, std::string_view proxy_status, std::string_view reason);
  void answer_error(const Error& error);
  void fill_error_body(LocalAnswer& answer) const;
  void note_sent(const front::Sent& sent);

  // Asker
  std::optional<Cause> gave_up() const override;
  void watch(Waiter& waiter) noexcept override { exchange_.watch_client(&waiter); }
  void stop_watching() noexcept override { exchange_.watch_client(nullptr); }
  net::Task<Result<>> inform(const http::ResponseHead& head) override { return exchange_.inform(head); }

  Proxy& proxy_;
  front::Exchange& exchange_;
  net::Loop& loop_;
  const std::shared_ptr<const Config> config_;
  net::Signal signal_;
  net::Deadline deadline_;  // the route's timeout
  http::RequestHead& head_;
  const std::string_view original_path_, original_query_;
  route::PathForms path_;
  route::Match match_;
  const route::Route* route_ = nullptr;
  http::Forwarding forwarding_;
  http::ClientIdentity client_;
  std::string_view target_;  // for the backend
  std::optional<LimitedBody> limited_;
  std::optional<BufferedBody> buffered_;
  http::Body* body_ = nullptr;
  std::shared_ptr<const upstream::Pool> pool_;
  std::uint64_t hash_ = 0;  // of the key of `balance: hash`, as the client sent it
  balance::Visitor visitor_;
  const cache::Policy* policy_ = nullptr;  // of the route; null: no cache
  cache::RequestJudgement judged_;
  std::string_view key_;
  cache::CacheStatus cache_status_;
  bool prepared_ = false;  // the request is as backends get it
  bool passed_ = false;    // the client's own request went to the backend
  bool met_ = false;       // the visitor
  std::optional<LocalAnswer> answer_;
  RequestRecord record_;
  bool answered_ = false;  // respond() was called
};

}  // namespace shellac::proxy
