#include "fetch.hpp"

#include "shellac/http/forwarding.hpp"
#include "tally.hpp"

namespace shellac::proxy {

Fetch::Fetch(const Setting& setting, Request request)
    : setting_(setting), request_(std::move(request)), pool_(request_.pool) {}

Fetch::~Fetch() { load(false); }

// Counts the request among those that its server works on, until the answer is whole or given up.
void Fetch::load(bool busy) {
  if (busy == loads_) return;
  loads_ = busy;
  if (busy)
    backend_->server->requests.fetch_add(1, std::memory_order_relaxed);
  else
    backend_->server->requests.fetch_sub(1, std::memory_order_relaxed);
}

// The request may be sent a second time: its method allows that (RFC 9110 §9.2.2), its body is at hand, and nothing of
// an answer has gone to the client.
bool Fetch::may_repeat() const {
  return !informed_ && http::is_idempotent(request_.head.known) && request_.head.upgrade.empty() &&
         (request_.body == nullptr || (request_.buffered != nullptr && request_.buffered->is_whole()));
}

net::Task<bool> Fetch::run() {
  RequestRecord& record = setting_.record;
  record.pool = pool_->options.name;
  pool_->state->budget.count_request(setting_.loop.now());
  const bool chosen = co_await choose();
  if (!chosen) co_return no_server();
  for (;;) {
    backend_ = &pool_->backends[index_];
    record.backend = backend_->name;
    record.zone = backend_->zone;
    ++record.attempts;
    const std::string_view retried = retried_;
    load(true);
    Attempt attempt = co_await try_backend();
    if (attempt == Attempt::same_server) attempt = co_await try_backend();
    if (!retried.empty())
      setting_.proxy.tally_->count_retry(*pool_, retried, attempt == Attempt::answered ? "ok" : "failed");
    if (attempt == Attempt::answered) co_return true;
    load(false);
    exchange_.reset();
    if (attempt == Attempt::over) co_return false;
    if (attempt == Attempt::queue) {
      failure_.reset();
      const Waited waited = co_await wait_for_place(std::nullopt);
      if (!was_placed(waited)) co_return no_server();
    }
  }
}

// Completes failure() where it is the choice that failed; always false.
bool Fetch::no_server() {
  if (failure_) return false;
  const bool queued = refusal_ == balance::NoPick::queue_full || refusal_ == balance::NoPick::queue_timeout;
  failure_ = Error{Side::self, queued ? Cause::limit : Cause::no_backend, true, {}, "choosing a backend"};
  refused_ = true;
  return false;
}

// Another server that has not been asked yet, within `retries.attempts` and the budget. It is reserved then, unless all
// who are left are full: that is to wait for them.
Fetch::Attempt Fetch::find_other_server(Again again) {
  const balance::RetryOptions& retries = pool_->options.retries;
  if (static_cast<std::uint32_t>(setting_.record.attempts) > retries.attempts || setting_.asker.gave_up())
    return Attempt::over;
  tried_.add(index_);
  if (balance::looks_sick(*pool_->group, index_, setting_.loop.now())) avoid_zone_ = backend_->zone;
  const balance::Pick picked = pick();
  if (picked.server == nullptr && !(again.may_wait && picked.reason == balance::NoPick::all_full)) {
    setting_.proxy.tally_->count_retry(*pool_, again.reason, to_string(picked.reason));
    return Attempt::over;
  }
  // Before a connection is taken, or a spent budget would cost an idle one each time.
  if (again.within_budget && !pool_->state->budget.try_take(retries.budget, setting_.loop.now())) {
    setting_.proxy.tally_->count_retry(*pool_, again.reason, "budget");
    return Attempt::over;
  }
  const bool reserved = picked.server != nullptr && reserve(picked.index);
  if (!reserved && !again.may_wait) return Attempt::over;
  retried_ = again.reason;
  return reserved ? Attempt::other_server : Attempt::queue;
}

// One attempt, with everything that may come of it.
net::Task<Fetch::Attempt> Fetch::try_backend() {
  if (request_.buffered != nullptr) request_.buffered->rewind();
  exchange_.emplace(upstream::BackendExchange::Setting{setting_.loop, setting_.proxy.connector_, *pool_, *backend_,
                                                       setting_.signal, setting_.asker});
  const auto conversed = co_await converse();
  setting_.record.t_connect = exchange_->connect_time();
  setting_.record.t_first_byte = exchange_->first_byte_time();
  setting_.asker.stop_watching();
  if (conversed) {
    const int status = exchange_->head().status;
    setting_.proxy.tally_->count_backend(*pool_, *backend_, status, exchange_->first_byte_time());
    // Anything else is good when all of it has come: judge_body().
    if (status >= 500) report_traffic(false);
    co_return is_worth_a_retry(status) ? Attempt::other_server : Attempt::answered;
  }
  failure_ = conversed.error();
  if (setting_.deadline.expired())
    failure_ = Error{Side::self, Cause::timeout, false, {}, "keeping the route's timeout"};
  co_return judge_failure();
}

// What a failed attempt means for the request.
Fetch::Attempt Fetch::judge_failure() {
  if (failure_->side != Side::backend) return Attempt::over;
  const bool cut = failure_->cause == Cause::closed || failure_->cause == Cause::reset;
  if (cut && exchange_->reused_connection() && exchange_->nothing_received() && may_repeat()) {
    // The connection was dead before: nobody has seen the request. It goes out again on a fresh one, which takes over
    // the permit; that counts neither as an attempt nor in the budget.
    reservation_ = {nullptr, exchange_->take_permit()};
    return Attempt::same_server;
  }
  setting_.proxy.tally_->count_backend_error(*pool_, *backend_, to_string(failure_->cause));
  report_traffic(false);
  const balance::RetryOptions& retries = pool_->options.retries;
  if (failure_->unseen_by_backend)
    return retries.on_connect ? find_other_server({"connect", false, true}) : Attempt::over;
  const bool timeout = failure_->cause == Cause::timeout;
  if (!may_repeat() || !(timeout ? retries.on_timeout : cut && retries.on_reset)) return Attempt::over;
  return find_other_server({timeout ? "timeout" : "reset", true, true});
}

// An answer that says that somebody else may do better, before anything of it has been sent.
bool Fetch::is_worth_a_retry(int status) {
  const balance::RetryOptions& retries = pool_->options.retries;
  std::string_view reason;
  if (status == 502 && retries.on_502) reason = "502";
  if (status == 503 && retries.on_503) reason = "503";
  if (status == 504 && retries.on_504) reason = "504";
  return !reason.empty() && may_repeat() && find_other_server({reason, true, false}) == Attempt::other_server;
}

// Real traffic tells of a server's health, too.
void Fetch::report_traffic(bool good) {
  const auto& outlier = pool_->options.outlier;
  if (!outlier) return;
  if (good)
    backend_->server->note_success();
  else if (backend_->server->note_error(outlier->errors))
    setting_.proxy.setting_.reports.on_errors(pool_, index_);
}

// Sends the request and returns with the final head; interim ones go to the client.
net::Task<Result<>> Fetch::converse() {
  const upstream::BackendExchange::Request request{request_.head, request_.target, request_.body, request_.client,
                                                   request_.local};
  auto started = co_await exchange_->start(reservation_, request);
  if (!started) co_return started.error();
  for (;;) {
    auto read = co_await exchange_->read_head();
    if (!read) co_return read.error();
    http::ResponseHead& head = exchange_->head();
    if (head.status >= 200 || head.status == 101) co_return Result<>{};
    http::strip_hop_by_hop(head);
    setting_.asker.stop_watching();
    informed_ = true;
    auto informed = co_await setting_.asker.inform(head);
    if (!informed) co_return Error{Side::client, Cause::cancelled, false, {}, "passing on an interim answer"};
  }
}

// An application that sets a cookie of that name has the last word.
std::optional<std::string> Fetch::sticky_cookie() {
  if (!pool_->sticky) return std::nullopt;
  const balance::StickyCookies& cookies = *pool_->sticky;
  for (const http::Field& field : exchange_->head().fields)
    if (field.id == http::FieldId::set_cookie && balance::set_cookie_name(field.value) == cookies.options().cookie)
      return std::nullopt;
  return cookies.renew(request_.visitor, index_, request_.head.scheme == "https", setting_.loop.wall_now());
}

void Fetch::judge_body(bool whole) {
  const int status = exchange_->head().status;
  if (status < 500) report_traffic(whole);
}

void Fetch::count_broken(std::string_view reason) {
  setting_.proxy.tally_->count_backend_error(*pool_, *backend_, reason);
}

}  // namespace shellac::proxy
