// A stored answer on its way to the client: whole, a part of it, or the word that it has not changed.
#include "fill.hpp"
#include "flow.hpp"
#include "multipart_body.hpp"
#include "shellac/cache/reader.hpp"
#include "shellac/cache/stored_head.hpp"
#include "shellac/http/conditional.hpp"
#include "shellac/http/date.hpp"

namespace shellac::proxy {
// Preconditions or ranges are to be applied to what is stored (RFC 9110 §13, §14).
bool Flow::is_conditional() const {
  using enum http::FieldId;
  for (const http::Field& field : head_.fields)
    if (field.id == if_none_match || field.id == if_modified_since || field.id == if_match ||
        field.id == if_unmodified_since || field.id == range)
      return true;
  return false;
}

// What the edge adds to a stored head: age, way, status of the cache, and the fields of this exchange alone.
void Flow::add_stored_fields(http::ResponseHead& head, const cache::Object& object, Fill* fill) {
  Arena& arena = exchange_.arena();
  const auto age = std::chrono::duration_cast<std::chrono::seconds>(object.age(loop_.now())).count();
  if (fill == nullptr || age > 0) {
    char* const digits = arena.allocate(20);
    const char* const end = std::to_chars(digits, digits + 20, age).ptr;
    head.fields.add(http::FieldId::age, {digits, static_cast<std::size_t>(end - digits)});
  }
  if (cache_status_.hit) cache_status_.ttl = object.freshness_left(loop_.now());
  add_cache_status(head);
  if (fill == nullptr) return;
  for (const http::Field& field : fill->own_fields()) head.fields.add(field);
  if (!fill->has_fetch()) return;
  // On the way out only: what is stored does not have it.
  if (const auto cookie = fill->fetch().sticky_cookie())
    head.fields.add(http::FieldId::set_cookie, arena.copy(*cookie));
}

void Flow::add_cache_status(http::ResponseHead& head) {
  char* const text = exchange_.arena().allocate(cache::kCacheStatusMax);
  head.fields.add("Cache-Status", cache::write_cache_status(cache_status_, {text, cache::kCacheStatusMax}));
}

// `fill`: when this request began the fetch that the object comes from. False: it grew out of what may be stored, and
// its window has moved on before this request could open it; nothing was sent.
net::Task<bool> Flow::respond_stored(cache::ObjectRef object, Fill* fill) {
  http::ResponseHead head;
  head.status = object->status();
  const bool plain = !is_conditional() || object->status() != 200;
  // Lines as they are stored, when nothing is to be done to them.
  if (plain && route_->response.empty())
    head.lines = object->lines();
  else
    cache::read_lines(object->lines(), head.fields);
  std::optional<http::RangeSelection> ranges;
  const auto length = object->content() ? object->content()->expected() : std::uint64_t{0};
  if (!plain) ranges = apply_conditions(head, length);
  add_stored_fields(head, *object, fill);
  http::add_response_fields(head, client_.request_id, exchange_.arena());
  route_->response.apply(head.fields);
  record_.status = head.status;
  const bool opened = co_await send_stored(head, *object, ranges);
  if (!opened) cache_status_ = {};
  co_return opened;
}

// Preconditions, then ranges (RFC 9110 §13.2.2, §14.2). Changes status and fields; what is to be sent of the content.
std::optional<http::RangeSelection> Flow::apply_conditions(http::ResponseHead& head,
                                                           std::optional<std::uint64_t> length) {
  const WallTime now = loop_.wall_now();
  const http::Validators validators = cache::validators_of(head.fields, now);
  switch (http::evaluate_preconditions(head_.fields, head_.known, validators, now)) {
    case http::Precondition::not_modified: {
      http::Fields stored = std::move(head.fields);
      head.fields = {};
      cache::not_modified_fields(stored, head.fields);
      head.status = 304;
      return std::nullopt;
    }
    case http::Precondition::precondition_failed:
      head.status = 412;
      head.fields = {};
      return std::nullopt;
    case http::Precondition::proceed:
      break;
  }
  if (head_.known != http::Method::get || !length) return std::nullopt;
  const auto asked = http::parse_range(head_.fields);
  if (!asked) return std::nullopt;
  const auto date = http::parse_date(head.fields.value(http::FieldId::date), now);
  if (!http::is_range_wanted(head_.fields, validators, date, now)) return std::nullopt;
  http::RangeSelection selected = http::select_ranges(*asked, *length);
  Arena& arena = exchange_.arena();
  switch (selected.kind) {
    case http::RangeSelection::Kind::whole:
      return std::nullopt;
    case http::RangeSelection::Kind::unsatisfiable:
      head.status = 416;
      head.fields.remove(http::FieldId::content_type);
      head.fields.set(http::FieldId::content_range, http::write_content_range({std::nullopt, length}, arena));
      return std::nullopt;
    case http::RangeSelection::Kind::partial:
      head.status = 206;
      if (selected.ranges.size() == 1)
        head.fields.set(http::FieldId::content_range, http::write_content_range({selected.ranges[0], length}, arena));
      return selected;
  }
  return std::nullopt;
}

net::Task<bool> Flow::send_stored(http::ResponseHead& head, const cache::Object& object,
                                  std::optional<http::RangeSelection> ranges) {
  const cache::ContentRef& content = object.content();
  const bool empty = head.status == 412 || head.status == 416 || !content;
  if (http::is_bodyless(head_.known, head.status)) {
    if (const auto length = content ? content->expected() : std::uint64_t{0};
        length && head_.known == http::Method::head) {
      head.framing = http::Framing::length;
      head.content_length = *length;
    }
    note_sent(co_await exchange_.respond(head, nullptr));
    co_return true;
  }
  if (empty) {
    note_sent(co_await exchange_.respond(head, nullptr));
    co_return true;
  }
  if (ranges && ranges->ranges.size() > 1) {
    const std::string_view boundary = client_.request_id.substr(0, 24);
    const http::MultipartForm form{boundary, head.fields.value(http::FieldId::content_type), content->expected()};
    MultipartBody body(content, *ranges, form, exchange_.arena());
    head.fields.set(http::FieldId::content_type, http::write_multipart_type(boundary, exchange_.arena()));
    note_sent(co_await exchange_.respond(head, &body));
    co_return true;
  }
  cache::Reader::Span span;
  if (ranges) span = {ranges->ranges[0].first, ranges->ranges[0].last};
  cache::Reader body(content, span);
  if (!body.has_opened()) co_return false;
  const front::Sent sent = co_await exchange_.respond(head, &body);
  if (sent.nothing_sent)
    answer_error(sent.error);
  else
    note_sent(sent);
  co_return true;
}

}  // namespace shellac::proxy
