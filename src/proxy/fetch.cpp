// The part of a request's way that asks backends: attempts, and the answer that one of them gives.
#include "error_reply.hpp"
#include "flow.hpp"
#include "shellac/http/date.hpp"
#include "tally.hpp"

namespace shellac::proxy {

// The request may be sent a second time: its method allows that (RFC 9110 §9.2.2), its body is at hand, and nothing of
// an answer has gone to the client.
bool Flow::may_repeat() const {
  return !informed_ && http::is_idempotent(head_.known) && head_.upgrade.empty() &&
         (body_ == nullptr || (buffered_ && buffered_->is_whole()));
}

net::Task<void> Flow::fetch() {
  record_.pool = pool_->options.name;
  pool_->state->budget.count_request(loop_.now());
  meet_visitor();
  const bool chosen = co_await choose();
  if (!chosen) co_return answer_refusal();
  for (;;) {
    backend_ = &pool_->backends[index_];
    record_.backend = backend_->name;
    record_.zone = backend_->zone;
    ++record_.attempts;
    const std::string_view retried = retried_;
    balance::Server& server = *backend_->server;
    server.requests.fetch_add(1, std::memory_order_relaxed);
    Attempt attempt = co_await try_backend();
    if (attempt == Attempt::same_server) attempt = co_await try_backend();
    server.requests.fetch_sub(1, std::memory_order_relaxed);
    if (!retried.empty()) proxy_.tally_->count_retry(*pool_, retried, attempt == Attempt::answered ? "ok" : "failed");
    if (attempt == Attempt::answered) co_return;
    if (attempt == Attempt::over) co_return answer_error(*failure_);
    if (attempt == Attempt::queue) {
      failure_.reset();
      const Waited waited = co_await wait_for_place(std::nullopt);
      if (!was_placed(waited)) co_return answer_refusal();
    }
  }
}

// No server takes the request: `failure_` (of our own side) or `refusal_` says why.
void Flow::answer_refusal() {
  if (failure_) return answer_error(*failure_);
  const bool queued = refusal_ == balance::NoPick::queue_full || refusal_ == balance::NoPick::queue_timeout;
  answer_error({Side::self, queued ? Cause::limit : Cause::no_backend, true, {}, "choosing a backend"});
  answer_->reason = to_string(refusal_);
}

// Another server that has not been asked yet, within `retries.attempts` and the budget. It is reserved then, unless all
// who are left are full: that is to wait for them.
Flow::Attempt Flow::find_other_server(Again again) {
  const balance::RetryOptions& retries = pool_->options.retries;
  if (static_cast<std::uint32_t>(record_.attempts) > retries.attempts || gave_up()) return Attempt::over;
  tried_.add(index_);
  if (balance::looks_sick(*pool_->group, index_, loop_.now())) avoid_zone_ = backend_->zone;
  const balance::Pick picked = pick();
  if (picked.server == nullptr && !(again.may_wait && picked.reason == balance::NoPick::all_full)) {
    proxy_.tally_->count_retry(*pool_, again.reason, to_string(picked.reason));
    return Attempt::over;
  }
  // Before a connection is taken, or a spent budget would cost an idle one each time.
  if (again.within_budget && !pool_->state->budget.try_take(retries.budget, loop_.now())) {
    proxy_.tally_->count_retry(*pool_, again.reason, "budget");
    return Attempt::over;
  }
  const bool reserved = picked.server != nullptr && reserve(picked.index);
  if (!reserved && !again.may_wait) return Attempt::over;
  retried_ = again.reason;
  return reserved ? Attempt::other_server : Attempt::queue;
}

// One attempt, with everything that may come of it.
net::Task<Flow::Attempt> Flow::try_backend() {
  if (buffered_) buffered_->rewind();
  upstream::BackendExchange exchange({loop_, proxy_.connector_, *pool_, *backend_, signal_, *this});
  const auto conversed = co_await converse(exchange);
  record_.t_connect = exchange.connect_time();
  record_.t_first_byte = exchange.first_byte_time();
  exchange_.watch_client(nullptr);
  if (conversed) {
    const int status = exchange.head().status;
    proxy_.tally_->count_backend(*pool_, *backend_, status, exchange.first_byte_time());
    // Anything else is good when all of it has come: deliver() tells.
    if (status >= 500) report_traffic(false);
    if (is_worth_a_retry(status)) co_return Attempt::other_server;
    co_await deliver(exchange);
    co_return Attempt::answered;
  }
  failure_ = conversed.error();
  if (deadline_.expired()) failure_ = Error{Side::self, Cause::timeout, false, {}, "keeping the route's timeout"};
  co_return judge_failure(exchange);
}

// What a failed attempt means for the request.
Flow::Attempt Flow::judge_failure(upstream::BackendExchange& backend) {
  if (failure_->side != Side::backend) return Attempt::over;
  const bool cut = failure_->cause == Cause::closed || failure_->cause == Cause::reset;
  if (cut && backend.reused_connection() && backend.nothing_received() && may_repeat()) {
    // The connection was dead before: nobody has seen the request. It goes out again on a fresh one, which takes over
    // the permit; that counts neither as an attempt nor in the budget.
    reservation_ = {nullptr, backend.take_permit()};
    return Attempt::same_server;
  }
  proxy_.tally_->count_backend_error(*pool_, *backend_, to_string(failure_->cause));
  report_traffic(false);
  const balance::RetryOptions& retries = pool_->options.retries;
  if (failure_->unseen_by_backend)
    return retries.on_connect ? find_other_server({"connect", false, true}) : Attempt::over;
  const bool timeout = failure_->cause == Cause::timeout;
  if (!may_repeat() || !(timeout ? retries.on_timeout : cut && retries.on_reset)) return Attempt::over;
  return find_other_server({timeout ? "timeout" : "reset", true, true});
}

// An answer that says that somebody else may do better, before anything of it has been sent.
bool Flow::is_worth_a_retry(int status) {
  const balance::RetryOptions& retries = pool_->options.retries;
  std::string_view reason;
  if (status == 502 && retries.on_502) reason = "502";
  if (status == 503 && retries.on_503) reason = "503";
  if (status == 504 && retries.on_504) reason = "504";
  return !reason.empty() && may_repeat() && find_other_server({reason, true, false}) == Attempt::other_server;
}

// Real traffic tells of a server's health, too.
void Flow::report_traffic(bool good) {
  const auto& outlier = pool_->options.outlier;
  if (!outlier) return;
  if (good)
    backend_->server->note_success();
  else if (backend_->server->note_error(outlier->errors))
    proxy_.setting_.reports.on_errors(pool_, index_);
}

// Sends the request and returns with the final head; interim ones go to the client.
net::Task<Result<>> Flow::converse(upstream::BackendExchange& backend) {
  const upstream::BackendExchange::Request request{head_, target_, body_, exchange_.client().peer,
                                                   exchange_.client().local};
  auto started = co_await backend.start(reservation_, request);
  if (!started) co_return started.error();
  for (;;) {
    auto read = co_await backend.read_head();
    if (!read) co_return read.error();
    http::ResponseHead& head = backend.head();
    if (head.status >= 200 || head.status == 101) co_return Result<>{};
    http::strip_hop_by_hop(head);
    exchange_.watch_client(nullptr);
    informed_ = true;
    auto informed = co_await exchange_.inform(head);
    if (!informed) co_return Error{Side::client, Cause::cancelled, false, {}, "passing on an interim answer"};
  }
}

// On the way out only, so that a stored answer never carries it. An application that sets a cookie of that name has the
// last word.
void Flow::add_sticky_cookie(http::ResponseHead& head) {
  if (!pool_->sticky) return;
  const balance::StickyCookies& cookies = *pool_->sticky;
  for (const http::Field& field : head.fields)
    if (field.id == http::FieldId::set_cookie && balance::set_cookie_name(field.value) == cookies.options().cookie)
      return;
  const auto cookie = cookies.renew(visitor_, index_, head_.scheme == "https", loop_.wall_now());
  if (cookie) head.fields.add(http::FieldId::set_cookie, exchange_.arena().copy(*cookie));
}

// The backend has said all; what the client still says goes through as long as something moves.
net::Task<void> Flow::finish_tunnel(upstream::BackendExchange& backend) {
  net::Deadline quiet(loop_, signal_);
  std::uint64_t seen = exchange_.body_bytes_in();
  quiet.arm(exchange_.client().tunnel_timeout);
  while (backend.is_sending()) {
    if (quiet.expired()) {
      if (exchange_.body_bytes_in() == seen) {
        record_.ended = Ended::client_timeout;
        co_return;
      }
      seen = exchange_.body_bytes_in();
      quiet.arm(exchange_.client().tunnel_timeout);
    }
    co_await signal_.wait();
  }
}

// The answer ended early, and that was the server's doing.
bool Flow::is_broken(const front::Sent& sent) {
  return (sent.nothing_sent || sent.end == front::Sent::End::body_failed) && sent.error.side == Side::backend;
}

net::Task<void> Flow::deliver(upstream::BackendExchange& backend) {
  http::ResponseHead& head = backend.head();
  record_.status = head.status;
  const std::string_view upgrade = head.fields.value(http::FieldId::upgrade);
  http::strip_hop_by_hop(head);
  char date[http::kDateSize];
  if (!head.fields.has(http::FieldId::date)) {  // RFC 9110 §6.6.1
    http::write_date(loop_.wall_now(), date);
    head.fields.add(http::FieldId::date, {date, sizeof date});
  }
  http::add_response_fields(head, client_.request_id, exchange_.arena());
  add_sticky_cookie(head);
  route_->response.apply(head.fields);
  if (head.status == 101) {
    head.fields.add(http::FieldId::upgrade, upgrade);
    backend.accept_tunnel(exchange_.upgraded_input());
    deadline_.disarm();  // a tunnel lives as long as something moves in it
    report_traffic(true);
  }
  http::Body* body = backend.body();
  std::optional<TimedBody> timed;
  if (body != nullptr && (deadline_.armed() || deadline_.expired()))
    body = &timed.emplace(*body, loop_, deadline_.due());
  const front::Sent sent = co_await exchange_.respond(head, body);
  if (head.status < 500 && head.status != 101) report_traffic(!is_broken(sent));
  if (sent.nothing_sent) {  // the client learns of it in words instead
    proxy_.tally_->count_backend_error(*pool_, *backend_, to_string(sent.error.cause));
    co_return answer_error(sent.error);
  }
  note_sent(sent);
  if (head.status == 101 && sent.end == front::Sent::End::completed) co_await finish_tunnel(backend);
  if (record_.ended == Ended::backend_error || record_.ended == Ended::backend_timeout)
    proxy_.tally_->count_backend_error(*pool_, *backend_, record_.reason);
}

}  // namespace shellac::proxy
