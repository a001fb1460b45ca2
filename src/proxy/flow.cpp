#include "flow.hpp"

#include <fmt/format.h>

#include "error_reply.hpp"
#include "shellac/core/bug.hpp"
#include "shellac/http/date.hpp"
#include "shellac/proxy/hash_key.hpp"
#include "tally.hpp"

namespace shellac::proxy {
namespace {

// A request that has come through here so often goes round in circles (RFC 9110 §7.6.3).
constexpr unsigned kPassesMax = 5;

// A request's id: the worker's random number and a count, in hexadecimal digits.
constexpr std::size_t kIdSize = 24;

void write_hex(std::uint64_t number, int digits, char* out) {
  for (int i = digits; i-- > 0; number >>= 4) out[i] = "0123456789abcdef"[number & 15];
}

Duration since(Time from, Time now) { return now - from; }

unsigned passes(const http::Fields& fields) {
  unsigned count = 0;
  http::for_each_member(fields, http::FieldId::via, [&](std::string_view member) {
    count += member.ends_with(" shellac");
    return true;
  });
  return count;
}

}  // namespace

Flow::Flow(Proxy& proxy, front::Exchange& exchange)
    : proxy_(proxy),
      exchange_(exchange),
      loop_(exchange.loop()),
      config_(proxy.config_),
      signal_(loop_),
      deadline_(loop_, signal_),
      head_(exchange.request()),
      original_path_(head_.path),
      original_query_(head_.query),
      path_(head_.path, exchange.arena()) {}

// The way of a request. A step that settles the answer ends the list; everything ends in send_answer() and record().
net::Task<void> Flow::run() {
  identify_client();
  // (No co_await behind && or ||: g++ 12 resumes into the wrong frame there.)
  bool open = check_message() && redirect_to_https() && obey_purge() && find_route() && check_access() &&
              check_size() && answer_locally();
  if (open) open = co_await read_file();
  if (open) open = co_await use_cache();
  if (open) open = prepare_request();
  if (open) open = co_await read_ahead();
  if (open) co_await pass();
  if (!answered_) co_await send_answer();
  record();
}

void Flow::identify_client() {
  const front::Client& client = exchange_.client();
  const bool has_ip = client.peer.kind == Endpoint::Kind::ip;
  char id[kIdSize];
  write_hex(proxy_.id_prefix_, 16, id);
  write_hex(++proxy_.id_next_, 8, id + 16);
  forwarding_ = {client.peer, has_ip && config_->trusted.contains(client.peer.ip), client.has_tls ? "https" : "http",
                 exchange_.arena().copy({id, kIdSize})};
  client_ = http::identify_client(head_, forwarding_, config_->trusted);
  head_.scheme = client_.scheme;
  record_.time = loop_.wall_now();
  record_.id = client_.request_id;
  record_.client = client_.address;
  record_.has_client = client_.has_address;
  record_.listener = client.listener;
  record_.tls = client.tls.version;
  record_.protocol = http::to_string(head_.version);
  record_.method = head_.method;
  record_.scheme = head_.scheme;
  record_.host = head_.authority;
  record_.path = original_query_.empty() ? original_path_ : exchange_.arena().concat({original_path_, original_query_});
  record_.referer = head_.fields.value(http::FieldId::referer);
  record_.user_agent = head_.fields.value(http::FieldId::user_agent);
  record_.t_queue = record_.t_connect = record_.t_first_byte = Duration{-1};
}

bool Flow::check_message() {
  if (const auto& refused = exchange_.refused()) {
    record_.ended = refused->timed_out ? Ended::client_timeout : Ended::refused;
    return answer_with(refused->status, "http_request_error", refused->reason);
  }
  if (passes(head_.fields) >= kPassesMax) return answer_with(508, "proxy_loop_detected", "loop");
  return true;
}

// `redirect: https`; challenges of certificate authorities come over plain HTTP and are answered there.
bool Flow::redirect_to_https() {
  const std::uint16_t port = exchange_.client().redirect_port;
  if (port == 0 || route::is_challenge(path_)) return true;
  const auto location =
      route::https_location({head_.authority, original_path_, original_query_}, port, exchange_.arena());
  if (!location) return answer_with(400, "http_request_error", "host");
  answer_.emplace();
  answer_->status = 308;
  answer_->location = *location;
  return false;
}

bool Flow::find_route() {
  match_ = config_->routes.match(
      {head_.method, head_.authority, &path_, &head_.fields, client_.address, client_.has_address});
  route_ = match_.route;
  if (route_ == nullptr)
    return match_.path_refused ? answer_with(400, "http_request_error", "path")
                               : answer_with(404, "destination_not_found", "no_route");
  record_.route = route_->name;
  if (route_->timeout > Duration::zero()) deadline_.arm(route_->timeout);
  return true;
}

bool Flow::check_access() {
  if (route::is_allowed(*route_, client_.has_address, client_.address)) return true;
  return answer_with(403, "http_request_denied", "access");
}

bool Flow::check_size() {
  http::Body* body = exchange_.request_body();
  if (body == nullptr) return true;
  if (body->length().value_or(0) > route_->max_body.count) return answer_with(413, "http_request_denied", "max_body");
  limited_.emplace(*body, route_->max_body);
  body_ = &*limited_;
  return true;
}

// Redirects and fixed texts need no backend.
bool Flow::answer_locally() {
  if (const auto* redirect = std::get_if<route::Redirect>(&route_->action)) {
    answer_.emplace();
    answer_->status = redirect->status;
    answer_->location =
        route::redirect_location(*redirect, {head_.authority, original_path_, original_query_}, exchange_.arena());
    return false;
  }
  if (const auto* text = std::get_if<route::RespondText>(&route_->action)) {
    answer_.emplace();
    answer_->status = text->status;
    answer_->body = text->body;
    if (!text->body.empty()) answer_->type = text->type;
    return false;
  }
  return true;
}

// The target in the route's form, without what is not passed on (RFC 9110 §7.6), with what backends are told.
bool Flow::prepare_request() {
  if (prepared_) return true;
  prepared_ = true;
  pool_ = config_->pool_of_route[route_->index];
  if (pool_->options.balance.algorithm == balance::Algorithm::hash)
    hash_ = hash_of_key(pool_->options.balance.key, head_, client_.address);
  const auto target = route::backend_target(match_, path_, original_query_, exchange_.arena());
  if (!target) return answer_with(400, "http_request_error", "path");
  target_ = *target;
  http::strip_hop_by_hop(head_);
  http::add_forwarding_fields(head_, forwarding_, client_, exchange_.arena());
  route_->request.apply(head_.fields);
  // `Host` may have been set by the edits; the writer takes it from here.
  if (const http::Field* host = head_.fields.find(http::FieldId::host)) head_.authority = host->value;
  meet_visitor();
  return true;
}

// A slow client's body is awaited before a backend's place is taken. A client that waits for 100 (Continue) is not
// asked for its body yet: whether it is wanted is the backend's to say.
net::Task<bool> Flow::read_ahead() {
  if (body_ == nullptr || head_.expect_continue || pool_->options.buffer_request.count == 0) co_return true;
  buffered_.emplace(*body_, loop_.buffers(), pool_->options.buffer_request);
  const auto filled = co_await buffered_->fill(signal_, deadline_);
  if (!filled) {
    answer_error(filled.error());
    co_return false;
  }
  body_ = &*buffered_;
  co_return true;
}

bool Flow::answer_with(int status, std::string_view proxy_status, std::string_view reason) {
  answer_.emplace();
  answer_->status = status;
  answer_->proxy_status = proxy_status;
  answer_->reason = reason;
  if (record_.ended == Ended::completed) record_.ended = Ended::refused;
  return false;
}

void Flow::answer_error(const Error& error) {
  const ErrorReply reply = reply_to(error);
  record_.ended = reply.ended;
  answer_with(reply.status, reply.proxy_status, to_string(error.cause));
  if (reply.status == 503) answer_->retry_after = 1;
}

net::Task<void> Flow::send_answer() {
  if (BUG_IF(!answer_, "proxy/flow")) {
    exchange_.reset();
    co_return;
  }
  LocalAnswer& answer = *answer_;
  record_.status = answer.status;
  record_.reason = answer.reason;
  if (answer.status == 499 || exchange_.is_gone()) {  // nobody is there to read it
    record_.status = 499;
    record_.ended = Ended::client_reset;
    exchange_.reset();
    co_return;
  }
  if (!answer.proxy_status.empty()) fill_error_body(answer);
  http::ResponseHead head;
  head.status = answer.status;
  char date[http::kDateSize];
  http::write_date(loop_.wall_now(), date);
  head.fields.add(http::FieldId::date, {date, sizeof date});
  if (!answer.type.empty()) head.fields.add(http::FieldId::content_type, answer.type);
  if (!answer.location.empty()) head.fields.add(http::FieldId::location, answer.location);
  if (!answer.allow.empty()) head.fields.add("Allow", answer.allow);
  const std::string retry_after = std::to_string(answer.retry_after);
  if (answer.retry_after > 0) head.fields.add(http::FieldId::retry_after, retry_after);
  std::string proxy_status;
  if (!answer.proxy_status.empty()) {
    proxy_status = fmt::format("shellac; error={}", answer.proxy_status);
    head.fields.add(http::FieldId::proxy_status, proxy_status);
    head.fields.add(http::FieldId::cache_control, "no-store");
  }
  http::add_response_fields(head, client_.request_id, exchange_.arena());
  if (route_ != nullptr) route_->response.apply(head.fields);

  http::TextBody body(std::move(answer.body));
  const bool bodyless = http::is_bodyless(head_.known, head.status);
  if (bodyless) {
    head.framing = http::Framing::length;
    head.content_length = *body.length();
  }
  const Ended ended = record_.ended;
  note_sent(co_await exchange_.respond(head, bodyless ? nullptr : &body));
  if (record_.ended == Ended::completed) record_.ended = ended;
}

void Flow::note_sent(const front::Sent& sent) {
  answered_ = true;
  record_.bytes_out = sent.body_bytes;
  switch (sent.end) {
    case front::Sent::End::completed:
      record_.ended = Ended::completed;
      break;
    case front::Sent::End::client_reset:
      record_.ended = Ended::client_reset;
      break;
    case front::Sent::End::client_timeout:
      record_.ended = Ended::client_timeout;
      break;
    case front::Sent::End::body_failed:
      record_.ended = reply_to(sent.error).ended;
      record_.reason = to_string(sent.error.cause);
      break;
  }
}

void Flow::record() {
  if (record_.ended == Ended::client_reset && exchange_.is_cut_by_shutdown()) record_.ended = Ended::shutdown;
  record_.bytes_in = exchange_.body_bytes_in();
  record_.t_total = since(exchange_.head_complete(), loop_.now());
  const std::string_view policy = policy_ != nullptr ? std::string_view(policy_->options().name) : std::string_view{};
  proxy_.tally_->count(record_, {route_, policy}, head_.known);
  proxy_.setting_.sink.record(record_);
}

std::optional<Cause> Flow::gave_up() const {
  if (exchange_.is_gone()) return Cause::cancelled;
  if (deadline_.expired()) return Cause::timeout;
  return std::nullopt;
}

}  // namespace shellac::proxy
