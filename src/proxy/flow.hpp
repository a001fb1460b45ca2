// One request on its way through the edge. flow.cpp lists the steps in their order; each is one function.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "bodies.hpp"
#include "shellac/http/forwarding.hpp"
#include "shellac/proxy/proxy.hpp"
#include "shellac/upstream/exchange.hpp"

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

// Lives in the frame of Proxy::handle(). Thread: its worker.
class Flow final : private upstream::Caller {
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
  net::Task<bool> read_ahead();
  bool prepare_request();
  net::Task<void> fetch();
  net::Task<void> send_answer();
  void record();

  // choice.cpp: which server, and when. They set `index_` and `reservation_`.
  void meet_visitor();
  void hide_cookie();
  std::optional<balance::NoPick> try_choose();
  balance::Pick pick();
  net::Task<bool> choose();
  // all_out: the visitor's own server, or all who might take the request, went down.
  enum class Waited : std::uint8_t { placed, queue_full, too_long, all_out, gave_up };
  net::Task<Waited> wait_for_place(std::optional<std::size_t> own);
  bool was_placed(Waited waited);
  bool reserve(std::size_t index);
  bool refuse_to_pick(balance::NoPick reason);

  // fetch.cpp: the attempts.
  // queue: another server may take it, but none has a connection left.
  enum class Attempt : std::uint8_t { answered, other_server, same_server, queue, over };
  net::Task<Attempt> try_backend();
  net::Task<Result<>> converse(upstream::BackendExchange& backend);
  net::Task<void> deliver(upstream::BackendExchange& backend);
  net::Task<void> finish_tunnel(upstream::BackendExchange& backend);
  Attempt judge_failure(upstream::BackendExchange& backend);
  bool is_worth_a_retry(int status);
  struct Again {
    std::string_view reason;
    bool within_budget;
    bool may_wait;  // for a connection; no when there is an answer that will do
  };
  Attempt find_other_server(Again again);
  void add_sticky_cookie(http::ResponseHead& head);
  void report_traffic(bool good);
  static bool is_broken(const front::Sent& sent);
  bool may_repeat() const;

  // Answers of our own.
  bool answer_with(int status, std::string_view proxy_status, std::string_view reason);
  void answer_error(const Error& error);
  void answer_refusal();
  void fill_error_body(LocalAnswer& answer) const;
  void note_sent(const front::Sent& sent);

  // upstream::Caller
  std::optional<Cause> gave_up() const override;
  void watch(Waiter& waiter) noexcept override;

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
  const upstream::Backend* backend_ = nullptr;
  std::size_t index_ = 0;  // of the backend in its pool
  upstream::Reservation reservation_;
  balance::Tried tried_;
  std::uint64_t hash_ = 0;       // of the key of `balance: hash`, as the client sent it
  std::string_view avoid_zone_;  // looks sick
  std::string_view retried_;     // why the request was sent again; empty: it was not
  balance::Visitor visitor_;
  balance::NoPick refusal_{};  // why nobody was picked
  bool informed_ = false;      // an interim answer went to the client
  std::optional<LocalAnswer> answer_;
  std::optional<Error> failure_;
  RequestRecord record_;
  bool answered_ = false;  // respond() was called
};

}  // namespace shellac::proxy
