// A request's way to backends: the choice of a server, attempts, and the head of the answer.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "bodies.hpp"
#include "shellac/balance/sticky.hpp"
#include "shellac/proxy/proxy.hpp"
#include "shellac/upstream/exchange.hpp"

namespace shellac::proxy {

// For whom a fetch is made: asked before each wait whether the answer is still wanted. Thread: its worker.
class Asker : public upstream::Caller {
 public:
  virtual void stop_watching() noexcept = 0;
  // An interim answer (1xx other than 101), without hop-by-hop fields. Failure ends the fetch.
  virtual net::Task<Result<>> inform(const http::ResponseHead& head) = 0;

 protected:
  ~Asker() = default;
};

// Lives in the frame of whoever asks, until the answer's body has been read or is not wanted any more. Destroying it
// ends it. Thread: its worker.
class Fetch final {
 public:
  struct Setting {
    Proxy& proxy;
    net::Loop& loop;
    net::Signal& signal;            // the asker sleeps on it while run() is under way
    const net::Deadline& deadline;  // the route's timeout
    Asker& asker;
    RequestRecord& record;  // gets pool, backend, zone, attempts and times
  };
  struct Request {
    std::shared_ptr<const upstream::Pool> pool;
    const http::RequestHead& head;
    std::string_view target;  // path and query as backends get them
    http::Body* body = nullptr;
    BufferedBody* buffered = nullptr;  // the same, when it was read ahead
    Endpoint client, local;            // for send_proxy
    std::uint64_t hash = 0;            // of the key of `balance: hash`
    balance::Visitor visitor{};
  };
  Fetch(const Setting& setting, Request request);
  ~Fetch();
  Fetch(const Fetch&) = delete;
  Fetch& operator=(const Fetch&) = delete;

  // Returns with the final head (or a 101); false: failure() tells why there is none.
  net::Task<bool> run();

  http::ResponseHead& head() { return exchange_->head(); }
  upstream::BackendExchange& exchange() { return *exchange_; }
  const Error& failure() const { return *failure_; }
  // Why no server was picked; empty when one was.
  std::string_view refusal() const { return refused_ ? to_string(refusal_) : std::string_view{}; }
  // The sticky cookie that goes out with this answer, if one is due.
  std::optional<std::string> sticky_cookie();
  // How the answer's body ended, as far as the server is concerned: a broken one counts against its health.
  void judge_body(bool whole);
  void count_broken(std::string_view reason);

 private:
  // fetch.cpp: the attempts.
  // queue: another server may take it, but none has a connection left.
  enum class Attempt : std::uint8_t { answered, other_server, same_server, queue, over };
  net::Task<Attempt> try_backend();
  net::Task<Result<>> converse();
  Attempt judge_failure();
  bool is_worth_a_retry(int status);
  struct Again {
    std::string_view reason;
    bool within_budget;
    bool may_wait;  // for a connection; no when there is an answer that will do
  };
  Attempt find_other_server(Again again);
  void report_traffic(bool good);
  bool may_repeat() const;
  bool no_server();
  void load(bool busy);

  // choice.cpp: which server, and when. They set `index_` and `reservation_`.
  std::optional<balance::NoPick> try_choose();
  balance::Pick pick();
  net::Task<bool> choose();
  // all_out: the visitor's own server, or all who might take the request, went down.
  enum class Waited : std::uint8_t { placed, queue_full, too_long, all_out, gave_up };
  net::Task<Waited> wait_for_place(std::optional<std::size_t> own);
  bool was_placed(Waited waited);
  bool reserve(std::size_t index);
  bool refuse_to_pick(balance::NoPick reason);

  const Setting setting_;
  const Request request_;
  const std::shared_ptr<const upstream::Pool>& pool_;  // of the request
  const upstream::Backend* backend_ = nullptr;
  std::size_t index_ = 0;  // of the backend in its pool
  upstream::Reservation reservation_;
  balance::Tried tried_;
  std::string_view avoid_zone_;  // looks sick
  std::string_view retried_;     // why the request was sent again; empty: it was not
  balance::NoPick refusal_{};    // why nobody was picked
  bool refused_ = false;
  bool informed_ = false;  // an interim answer went to the asker
  std::optional<Error> failure_;
  bool loads_ = false;  // counted in the server's requests
  std::optional<upstream::BackendExchange> exchange_;
};

}  // namespace shellac::proxy
