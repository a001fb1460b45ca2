#include "fill.hpp"

#include "shellac/cache/stored_head.hpp"
#include "shellac/cache/tags.hpp"
#include "shellac/cache/vary.hpp"
#include "shellac/core/limits.hpp"
#include "shellac/core/text.hpp"
#include "shellac/http/forwarding.hpp"
#include "tally.hpp"

namespace shellac::proxy {

Fill::Fill(Proxy& proxy, net::Loop& loop, cache::Leader leader, const Order& order)
    : proxy_(proxy),
      loop_(loop),
      signal_(loop),
      deadline_(loop, signal_),
      leader_(std::move(leader)),
      config_(order.config),
      route_(order.route),
      policy_(order.config->policy_of_route[order.route->index]),
      judged_(order.judged),
      stale_(order.stale),
      client_address_(order.client),
      local_address_(order.local),
      hash_(order.hash),
      visitor_(order.visitor) {
  copy_request(order);
  if (route_->timeout > Duration::zero()) deadline_.arm(route_->timeout);
}

Fill::~Fill() { keep_promise(promised_); }

void Fill::keep_promise(std::uint64_t octets) {
  octets = std::min(octets, promised_);
  promised_ -= octets;
  if (octets > 0) store_of().keep_promise({octets});
}

void Fill::copy_request(const Order& order) {
  const auto keep = [this](std::string_view text) { return arena_.copy(text); };
  target_ = keep(order.target);
  key_ = keep(order.key);
  head_.method = "GET";
  head_.known = http::Method::get;
  head_.version = order.head.version;
  head_.form = order.head.form;
  head_.scheme = keep(order.head.scheme);
  head_.authority = keep(order.head.authority);
  head_.path = keep(order.head.path);
  head_.query = keep(order.head.query);
  for (const http::Field& field : order.head.fields)
    head_.fields.add({field.id == http::FieldId::other ? keep(field.name) : http::field_name(field.id),
                      keep(field.value), field.id});
  original_ = head_;
  source_ = {keep(order.source.scheme), keep(order.source.authority), keep(order.source.path), keep(order.source.query),
             &original_.fields};
}

void Fill::set_client(Waiter* client) noexcept {
  client_ = client;
  if (client == nullptr) signal_.wake();  // a private answer has nobody left
}

void Fill::wake_client() noexcept {
  if (client_ != nullptr) client_->wake();
}

// Before the head nobody knows whether others will want it; the backend's own deadlines bound the wait.
std::optional<Cause> Fill::gave_up() const {
  if (deadline_.expired()) return Cause::timeout;
  if (aborted_) return Cause::shutdown;
  return std::nullopt;
}

void Fill::abort() noexcept {
  aborted_ = true;
  signal_.wake();
}

// While the body flows.
std::optional<Error> Fill::reason_to_stop(const cache::Content& content) const {
  if (aborted_) return Error{Side::self, Cause::shutdown, false, {}, "filling the cache"};
  if (deadline_.expired()) return Error{Side::self, Cause::timeout, false, {}, "keeping the route's timeout"};
  if (content.is_window() && content.is_unread())  // nobody wants the rest
    return Error{Side::client, Cause::cancelled, false, {}, "relaying an answer"};
  return std::nullopt;
}

net::Task<Result<>> Fill::inform(const http::ResponseHead& head) {
  if (client_ != nullptr) {
    Interim interim{head.status, {}};
    for (const http::Field& field : head.fields)
      interim.fields.emplace_back(std::string(field.name), std::string(field.value));
    interim_.push_back(std::move(interim));
    wake_client();
  }
  co_return Result<>{};
}

net::Task<void> Fill::run(std::shared_ptr<Fill> self) {
  Proxy& proxy = self->proxy_;
  struct Enter {
    Proxy& proxy;
    Fill* fill;
    Enter(Proxy& owner, Fill* entering) : proxy(owner), fill(entering) {
      proxy.open_fills_.push_back(fill);
      count();
    }
    ~Enter() {
      std::erase(proxy.open_fills_, fill);
      count();
    }
    void count() {
      proxy.fill_count_.store(static_cast<std::uint32_t>(proxy.open_fills_.size()), std::memory_order_relaxed);
    }
  } enter{proxy, self.get()};
  co_await self->work();
  self->wake_client();
}

net::Task<void> Fill::work() {
  http::Fields stored;
  if (stale_) cache::read_lines(stale_->lines(), stored);
  conditional_ =
      stale_ && stale_->content() && stale_->content()->is_complete() && cache::make_conditional(stored, head_.fields);
  if (!conditional_) cache::make_unconditional(head_.fields);
  bool answered = co_await ask();
  if (answered && conditional_ && fetch_->head().status == 304 &&
      !cache::is_validated_by(stored, fetch_->head().fields)) {
    // RFC 9111 §4.3.3: it validates something that is not stored here. Once more, for the whole.
    conditional_ = false;
    head_.fields = original_.fields;
    cache::make_unconditional(head_.fields);
    answered = co_await ask();
  }
  if (!answered) {
    store_of().fail(leader_, fetch_->failure(), loop_.now());
    co_return;
  }
  status_ = fetch_->head().status;
  http::strip_hop_by_hop(fetch_->head());
  if (answer_from_stale()) co_return;
  if (conditional_ && status_ == 304 ? store_refreshed() : store()) {
    wake_client();
    co_await pump();
  }
}

net::Task<bool> Fill::ask() {
  times_.requested = loop_.wall_now();
  fetch_.emplace(Fetch::Setting{proxy_, loop_, signal_, deadline_, *this, record_},
                 Fetch::Request{config_->pool_of_route[route_->index], head_, target_, nullptr, nullptr,
                                client_address_, local_address_, hash_, visitor_});
  const bool answered = co_await fetch_->run();
  times_.received = loop_.wall_now();
  co_return answered;
}

// stale-if-error: an answer that tells of the origin's trouble counts as none.
bool Fill::answer_from_stale() {
  if (!stale_) return false;
  const Time now = loop_.now();
  const cache::Terms terms = stale_->terms();
  std::optional<Duration> purged_for;
  if (stale_->is_soft_purged()) purged_for = -stale_->freshness_left(now);
  if (!cache::may_serve_on_status({terms, stale_->age(now), purged_for}, judged_, status_)) return false;
  fetch_->judge_body(false);
  store_of().fail(leader_, Error{Side::backend, Cause::timeout, false, {}, "asking the origin"}, now);
  return true;
}

// A 304 for what is stored: its fields are renewed, its content stays (RFC 9111 §4.3.4). Always false: nothing to pump.
bool Fill::store_refreshed() {
  http::Fields stored;
  cache::read_lines(stale_->lines(), stored);
  http::ResponseHead merged;
  merged.status = stale_->status();
  cache::merge_fields(stored, fetch_->head().fields, merged.fields);
  const cache::Storing storing = cache::judge_response(*policy_, original_, judged_, merged, times_);
  fetch_->judge_body(true);
  if (storing.why != cache::NotStored::none) {
    // What is stored may not be kept any more: whoever waits asks for itself, and finds nothing to validate.
    proxy_.tally_->count_not_stored(storing.why);
    store_of().purge(key_, cache::Cache::Purge::hard, loop_.now());
    store_of().refuse(leader_, storing.remember, loop_.now());
    return false;
  }
  cache::Tags tags;
  const cache::NewObject object = make_object(merged, storing, tags);
  const auto& options = policy_->options();
  const cache::Published published = store_of().publish_refreshed(
      leader_, *stale_, object, {loop_.now(), std::nullopt, options.max_object, options.max_variants});
  if (!published.object) {
    not_stored_ = published.why;
    store_of().refuse(leader_, Duration{0}, loop_.now());
  }
  return false;
}

// Views point into the head, the arena and `tags`.
cache::NewObject Fill::make_object(const http::ResponseHead& head, const cache::Storing& storing, cache::Tags& tags) {
  const cache::Vary vary = cache::read_vary(head.fields, arena_);
  const http::Validators validators = cache::validators_of(head.fields, times_.received);
  tags = cache::read_tags(source_, head.fields, arena_);
  // A purge by URL finds all keys of the URL by this tag; it counts more than the last of the answer's own.
  if (policy_->has_key_parts()) {
    if (tags.size() == cache::kTagsMax) tags.pop_back();
    tags.push_back(cache::tag_of_url(cache::url_of_key(key_), arena_));
  }
  cache::NewObject object;
  object.status = head.status;
  object.lines = cache::write_lines(head, storing, times_.received, arena_);
  object.etag = validators.etag;
  object.last_modified = validators.last_modified;
  object.terms = storing.terms;
  object.vary_names = vary.names;
  object.variant = cache::variant_of(*policy_, vary.names, original_.fields, arena_);
  object.tags = tags;
  return object;
}

// The answer is nobody's but the client's.
void Fill::refuse(cache::NotStored why, Duration remember) {
  not_stored_ = why;
  private_ = true;
  proxy_.tally_->count_not_stored(why);
  store_of().refuse(leader_, remember, loop_.now());
}

// True: it is published, and its body follows.
bool Fill::store() {
  http::ResponseHead& head = fetch_->head();
  const cache::Storing storing = cache::judge_response(*policy_, original_, judged_, head, times_);
  head.fields.remove("Surrogate-Control");  // for this edge alone
  if (storing.strip_set_cookie) head.fields.remove(http::FieldId::set_cookie);
  cache::NotStored why = storing.why;
  if (why == cache::NotStored::none && storing.range) why = cache::NotStored::status;  // a part that nobody asked for
  if (why != cache::NotStored::none) {
    refuse(why, storing.remember);
    return false;
  }
  cache::Tags tags;
  const cache::NewObject object = make_object(head, storing, tags);
  http::Body* const body = fetch_->exchange().body();
  const auto& options = policy_->options();
  const std::optional<std::uint64_t> length = body == nullptr ? 0 : body->length();
  // What there is no room for is not begun: it goes to the client alone, and takes none.
  const Bytes need{std::min<std::uint64_t>(length.value_or(cache::Content::kAppendMax), options.max_object.count)};
  if (!store_of().try_promise(need, loop_.now())) {
    refuse(cache::NotStored::full, Duration{0});
    return false;
  }
  promised_ = need.count;
  const cache::Published published =
      store_of().publish(leader_, object, {loop_.now(), length, options.max_object, options.max_variants});
  if (!published.object) {
    refuse(published.why, cache::remember_for(published.why, head.status));
    return false;
  }
  if (published.why != cache::NotStored::none) {
    not_stored_ = published.why;
    proxy_.tally_->count_not_stored(published.why);
  }
  for (const std::string_view name : storing.unstored)
    for (const http::Field& field : head.fields)
      if (iequals(field.name, name)) own_fields_.add(arena_.copy(field.name), arena_.copy(field.value));
  return true;
}

net::Task<void> Fill::pump() {
  cache::Content& content = *leader_.object()->content();
  content.watch(&signal_);
  struct Unwatch {
    cache::ContentRef content;
    ~Unwatch() { content->watch(nullptr); }
  } unwatch{leader_.object()->content()};
  http::Body* const body = fetch_->exchange().body();
  std::size_t burst = 0;
  while (body != nullptr) {
    const http::Pull pull = body->try_next(limits::kFairShare, signal_);
    if (pull.state == http::Pull::State::failed) {
      fetch_->judge_body(pull.error.side != Side::backend);
      fetch_->count_broken(to_string(pull.error.cause));
      proxy_.tally_->count_not_stored(cache::NotStored::broken);
      store_of().abort(leader_, pull.error);
      co_return;
    }
    for (std::string_view octets : pull.data) {
      const bool taken = co_await append(octets);
      if (taken) continue;
      body->stop_waiting();
      co_return;
    }
    burst += pull.size();
    if (pull.state == http::Pull::State::end) break;
    if (pull.state == http::Pull::State::pending) co_await signal_.wait();
    if (const auto why = reason_to_stop(content)) {
      body->stop_waiting();
      store_of().abort(leader_, *why);
      co_return;
    }
    if (burst >= limits::kFairShare) {
      burst = 0;
      co_await net::yield(signal_);
    }
  }
  const cache::NotStored left = leader_.not_stored();
  if (left != cache::NotStored::none && not_stored_ == cache::NotStored::none) proxy_.tally_->count_not_stored(left);
  const bool whole = store_of().complete(leader_, loop_.now());
  fetch_->judge_body(whole);
}

// False: it has ended, and the leader with it.
net::Task<bool> Fill::append(std::string_view octets) {
  while (!octets.empty()) {
    const std::string_view piece = octets.substr(0, cache::Content::kAppendMax);
    const auto result = store_of().append(leader_, piece, signal_, loop_.now());
    if (result == cache::Content::Append::done) {
      octets.remove_prefix(piece.size());
      keep_promise(piece.size());
      continue;
    }
    if (result == cache::Content::Append::unread) {
      store_of().abort(leader_, Error{Side::client, Cause::cancelled, false, {}, "relaying an answer"});
      co_return false;
    }
    // A window that is full, or no page to be had for the moment: readers that move give one up.
    const cache::ContentRef content = leader_.object()->content();
    if (const auto why = reason_to_stop(*content)) {
      content->stop_waiting(signal_);
      store_of().abort(leader_, *why);
      co_return false;
    }
    if (result == cache::Content::Append::no_memory) {
      net::Deadline pause(loop_, signal_);
      pause.arm(std::chrono::milliseconds(50));
      co_await signal_.wait();
    } else {
      co_await signal_.wait();
    }
  }
  co_return true;
}

}  // namespace shellac::proxy
