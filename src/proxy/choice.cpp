// The part of a request's way that decides which server it goes to: the visitor's own, the pool's choice, or the queue.
#include <algorithm>
#include <vector>

#include "fetch.hpp"
#include "tally.hpp"

namespace shellac::proxy {
namespace {

// A pool that is down is told in the daemon's log, but not for each request.
constexpr Duration kTellEvery = std::chrono::seconds(1);

}  // namespace

bool Fetch::reserve(std::size_t index) {
  reservation_ =
      setting_.proxy.connector_.try_reserve(*pool_, pool_->backends[index], request_.head.authority, may_repeat());
  if (!reservation_) return false;
  index_ = index;
  return true;
}

// Counts and remembers why nobody takes the request.
bool Fetch::refuse_to_pick(balance::NoPick reason) {
  setting_.proxy.tally_->count_refusal(*pool_, to_string(reason));
  refusal_ = reason;
  if (setting_.loop.now() - setting_.proxy.refusal_told_ >= kTellEvery) {
    setting_.proxy.refusal_told_ = setting_.loop.now();
    setting_.proxy.setting_.reports.on_refusal(pool_, to_string(reason));
  }
  return false;
}

balance::Pick Fetch::pick() {
  return setting_.proxy.picker_of(*pool_).pick({setting_.loop.now(), &tried_, request_.hash, avoid_zone_, false});
}

// Without waiting. Why nobody was reserved; nothing when somebody was.
std::optional<balance::NoPick> Fetch::try_choose() {
  const balance::Pick picked = pick();
  if (picked.server == nullptr) return picked.reason;
  if (reserve(picked.index)) return std::nullopt;
  return balance::NoPick::all_full;  // others wait for what is free
}

// For the first attempt. False: `refusal_` or `failure_` says why not.
net::Task<bool> Fetch::choose() {
  if (request_.visitor.result == balance::StickyResult::valid) {
    const std::size_t own = request_.visitor.member;
    if (balance::serves_visitors(*pool_->group, own, setting_.loop.now())) {
      if (reserve(own)) co_return true;
      const Waited waited = co_await wait_for_place(own);
      if (waited != Waited::too_long && waited != Waited::all_out) co_return was_placed(waited);
      setting_.record.sticky = waited == Waited::too_long ? "busy" : "down";  // elsewhere, then
    } else {
      setting_.record.sticky = "down";
    }
  }
  const auto reason = try_choose();
  if (!reason) co_return true;
  if (*reason != balance::NoPick::all_full) co_return refuse_to_pick(*reason);
  const Waited waited = co_await wait_for_place(std::nullopt);
  co_return was_placed(waited);
}

// What came of the wait; if nothing, `refusal_` or `failure_` says why.
bool Fetch::was_placed(Waited waited) {
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
net::Task<Fetch::Waited> Fetch::wait_for_place(std::optional<std::size_t> own) {
  balance::WaitingRoom& room = pool_->state->room;
  const balance::Group& group = *pool_->group;
  const auto takers = [&]() -> std::vector<balance::Server*> {
    if (own) return {};
    return balance::takers_of(group, {setting_.loop.now(), &tried_, 0, {}, true});
  };
  const auto is_hopeless = [&](const auto& servers) {
    return own ? !balance::serves_visitors(group, *own, setting_.loop.now()) : servers.empty();
  };
  const bool any_will_do = may_repeat() && pool_->options.send_proxy == net::SendProxy::off;
  balance::Ticket ticket(setting_.signal, own ? group.members[*own].server.get() : nullptr,
                         any_will_do ? setting_.proxy.connector_.place_of(*pool_) : nullptr);
  struct Leave {
    Fetch& fetch;
    balance::Ticket& ticket;
    const Time entered = fetch.setting_.loop.now();
    ~Leave() {
      fetch.setting_.asker.stop_watching();
      fetch.setting_.record.t_queue =
          std::max(fetch.setting_.record.t_queue, Duration::zero()) + (fetch.setting_.loop.now() - entered);
      fetch.setting_.proxy.connector_.give_up(ticket, *fetch.pool_);  // nothing, once it was placed
    }
  } leave{*this, ticket};
  std::vector<balance::Server*> servers = takers();
  const auto entry = room.enter(ticket, servers, pool_->options.queue.limit);
  if (entry == balance::WaitingRoom::Entry::full) co_return Waited::queue_full;
  net::Deadline patience(setting_.loop, setting_.signal);
  patience.arm(pool_->options.queue.timeout);
  // Before a place is looked at: one that came at a dead server, or for a client who left, goes on to the next.
  while (true) {
    if (is_hopeless(servers)) co_return Waited::all_out;
    if (const auto why = setting_.asker.gave_up()) {
      failure_ = Error{*why == Cause::timeout ? Side::self : Side::client, *why, true, {}, "waiting for a server"};
      co_return Waited::gave_up;
    }
    if (room.look_again(ticket, servers)) break;
    if (patience.expired()) co_return Waited::too_long;
    setting_.asker.watch(setting_.signal);
    co_await setting_.signal.wait();
    servers = takers();
  }
  const auto at = std::ranges::find(pool_->servers, room.granted(ticket), &std::shared_ptr<balance::Server>::get);
  index_ = static_cast<std::size_t>(at - pool_->servers.begin());  // one of those it said it takes
  reservation_ = setting_.proxy.connector_.take_granted(ticket, *pool_, pool_->backends[index_]);
  room.leave(ticket, true);
  co_return Waited::placed;
}

}  // namespace shellac::proxy
