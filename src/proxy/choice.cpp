// The part of a request's way that decides which server it goes to: the visitor's own, the pool's choice, or the queue.
#include <algorithm>
#include <vector>

#include "flow.hpp"
#include "tally.hpp"

namespace shellac::proxy {
namespace {

// A pool that is down is told in the daemon's log, but not for each request.
constexpr Duration kTellEvery = std::chrono::seconds(1);

}  // namespace

// Reads the sticky cookie and takes it out of what the backend sees; an application's own cookie of that name stays.
void Flow::meet_visitor() {
  if (!pool_->sticky) return;
  bool has_ours = false;
  for (const http::Field& field : head_.fields) {
    if (field.id != http::FieldId::cookie) continue;
    const auto seen = pool_->sticky->look(field.value, loop_.wall_now(), &proxy_.seals_);
    has_ours |= seen.has_ours;
    if (visitor_.result == balance::StickyResult::valid) continue;
    if (seen.visitor.result == balance::StickyResult::valid || visitor_.result == balance::StickyResult::none)
      visitor_ = seen.visitor;
  }
  if (has_ours) hide_cookie();
  record_.sticky = to_string(visitor_.result);
  proxy_.tally_->count_sticky(*pool_, visitor_.result);
}

// What is left of all Cookie lines becomes one (RFC 6265 §5.4).
void Flow::hide_cookie() {
  std::string left;
  for (const http::Field& field : head_.fields) {
    if (field.id != http::FieldId::cookie) continue;
    const std::string part = pool_->sticky->without_ours(field.value);
    if (!part.empty()) left += (left.empty() ? "" : "; ") + part;
  }
  if (left.empty())
    head_.fields.remove(http::FieldId::cookie);
  else
    head_.fields.set(http::FieldId::cookie, exchange_.arena().copy(left));
}

bool Flow::reserve(std::size_t index) {
  reservation_ = proxy_.connector_.try_reserve(*pool_, pool_->backends[index], head_.authority, may_repeat());
  if (!reservation_) return false;
  index_ = index;
  return true;
}

// Counts and remembers why nobody takes the request.
bool Flow::refuse_to_pick(balance::NoPick reason) {
  proxy_.tally_->count_refusal(*pool_, to_string(reason));
  refusal_ = reason;
  if (loop_.now() - proxy_.refusal_told_ >= kTellEvery) {
    proxy_.refusal_told_ = loop_.now();
    proxy_.setting_.reports.on_refusal(pool_, to_string(reason));
  }
  return false;
}

balance::Pick Flow::pick() { return proxy_.picker_of(*pool_).pick({loop_.now(), &tried_, hash_, avoid_zone_, false}); }

// Without waiting. Why nobody was reserved; nothing when somebody was.
std::optional<balance::NoPick> Flow::try_choose() {
  const balance::Pick picked = pick();
  if (picked.server == nullptr) return picked.reason;
  if (reserve(picked.index)) return std::nullopt;
  return balance::NoPick::all_full;  // others wait for what is free
}

// For the first attempt. False: `refusal_` or `failure_` says why not.
net::Task<bool> Flow::choose() {
  if (visitor_.result == balance::StickyResult::valid) {
    const std::size_t own = visitor_.member;
    if (balance::serves_visitors(*pool_->group, own, loop_.now())) {
      if (reserve(own)) co_return true;
      const Waited waited = co_await wait_for_place(own);
      if (waited != Waited::too_long && waited != Waited::all_out) co_return was_placed(waited);
      record_.sticky = waited == Waited::too_long ? "busy" : "down";  // elsewhere, then
    } else {
      record_.sticky = "down";
    }
  }
  const auto reason = try_choose();
  if (!reason) co_return true;
  if (*reason != balance::NoPick::all_full) co_return refuse_to_pick(*reason);
  const Waited waited = co_await wait_for_place(std::nullopt);
  co_return was_placed(waited);
}

// What came of the wait; if nothing, `refusal_` or `failure_` says why.
bool Flow::was_placed(Waited waited) {
  switch (waited) {
    case Waited::placed:
      return true;
    case Waited::queue_full:
      return refuse_to_pick(balance::NoPick::queue_full);
    case Waited::too_long:
      return refuse_to_pick(balance::NoPick::queue_timeout);
    case Waited::all_out:
      return refuse_to_pick(pick().reason);
    case Waited::gave_up:
      break;
  }
  return false;
}

// Queues for `own`, or for whoever of those that may take the request is free first. Who that is may change meanwhile:
// whoever changes it wakes those who wait.
net::Task<Flow::Waited> Flow::wait_for_place(std::optional<std::size_t> own) {
  balance::WaitingRoom& room = pool_->state->room;
  const balance::Group& group = *pool_->group;
  const auto takers = [&]() -> std::vector<balance::Server*> {
    if (own) return {};
    return balance::takers_of(group, {loop_.now(), &tried_, 0, {}, true});
  };
  const auto is_hopeless = [&](const auto& servers) {
    return own ? !balance::serves_visitors(group, *own, loop_.now()) : servers.empty();
  };
  const bool any_will_do = may_repeat() && pool_->options.send_proxy == net::SendProxy::off;
  balance::Ticket ticket(signal_, own ? group.members[*own].server.get() : nullptr,
                         any_will_do ? proxy_.connector_.place_of(*pool_) : nullptr);
  struct Leave {
    Flow& flow;
    balance::Ticket& ticket;
    const Time entered = flow.loop_.now();
    ~Leave() {
      flow.exchange_.watch_client(nullptr);
      flow.record_.t_queue = std::max(flow.record_.t_queue, Duration::zero()) + (flow.loop_.now() - entered);
      flow.proxy_.connector_.give_up(ticket, *flow.pool_);  // nothing, once it was placed
    }
  } leave{*this, ticket};
  std::vector<balance::Server*> servers = takers();
  const auto entry = room.enter(ticket, servers, pool_->options.queue.limit);
  if (entry == balance::WaitingRoom::Entry::full) co_return Waited::queue_full;
  net::Deadline patience(loop_, signal_);
  patience.arm(pool_->options.queue.timeout);
  // Before a place is looked at: one that came at a dead server, or for a client who left, goes on to the next.
  while (true) {
    if (is_hopeless(servers)) co_return Waited::all_out;
    if (const auto why = gave_up()) {
      failure_ = Error{*why == Cause::timeout ? Side::self : Side::client, *why, true, {}, "waiting for a server"};
      co_return Waited::gave_up;
    }
    if (room.look_again(ticket, servers)) break;
    if (patience.expired()) co_return Waited::too_long;
    exchange_.watch_client(&signal_);
    co_await signal_.wait();
    servers = takers();
  }
  const auto at = std::ranges::find(pool_->servers, room.granted(ticket), &std::shared_ptr<balance::Server>::get);
  index_ = static_cast<std::size_t>(at - pool_->servers.begin());  // one of those it said it takes
  reservation_ = proxy_.connector_.take_granted(ticket, *pool_, pool_->backends[index_]);
  room.leave(ticket, true);
  co_return Waited::placed;
}

}  // namespace shellac::proxy
