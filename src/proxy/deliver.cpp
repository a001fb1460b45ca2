// A backend's answer on its way to the client, as it comes.
#include "flow.hpp"
#include "shellac/http/date.hpp"

namespace shellac::proxy {

// Asks backends for this client alone: the fetch ends when the client leaves.
net::Task<void> Flow::pass() {
  passed_ = true;
  Fetch fetch({proxy_, loop_, signal_, deadline_, *this, record_},
              {pool_, head_, target_, body_, buffered_ ? &*buffered_ : nullptr, exchange_.client().peer,
               exchange_.client().local, hash_, visitor_});
  const bool answered = co_await fetch.run();
  if (!answered) {
    co_return answer_failure(fetch);
  }
  co_await deliver(fetch);
}

// A fetch for the cache asks for the whole. When the answer is not stored, the client's range is cut out of it as it
// passes; several ranges are answered with the whole (RFC 9110 §14.2 lets a server ignore Range).
std::optional<http::ByteRange> Flow::relayed_range(Fetch& fetch) const {
  http::Body* const body = fetch.exchange().body();
  if (key_.empty() || head_.known != http::Method::get || fetch.head().status != 200 || body == nullptr ||
      !body->length() || passed_)
    return std::nullopt;
  const auto asked = http::parse_range(head_.fields);
  if (!asked || asked->size() != 1 || head_.fields.has(http::FieldId::if_range)) return std::nullopt;
  const auto selected = http::select_ranges(*asked, *body->length());
  if (selected.kind != http::RangeSelection::Kind::partial) return std::nullopt;
  return selected.ranges[0];
}

void Flow::answer_failure(const Fetch& fetch) {
  answer_error(fetch.failure());
  if (!fetch.refusal().empty()) answer_->reason = fetch.refusal();
}

// The answer ended early, and that was the server's doing.
bool Flow::is_broken(const front::Sent& sent) {
  return (sent.nothing_sent || sent.end == front::Sent::End::body_failed) && sent.error.side == Side::backend;
}

net::Task<void> Flow::deliver(Fetch& fetch) {
  http::ResponseHead& head = fetch.head();
  record_.status = head.status;
  const std::string_view upgrade = head.fields.value(http::FieldId::upgrade);
  http::strip_hop_by_hop(head);
  char date[http::kDateSize];
  if (!head.fields.has(http::FieldId::date)) {  // RFC 9110 §6.6.1
    http::write_date(loop_.wall_now(), date);
    head.fields.add(http::FieldId::date, {date, sizeof date});
  }
  http::add_response_fields(head, client_.request_id, exchange_.arena());
  invalidate(head);
  if (policy_ != nullptr) {
    cache_status_.forward_status = head.status;
    add_cache_status(head);
  }
  // On the way out only, so that a stored answer never carries it.
  if (const auto cookie = fetch.sticky_cookie())
    head.fields.add(http::FieldId::set_cookie, exchange_.arena().copy(*cookie));
  route_->response.apply(head.fields);
  if (head.status == 101) {
    head.fields.add(http::FieldId::upgrade, upgrade);
    fetch.exchange().accept_tunnel(exchange_.upgraded_input());
    deadline_.disarm();  // a tunnel lives as long as something moves in it
    fetch.judge_body(true);
  }
  http::Body* body = fetch.exchange().body();
  if (head_.known == http::Method::head) body = nullptr;  // GET was asked for the cache
  std::optional<SlicedBody> slice;
  if (const auto range = relayed_range(fetch)) {
    head.status = record_.status = 206;
    head.fields.set(http::FieldId::content_range,
                    http::write_content_range({range, body->length()}, exchange_.arena()));
    body = &slice.emplace(*body, range->first, range->size());
  }
  std::optional<TimedBody> timed;
  if (body != nullptr && (deadline_.armed() || deadline_.expired()))
    body = &timed.emplace(*body, loop_, deadline_.due());
  const front::Sent sent = co_await exchange_.respond(head, body);
  if (head.status != 101) fetch.judge_body(!is_broken(sent));
  if (sent.nothing_sent) {  // the client learns of it in words instead
    fetch.count_broken(to_string(sent.error.cause));
    co_return answer_error(sent.error);
  }
  note_sent(sent);
  if (head.status == 101 && sent.end == front::Sent::End::completed) co_await finish_tunnel(fetch.exchange());
  if (record_.ended == Ended::backend_error || record_.ended == Ended::backend_timeout)
    fetch.count_broken(record_.reason);
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

}  // namespace shellac::proxy
