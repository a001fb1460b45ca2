#include "shellac/cache/stored_head.hpp"

#include <algorithm>

#include "shellac/core/text.hpp"
#include "shellac/http/date.hpp"

namespace shellac::cache {
namespace {

using http::Field;
using http::FieldId;
using http::Fields;

constexpr std::string_view kColon = ": ";
constexpr std::string_view kLineEnd = "\r\n";

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::ranges::any_of(names, [&](std::string_view one) { return iequals(one, name); });
}

// RFC 9111 §3.1, and what is made anew for each answer.
bool is_never_stored(const Field& field) {
  switch (field.id) {
    case FieldId::age:
    case FieldId::connection:
    case FieldId::content_length:
    case FieldId::keep_alive:
    case FieldId::proxy_authenticate:
    case FieldId::proxy_authorization:
    case FieldId::proxy_connection:
    case FieldId::proxy_status:
    case FieldId::te:
    case FieldId::trailer:
    case FieldId::transfer_encoding:
    case FieldId::upgrade:
    case FieldId::x_request_id:
      return true;
    case FieldId::other:
      return is_one_of(field.name, {"Cache-Status", "Surrogate-Control", "Proxy-Authentication-Info"});
    default:
      return false;
  }
}

bool is_stored(const Field& field, const Storing& storing) {
  if (is_never_stored(field)) return false;
  if (field.id == FieldId::set_cookie && storing.strip_set_cookie) return false;
  return std::ranges::none_of(storing.unstored, [&](std::string_view name) { return iequals(name, field.name); });
}

// RFC 9111 §3.2: what describes the stored octets.
bool describes_content(const Field& field) {
  return field.id == FieldId::content_length || field.id == FieldId::content_encoding ||
         field.id == FieldId::content_range || (field.id == FieldId::other && iequals(field.name, "Content-MD5"));
}

bool is_same_name(const Field& a, const Field& b) {
  return a.id == b.id && (a.id != FieldId::other || iequals(a.name, b.name));
}

bool has_same(const Fields& fields, const Field& field) {
  return std::ranges::any_of(fields, [&](const Field& other) { return is_same_name(field, other); });
}

// RFC 9110 §15.4.5: representation metadata that a 304 does not repeat.
bool is_left_out_of_304(const Field& field, bool has_etag) {
  switch (field.id) {
    case FieldId::content_encoding:
    case FieldId::content_length:
    case FieldId::content_range:
    case FieldId::content_type:
      return true;
    case FieldId::last_modified:
      return has_etag;
    case FieldId::other:
      return is_one_of(field.name,
                       {"Content-MD5", "Content-Language", "Content-Digest", "Content-Disposition", "Accept-Ranges"});
    default:
      return false;
  }
}

}  // namespace

std::string_view write_lines(const http::ResponseHead& response, const Storing& storing, WallTime received,
                             Arena& arena) {
  std::size_t size = 0;
  for (const Field& field : response.fields)
    if (is_stored(field, storing)) size += field.name.size() + kColon.size() + field.value.size() + kLineEnd.size();
  const bool dated = response.fields.has(FieldId::date);
  constexpr std::string_view kDate = "Date";
  if (!dated) size += kDate.size() + kColon.size() + http::kDateSize + kLineEnd.size();
  char* const begin = arena.allocate(size);
  char* at = begin;
  const auto put = [&at](std::string_view text) { at = std::ranges::copy(text, at).out; };
  for (const Field& field : response.fields) {
    if (!is_stored(field, storing)) continue;
    put(field.name);
    put(kColon);
    put(field.value);
    put(kLineEnd);
  }
  if (!dated) {
    put(kDate);
    put(kColon);
    http::write_date(received, at);
    at += http::kDateSize;
    put(kLineEnd);
  }
  return {begin, size};
}

void read_lines(std::string_view lines, Fields& out) {
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find(kLineEnd), lines.size());
    const std::string_view line = lines.substr(0, end);
    const std::size_t colon = line.find(':');
    if (colon != line.npos && colon > 0) out.add(line.substr(0, colon), trim(line.substr(colon + 1)));
    lines.remove_prefix(std::min(end + kLineEnd.size(), lines.size()));
  }
}

void merge_fields(const Fields& stored, const Fields& update, Fields& out) {
  const bool has_etag = stored.has(FieldId::etag);
  const auto counts = [&](const Field& field) {
    // A 304 answers the stored entity tag: another one in it would name other content.
    return !is_never_stored(field) && !describes_content(field) && !(field.id == FieldId::etag && has_etag);
  };
  // Without a Date of its own the 304 is dated when it arrives; the stored Date would make it old (§4.2.3).
  const bool dated = update.has(FieldId::date);
  for (const Field& field : stored)
    if ((!counts(field) || !has_same(update, field)) && (dated || field.id != FieldId::date)) out.add(field);
  for (const Field& field : update)
    if (counts(field) || field.id == FieldId::age) out.add(field);
}

void not_modified_fields(const Fields& stored, Fields& out) {
  const bool has_etag = stored.has(FieldId::etag);
  for (const Field& field : stored)
    if (!is_left_out_of_304(field, has_etag)) out.add(field);
}

http::Validators validators_of(const Fields& stored, WallTime now) {
  http::Validators validators;
  if (stored.count(FieldId::etag) == 1) validators.etag = stored.value(FieldId::etag);
  validators.last_modified = http::parse_date(stored.value(FieldId::last_modified), now);
  return validators;
}

void make_unconditional(Fields& request) {
  request.remove_if([](const Field& field) {
    switch (field.id) {
      case FieldId::if_match:
      case FieldId::if_modified_since:
      case FieldId::if_none_match:
      case FieldId::if_range:
      case FieldId::if_unmodified_since:
      case FieldId::range:
        return true;
      default:
        return false;
    }
  });
}

bool make_conditional(const Fields& stored, Fields& request) {
  make_unconditional(request);
  const std::string_view etag = stored.value(FieldId::etag);
  const std::string_view modified = stored.value(FieldId::last_modified);
  // Copied as they were received: what the origin wrote is what it recognises.
  if (!etag.empty()) request.add(FieldId::if_none_match, etag);
  if (!modified.empty()) request.add(FieldId::if_modified_since, modified);
  return !etag.empty() || !modified.empty();
}

bool is_validated_by(const Fields& stored, const Fields& not_modified) {
  // The 304 answers a request that named what is stored, and nothing else, so that it can mean nothing else.
  if (stored.has(FieldId::etag) || stored.has(FieldId::last_modified)) return true;
  return !not_modified.has(FieldId::etag) && !not_modified.has(FieldId::last_modified);
}

}  // namespace shellac::cache
