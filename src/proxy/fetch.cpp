// The part of a request's way that asks backends: attempts, and the answer that one of them gives.
#include "error_reply.hpp"
#include "flow.hpp"
#include "shellac/http/date.hpp"
#include "tally.hpp"

namespace shellac::proxy {
namespace {

// A server that cannot be connected to, or goes before a byte of its answer, costs the client nothing as long as
// another one answers.
constexpr int kOtherServers = 2;

}  // namespace

// The request may be sent a second time: its method allows that (RFC 9110 §9.2.2) and its body is at hand.
bool Flow::may_repeat() const {
  return http::is_idempotent(head_.known) && head_.upgrade.empty() &&
         (body_ == nullptr || (buffered_ && buffered_->is_whole()));
}

net::Task<void> Flow::fetch() {
  record_.pool = pool_->options.name;
  // A flow that began before a reload brings its own pool; it picks from the start there.
  balance::RoundRobin& picker = proxy_.pickers_.try_emplace(pool_, 0u).first->second;
  balance::Tried tried = 0;
  std::string_view retried_for;  // why the server before was left
  for (int others = 0;; ++others) {
    const balance::Pick pick = picker.pick(pool_->servers, tried);
    if (!pick.server) {
      if (failure_) co_return answer_error(*failure_);
      record_.reason = to_string(pick.reason);
      co_return answer_error({Side::self, Cause::no_backend, true, {}, "choosing a backend"});
    }
    if (pick.index < 64) tried |= balance::Tried{1} << pick.index;
    backend_ = &pool_->backends[pick.index];
    record_.backend = backend_->name;
    record_.zone = backend_->zone;
    ++record_.attempts;
    backend_->server->requests.fetch_add(1, std::memory_order_relaxed);
    Attempt attempt = co_await try_backend(*backend_, may_repeat());
    if (attempt == Attempt::same_server) attempt = co_await try_backend(*backend_, false);
    backend_->server->requests.fetch_sub(1, std::memory_order_relaxed);
    if (others > 0) proxy_.tally_->count_retry(*pool_, retried_for, attempt == Attempt::answered ? "ok" : "failed");
    if (attempt == Attempt::answered) co_return;
    if (attempt == Attempt::over || others == kOtherServers) co_return answer_error(*failure_);
    retried_for = failure_->unseen_by_backend ? "connect" : "reset";
  }
}

// One attempt, with everything that may come of it.
net::Task<Flow::Attempt> Flow::try_backend(const upstream::Backend& backend, bool may_reuse) {
  if (buffered_) buffered_->rewind();
  upstream::BackendExchange exchange({loop_, proxy_.connector_, *pool_, backend, signal_, *this});
  const auto conversed = co_await converse(exchange, may_reuse);
  record_.t_connect = exchange.connect_time();
  record_.t_first_byte = exchange.first_byte_time();
  exchange_.watch_client(nullptr);
  if (conversed) {
    proxy_.tally_->count_backend(*pool_, backend, exchange.head().status, exchange.first_byte_time());
    co_await deliver(exchange);
    co_return Attempt::answered;
  }
  failure_ = conversed.error();
  if (deadline_.expired()) failure_ = Error{Side::self, Cause::timeout, false, {}, "keeping the route's timeout"};
  if (failure_->side != Side::backend) co_return Attempt::over;
  const bool went_away =
      exchange.nothing_received() && (failure_->cause == Cause::closed || failure_->cause == Cause::reset);
  if (went_away && exchange.reused_connection()) co_return Attempt::same_server;
  proxy_.tally_->count_backend_error(*pool_, backend, to_string(failure_->cause));
  // RFC 9110 §9.2.2: what may have been seen is sent again only when that changes nothing.
  const bool may_go_on = failure_->unseen_by_backend || (went_away && may_repeat());
  co_return may_go_on ? Attempt::other_server : Attempt::over;
}

// Sends the request and returns with the final head; interim ones go to the client.
net::Task<Result<>> Flow::converse(upstream::BackendExchange& backend, bool may_reuse) {
  const upstream::BackendExchange::Request request{
      head_, target_, body_, exchange_.client().peer, exchange_.client().local, may_reuse};
  auto started = co_await backend.start(request);
  if (!started) co_return started.error();
  for (;;) {
    auto read = co_await backend.read_head();
    if (!read) co_return read.error();
    http::ResponseHead& head = backend.head();
    if (head.status >= 200 || head.status == 101) co_return Result<>{};
    http::strip_hop_by_hop(head);
    exchange_.watch_client(nullptr);
    auto informed = co_await exchange_.inform(head);
    if (!informed) co_return Error{Side::client, Cause::cancelled, false, {}, "passing on an interim answer"};
  }
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
  route_->response.apply(head.fields);
  if (head.status == 101) {
    head.fields.add(http::FieldId::upgrade, upgrade);
    backend.accept_tunnel(exchange_.upgraded_input());
    deadline_.disarm();  // a tunnel lives as long as something moves in it
  }
  http::Body* body = backend.body();
  std::optional<TimedBody> timed;
  if (body != nullptr && (deadline_.armed() || deadline_.expired()))
    body = &timed.emplace(*body, loop_, deadline_.due());
  const front::Sent sent = co_await exchange_.respond(head, body);
  if (sent.nothing_sent) {  // the client learns of it in words instead
    proxy_.tally_->count_backend_error(*pool_, *backend_, to_string(sent.error.cause));
    co_return answer_error(sent.error);
  }
  note_sent(sent);
  if (record_.ended == Ended::backend_error || record_.ended == Ended::backend_timeout)
    proxy_.tally_->count_backend_error(*pool_, *backend_, record_.reason);
}

}  // namespace shellac::proxy
