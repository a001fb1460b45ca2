// The cache's part in a request's way: looked up, waited for, fetched for all who ask, or passed by.
#include "fill.hpp"
#include "flow.hpp"
#include "selection.hpp"
#include "shellac/cache/cache_status.hpp"
#include "shellac/cache/key.hpp"
#include "shellac/cache/tags.hpp"
#include "shellac/core/limits.hpp"
#include "tally.hpp"

namespace shellac::proxy {
namespace {

// A variant or an abandoned fetch sends a request back to the lookup; after so many times it asks for itself.
constexpr int kLookupsMax = 4;

}  // namespace

cache::KeySource Flow::key_source() const {
  return {head_.scheme, record_.host, path_.get(route_->normalize_path).value_or(original_path_), original_query_,
          &head_.fields};
}

void Flow::note_pass(cache::Bypass why) {
  record_.cache = CacheOutcome::pass;
  record_.cache_reason = to_string(why);
  cache_status_.forward = cache::forward_of(why);
  if (cache_status_.forward == cache::CacheStatus::Forward::bypass) cache_status_.detail = to_string(why);
}

void Flow::note_miss(cache::Miss why) {
  record_.cache = CacheOutcome::miss;
  record_.cache_reason = to_string(why);
  cache_status_.forward = cache::forward_of(why);
}

// False: it has been answered, or `answer_` is set.
net::Task<bool> Flow::use_cache() {
  if (config_->cache == nullptr) co_return true;
  policy_ = config_->policy_of_route[route_->index].get();
  if (policy_ == nullptr) co_return true;
  pool_ = config_->pool_of_route[route_->index];
  meet_visitor();
  if (!route_->request.empty() && !prepare_request()) co_return false;
  judged_ = cache::judge_request(
      *policy_, head_, pool_->sticky ? std::string_view(pool_->sticky->options().cookie) : std::string_view());
  if (judged_.bypass != cache::Bypass::none) {
    note_pass(judged_.bypass);
    if (!judged_.only_if_cached) co_return true;
    co_return answer_with(504, "destination_unavailable", "only_if_cached");  // RFC 9111 §5.2.1.7
  }
  key_ = cache::make_key(*policy_, key_source(), exchange_.arena());
  if (judged_.only_if_cached) {
    const bool go_on = co_await peek();
    co_return go_on;
  }
  for (int round = 0; round < kLookupsMax; ++round) {
    const Looked looked = co_await look_up();
    if (looked == Looked::answered) co_return false;
    if (looked == Looked::pass) co_return true;
  }
  co_return true;
}

// Without asking anybody (RFC 9111 §5.2.1.7).
net::Task<bool> Flow::peek() {
  Selection selection({*policy_, judged_, head_.fields, exchange_.arena(), loop_.now()});
  cache::Found found = config_->cache->peek(key_, selection, loop_.now());
  if (found.kind == cache::Found::Kind::hit || found.kind == cache::Found::Kind::stale) {
    record_.cache = found.kind == cache::Found::Kind::hit ? CacheOutcome::hit : CacheOutcome::stale;
    cache_status_.hit = true;
    const bool sent = co_await respond_stored(std::move(found.object), nullptr);
    if (sent) co_return false;
  }
  note_miss(found.miss == cache::Miss::none ? cache::Miss::uri : found.miss);
  co_return answer_with(504, "destination_unavailable", "only_if_cached");  // RFC 9111 §5.2.1.7
}

net::Task<Flow::Looked> Flow::look_up() {
  Selection selection({*policy_, judged_, head_.fields, exchange_.arena(), loop_.now()});
  cache::Found found = config_->cache->look_up(key_, selection, loop_.now(), policy_->options().min_uses);
  const cache::Miss why = selection.why_validate() == cache::Miss::request ? cache::Miss::request : found.miss;
  switch (found.kind) {
    case cache::Found::Kind::hit: {
      record_.cache = found.joined ? CacheOutcome::join : CacheOutcome::hit;
      cache_status_.hit = true;
      cache_status_.collapsed = found.joined;
      const bool sent = co_await respond_stored(std::move(found.object), nullptr);
      co_return sent ? Looked::answered : Looked::again;
    }
    case cache::Found::Kind::stale: {
      record_.cache = CacheOutcome::stale;
      record_.cache_reason = found.backs_off ? "back_off" : "grace";
      cache_status_.hit = true;
      if (found.leader) start_fill(std::move(found.leader), found.object);
      const bool sent = co_await respond_stored(std::move(found.object), nullptr);
      co_return sent ? Looked::answered : Looked::again;
    }
    case cache::Found::Kind::wait: {
      note_miss(why);
      if (!judged_.collapses) co_return Looked::pass;
      cache_status_.collapsed = true;
      const Looked looked = co_await follow(std::move(found.follower), found.object, nullptr);
      co_return looked;
    }
    case cache::Found::Kind::lead: {
      note_miss(why);
      // HEAD is answered from what GET brings, as in Varnish; to the RFC alone it is a request of its own.
      if (head_.known == http::Method::head && policy_->options().strict_rfc) co_return Looked::pass;
      if (!found.collapses && is_conditional()) {
        note_pass(head_.fields.has(http::FieldId::range) ? cache::Bypass::range : cache::Bypass::none);
        co_return Looked::pass;
      }
      cache::Follower follower = found.leader.follow();
      const std::shared_ptr<Fill> fill = start_fill(std::move(found.leader), found.object);
      if (!fill) co_return Looked::answered;
      const Looked looked = co_await follow(std::move(follower), found.object, fill);
      co_return looked;
    }
    case cache::Found::Kind::none:
      break;
  }
  co_return Looked::pass;
}

// Null: the request cannot be asked at all, and `answer_` says so.
std::shared_ptr<Fill> Flow::start_fill(cache::Leader leader, const cache::ObjectRef& stale) {
  if (!prepare_request()) return nullptr;
  auto fill = std::make_shared<Fill>(proxy_, loop_, std::move(leader),
                                     Fill::Order{config_, route_, key_, key_source(), head_, judged_, stale, target_,
                                                 exchange_.client().peer, exchange_.client().local, hash_, visitor_});
  proxy_.fills_.spawn(Fill::run(fill));
  return fill;
}

// Waits for somebody's fetch: `fill`, when it is this request's own.
net::Task<Flow::Looked> Flow::follow(cache::Follower follower, cache::ObjectRef stale, std::shared_ptr<Fill> fill) {
  struct Attend {
    Fill* fill;
    Attend(Fill* attended, Waiter& waiter) : fill(attended) {
      if (fill != nullptr) fill->set_client(&waiter);
    }
    ~Attend() {
      if (fill != nullptr) fill->set_client(nullptr);
    }
  } attend{fill.get(), signal_};
  net::Deadline patience(loop_, signal_);
  if (!fill) patience.arm(limits::kFollowerWait);
  cache::Verdict verdict;
  for (;;) {
    verdict = follower.ask(signal_);
    if (fill) {
      const bool alive = co_await pass_on_interim(*fill);
      if (!alive) break;
    }
    if (verdict != cache::Verdict::waiting || (fill && fill->is_private())) break;
    if (const auto why = gave_up()) {
      follower.stop_waiting();
      answer_error({*why == Cause::timeout ? Side::self : Side::client, *why, true, {}, "waiting for a fetch"});
      co_return Looked::answered;
    }
    if (patience.expired()) {
      follower.stop_waiting();
      co_return Looked::pass;  // it has waited long enough: for itself
    }
    exchange_.watch_client(&signal_);
    co_await signal_.wait();
    exchange_.watch_client(nullptr);
  }
  follower.stop_waiting();
  const Looked looked = co_await use_verdict(verdict, follower, std::move(stale), fill.get());
  co_return looked;
}

// False: the client is gone.
net::Task<bool> Flow::pass_on_interim(Fill& fill) {
  for (const Fill::Interim& interim : fill.take_interim()) {
    http::ResponseHead head;
    head.status = interim.status;
    for (const auto& [name, value] : interim.fields) head.fields.add(name, value);
    const auto sent = co_await exchange_.inform(head);
    if (!sent) co_return false;
  }
  co_return true;
}

net::Task<Flow::Looked> Flow::use_verdict(cache::Verdict verdict, cache::Follower& follower, cache::ObjectRef stale,
                                          Fill* fill) {
  if (fill != nullptr) note_fetch(*fill);
  if (fill != nullptr && fill->is_private()) {
    co_await deliver(fill->fetch());
    co_return Looked::answered;
  }
  Selection selection({*policy_, judged_, head_.fields, exchange_.arena(), loop_.now()});
  switch (verdict) {
    case cache::Verdict::published: {
      cache::ObjectRef object = follower.object();
      if (!object || (fill == nullptr && selection.judge(*object) == cache::Selector::Use::no)) co_return Looked::again;
      if (fill == nullptr) record_.cache = CacheOutcome::join;
      const bool sent = co_await respond_stored(std::move(object), fill);
      co_return sent ? Looked::answered : Looked::again;
    }
    case cache::Verdict::failed: {
      const Error error = follower.error();
      if (stale && selection.serves_on_error(*stale, error)) {
        record_.cache = CacheOutcome::stale;
        record_.cache_reason = "stale_if_error";
        cache_status_.detail = "stale_if_error";
        const bool sent = co_await respond_stored(std::move(stale), nullptr);
        co_return sent ? Looked::answered : Looked::again;
      }
      answer_error(error);
      if (fill != nullptr && !fill->refusal().empty()) answer_->reason = fill->refusal();
      co_return Looked::answered;
    }
    case cache::Verdict::refused:
    case cache::Verdict::abandoned:
    case cache::Verdict::waiting:
      break;
  }
  co_return Looked::again;
}

// What the record tells of backends is the fetch's.
void Flow::note_fetch(const Fill& fill) {
  const RequestRecord& from = fill.record();
  record_.pool = from.pool;
  record_.backend = from.backend;
  record_.zone = from.zone;
  record_.attempts = from.attempts;
  if (!from.sticky.empty()) record_.sticky = from.sticky;
  record_.t_queue = from.t_queue;
  record_.t_connect = from.t_connect;
  record_.t_first_byte = from.t_first_byte;
  cache_status_.forward_status = fill.status();
  cache_status_.stored = fill.status() != 0 && fill.not_stored() == cache::NotStored::none;
  if (fill.not_stored() != cache::NotStored::none) {
    cache_status_.detail = to_string(fill.not_stored());
    record_.cache_reason = to_string(fill.not_stored());
  }
}

// A successful unsafe request makes what is stored under its target invalid (RFC 9111 §4.4), and the groups that its
// answer names (RFC 9875 §3).
void Flow::invalidate(const http::ResponseHead& head) {
  if (policy_ == nullptr || !cache::invalidates(head_, head.status)) return;
  cache::Cache& cache = *config_->cache;
  const cache::KeySource source = key_source();
  const bool has_parts = !policy_->key_headers().empty() || !policy_->key_cookies().empty();
  for (const std::string_view key : cache::keys_to_invalidate(*policy_, source, head.fields, exchange_.arena())) {
    cache.purge(key, cache::Cache::Purge::hard, loop_.now());
    if (has_parts) cache.purge_tag(cache::tag_of_url(key, exchange_.arena()), cache::Cache::Purge::hard, loop_.now());
  }
  for (const std::string_view tag : cache::groups_to_invalidate(source, head.fields, exchange_.arena()))
    cache.purge_tag(tag, cache::Cache::Purge::hard, loop_.now());
}

// PURGE from `purge_from`: the URL in all its variants, whatever route its GET takes, or what its Surrogate-Key names.
// False: it is answered.
bool Flow::obey_purge() {
  if (head_.known != http::Method::purge || config_->cache == nullptr || config_->purge_from.empty()) return true;
  if (!client_.has_address || !config_->purge_from.contains(client_.address))
    return answer_with(403, "http_request_denied", "purge");
  PurgeBus& bus = proxy_.setting_.purges;
  Arena& arena = exchange_.arena();
  const bool soft = head_.fields.find("Soft-Purge") != nullptr || head_.fields.find("Fastly-Soft-Purge") != nullptr;
  std::size_t count = 0;
  const cache::Tags tags =
      cache::read_tags({head_.scheme, record_.host, original_path_, original_query_, nullptr}, head_.fields, arena);
  for (const std::string_view tag : tags) count += bus.purge(*config_, {{}, tag, soft}, loop_.now()).value_or(0);
  if (tags.empty()) {
    const auto gone =
        bus.purge(*config_, {arena.concat({head_.scheme, "://", record_.host, record_.path}), {}, soft}, loop_.now());
    if (!gone) return answer_with(400, "http_request_error", "url");
    count = *gone;
  }
  answer_.emplace();
  answer_->body = "purged " + std::to_string(count) + "\n";
  answer_->type = "text/plain; charset=utf-8";
  return false;
}

}  // namespace shellac::proxy
