// The part of a request's way that decides which server it goes to: the visitor's own, the pool's choice, or the queue.
#include <vector>

#include "flow.hpp"
#include "tally.hpp"

namespace shellac::proxy {
namespace {

// A pool that is down is told in the daemon's log, but not for each request.
constexpr Duration kTellEvery = std::chrono::seconds(1);

// Those who may get a request that belongs to nobody, be they full or not.
std::vector<balance::Server*> takers(const balance::Group& group, const balance::Ask& ask) {
  balance::Ask patient = ask;
  patient.ignore_full = true;
  const bool panic = balance::is_panicking(group, ask.now);
  std::vector<balance::Server*> list;
  for (std::size_t i = 0; i < group.members.size(); ++i)
    if (balance::standing_of(group, i, patient, panic) == balance::Standing::eligible)
      list.push_back(group.members[i].server.get());
  return list;
}

}  // namespace

// Reads the sticky cookie and takes it out of what the backend sees; an application's own cookie of that name stays.
void Flow::meet_visitor() {
  if (!pool_->sticky) return;
  const balance::StickyCookies& cookies = *pool_->sticky;
  const std::string& name = cookies.options().cookie;
  for (const http::Field& field : head_.fields) {
    if (field.id != http::FieldId::cookie) continue;
    const auto value = balance::find_cookie(field.value, name);
    if (!value) continue;
    visitor_ = cookies.read(*value, loop_.wall_now(), &proxy_.seals_);
    if (visitor_.result == balance::StickyResult::valid || cookies.is_ours(*value)) hide_cookie(name);
    break;
  }
  record_.sticky = to_string(visitor_.result);
  proxy_.tally_->count_sticky(*pool_, visitor_.result);
}

// What is left of all Cookie lines becomes one (RFC 6265 §5.4).
void Flow::hide_cookie(std::string_view name) {
  std::string left;
  for (const http::Field& field : head_.fields) {
    if (field.id != http::FieldId::cookie) continue;
    const std::string part = balance::without_cookie(field.value, name);
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

bool Flow::is_visitors(std::size_t index) {
  return visitor_.result == balance::StickyResult::valid && visitor_.member == index;
}

// Counts and remembers why nobody takes the request.
bool Flow::refuse_to_pick(std::string_view reason) {
  proxy_.tally_->count_refusal(*pool_, reason);
  refusal_ = reason;
  if (loop_.now() - proxy_.refusal_told_ >= kTellEvery) {
    proxy_.refusal_told_ = loop_.now();
    proxy_.setting_.reports.on_refusal(pool_, reason);
  }
  return false;
}

// Without waiting: for a request that has been somewhere already.
bool Flow::try_choose() {
  const balance::Ask ask{loop_.now(), &tried_, hash_, avoid_zone_, false};
  const balance::Pick pick = proxy_.picker_of(*pool_).pick(ask);
  return pick.server != nullptr && reserve(pick.index);
}

// For the first attempt. False: `refusal_` or `failure_` says why not.
net::Task<bool> Flow::choose() {
  const balance::Group& group = *pool_->group;
  if (visitor_.result == balance::StickyResult::valid) {
    const std::size_t own = visitor_.member;
    if (!balance::serves_visitors(group, own, loop_.now())) {
      record_.sticky = "down";
    } else {
      if (reserve(own)) co_return true;
      const bool placed = co_await wait_for_place(group.members[own].server.get());
      if (placed) co_return true;
      if (failure_ || refusal_ != "queue_timeout") co_return false;
      record_.sticky = "busy";  // it waited long enough: elsewhere
    }
  }
  const balance::Ask ask{loop_.now(), &tried_, hash_, avoid_zone_, false};
  const balance::Pick pick = proxy_.picker_of(*pool_).pick(ask);
  if (pick.server == nullptr && pick.reason != balance::NoPick::all_full)
    co_return refuse_to_pick(to_string(pick.reason));
  if (pick.server != nullptr && reserve(pick.index)) co_return true;
  const bool placed = co_await wait_for_place(nullptr);
  co_return placed;
}

// Queues for `wanted`, or for whoever is free first.
net::Task<bool> Flow::wait_for_place(balance::Server* wanted) {
  balance::WaitingRoom& room = pool_->state->room;
  const balance::Ask ask{loop_.now(), &tried_, 0, {}, true};
  const auto servers = takers(*pool_->group, ask);
  const bool any_will_do = may_repeat() && pool_->options.send_proxy == net::SendProxy::off;
  balance::Ticket ticket(signal_, wanted, any_will_do ? proxy_.connector_.place_of(*pool_) : nullptr);
  struct Leave {
    upstream::Connector& connector;
    const upstream::Pool& pool;
    balance::Ticket& ticket;
    bool done = false;
    ~Leave() {
      if (!done) connector.give_up(ticket, pool);
    }
  } leave{proxy_.connector_, *pool_, ticket};
  const Time entered = loop_.now();
  const auto entry = room.enter(ticket, servers, pool_->options.queue.limit);
  if (entry == balance::WaitingRoom::Entry::full) co_return refuse_to_pick("queue_full");
  net::Deadline patience(loop_, signal_);
  patience.arm(pool_->options.queue.timeout);
  while (!room.look_again(ticket, servers)) {
    if (const auto why = gave_up()) {
      failure_ = Error{*why == Cause::timeout ? Side::self : Side::client, *why, true, {}, "waiting for a server"};
      co_return false;
    }
    if (patience.expired()) co_return refuse_to_pick("queue_timeout");
    exchange_.watch_client(&signal_);
    co_await signal_.wait();
  }
  exchange_.watch_client(nullptr);
  record_.t_queue = loop_.now() - entered;
  const balance::Server* const server = room.granted(ticket);
  for (std::size_t i = 0; i < pool_->servers.size(); ++i) {
    if (pool_->servers[i].get() != server) continue;
    leave.done = true;
    index_ = i;
    reservation_ = proxy_.connector_.take_granted(ticket, *pool_, pool_->backends[i]);
    room.leave(ticket, true);
    co_return true;
  }
  co_return refuse_to_pick("all_down");  // of another configuration by now
}

}  // namespace shellac::proxy
