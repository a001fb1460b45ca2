// Response heads (RFC 9112 §§4, 5, 6).
#include "http/framing.hpp"
#include "shellac/core/text.hpp"
#include "shellac/http/parser.hpp"

namespace shellac::http {
namespace {

constexpr std::size_t kVersionSize = 8;
constexpr std::size_t kStatusEnd = kVersionSize + 4;  // "HTTP/1.1 200"

// RFC 9110 §15: "values outside the range 100..599 are invalid".
bool parse_status_line(std::string_view line, ResponseHead& out) {
  const auto version = parse_version(line.substr(0, kVersionSize));
  if (!version || line.size() < kStatusEnd || line[kVersionSize] != ' ') return false;
  const auto status = parse_unsigned<int>(line.substr(kVersionSize + 1, 3));
  if (!status || *status < 100 || *status > 599) return false;
  if (line.size() > kStatusEnd && line[kStatusEnd] != ' ') return false;
  out.version = *version;
  out.status = *status;
  out.reason = line.size() > kStatusEnd ? line.substr(kStatusEnd + 1) : std::string_view{};
  return is_field_value(out.reason);
}

// RFC 9112 §6.1, RFC 9110 §8.6: neither field in a 1xx or 204. Many servers send a zero length with 204; it is
// harmless.
bool announces_forbidden_body(int status, const Announced& body) {
  if (status >= 200 && status != 204) return false;
  const bool zero = body.framing == Framing::length && body.length == 0 && status == 204;
  return body.framing != Framing::none && !zero;
}

std::optional<Refusal> judge_fields(Method method, ResponseHead& out) {
  const Announced body = announced_body(out.fields, out.version);
  if (body.refusal) return body.refusal;
  if (announces_forbidden_body(out.status, body)) return Refusal::body_forbidden;
  const ConnectionOptions options = connection_options(out.fields);
  if (options.too_many) return Refusal::too_many_fields;
  out.keep_alive = options.persists(out.version);
  out.content_length = body.length;
  out.framing = body.framing;
  if (is_bodyless(method, out.status)) {
    // RFC 9110 §8.6: HEAD and 304 may tell the length that GET would have had, and pass it on.
    const bool tells_length = body.framing == Framing::length && out.status >= 200 && out.status != 204;
    out.framing = tells_length ? Framing::length : Framing::none;
  } else if (body.framing == Framing::none) {
    out.framing = Framing::until_close;
    out.keep_alive = false;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Refusal> parse_response(std::string_view head, Method method, ResponseHead& out) {
  const std::size_t end = head.find("\r\n");
  if (end == head.npos || !parse_status_line(head.substr(0, end), out)) return Refusal::status_line;
  const LlhttpVerdict verdict = run_llhttp(HTTP_RESPONSE, head, out.fields);
  if (verdict.error != HPE_OK) {
    out.fields.clear();
    split_field_lines(head.substr(end + 2), out.fields);
  }
  if (const auto why = judge_fields(method, out)) return why;
  if (verdict.error != HPE_OK) return refusal_of(verdict.error, Refusal::status_line);
  return std::nullopt;
}

}  // namespace shellac::http
