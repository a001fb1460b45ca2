// Request heads (RFC 9112 §§3, 5, 6).
#include "http/framing.hpp"
#include "shellac/core/text.hpp"
#include "shellac/http/parser.hpp"

namespace shellac::http {
namespace {

// Methods above this one in llhttp's table belong to HTTP/2's preface, ICE and RTSP.
constexpr std::uint8_t kLastHttpMethod = HTTP_UNLINK;

struct RequestLine {
  std::string_view method, target, version, fields;
};

std::optional<RequestLine> split_request_line(std::string_view head) {
  const std::size_t end = head.find("\r\n");
  if (end == head.npos) return std::nullopt;
  const std::string_view line = head.substr(0, end);
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == line.npos || first == last) return std::nullopt;
  return RequestLine{line.substr(0, first), line.substr(first + 1, last - first - 1), line.substr(last + 1),
                     head.substr(end + 2)};
}

// Without its scheme, when it has one that we serve (RFC 9112 §3.2.2).
std::optional<std::string_view> behind_scheme(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"})
    if (iequals(target.substr(0, scheme.size()), scheme)) return target.substr(scheme.size());
  return std::nullopt;
}

void set_path(std::string_view text, RequestHead& out) {
  const std::size_t query = text.find('?');
  out.path = text.substr(0, query);
  if (query != text.npos) out.query = text.substr(query);
  if (out.path.empty()) out.path = "/";
}

bool parse_absolute(std::string_view text, RequestHead& out) {
  const std::size_t end = std::min(text.find_first_of("/?"), text.size());
  out.form = RequestHead::Form::absolute;
  out.authority = text.substr(0, end);
  set_path(text.substr(end), out);
  // RFC 9112 §3.2.4: this is how a proxy is told `OPTIONS *`.
  if (end == text.size() && out.known == Method::options) {
    out.form = RequestHead::Form::asterisk;
    out.path = "*";
  }
  return is_valid_authority(out.authority);
}

bool parse_target(std::string_view target, RequestHead& out) {
  if (target.empty() || target.find('#') != target.npos) return false;
  if (target == "*") {
    out.form = RequestHead::Form::asterisk;
    out.path = target;
    return out.known == Method::options;
  }
  if (target.front() == '/') {
    set_path(target, out);
    return true;
  }
  const auto rest = behind_scheme(target);
  return rest && parse_absolute(*rest, out);
}

// RFC 9110 §7.2, RFC 9112 §3.2. `authority` is the absolute target's already, if it had one.
std::optional<Refusal> judge_host(RequestHead& out) {
  const Field* host = nullptr;
  for (const Field& field : out.fields) {
    if (field.id != FieldId::host) continue;
    if (host) return Refusal::host_repeated;
    host = &field;
  }
  if (!host) return out.version == Version::http10 ? std::nullopt : std::optional(Refusal::host_missing);
  if (!is_valid_authority(host->value)) return Refusal::host_malformed;
  if (!out.authority.empty() && !iequals(out.authority, host->value)) return Refusal::host_contradicts_target;
  out.authority = host->value;
  return std::nullopt;
}

// RFC 9110 §10.1.1.
std::optional<Refusal> judge_expect(RequestHead& out) {
  if (out.version == Version::http10) return std::nullopt;
  bool other = false;
  for_each_member(out.fields, FieldId::expect, [&](std::string_view member) {
    (iequals(member, "100-continue") ? out.expect_continue : other) = true;
    return true;
  });
  return other ? std::optional(Refusal::expectation) : std::nullopt;
}

// RFC 9110 §7.8. An upgrade with a body, of HTTP/1.0, or to another HTTP (which would carry requests past every rule of
// ours) is legally ignored.
std::string_view wanted_upgrade(const RequestHead& head) {
  if (head.version != Version::http11 || head.has_body()) return {};
  bool to_http = false;
  for_each_member(head.fields, FieldId::upgrade, [&](std::string_view member) {
    const std::string_view name = member.substr(0, member.find('/'));
    to_http = to_http || iequals(name, "h2c") || iequals(name, "h2") || iequals(name, "HTTP") || iequals(name, "TLS");
    return true;
  });
  return to_http ? std::string_view{} : head.fields.value(FieldId::upgrade);
}

std::optional<Refusal> judge_fields(RequestHead& out) {
  const Announced body = announced_body(out.fields, out.version);
  out.framing = body.framing;
  out.content_length = body.length;
  const ConnectionOptions options = connection_options(out.fields);
  out.keep_alive = options.persists(out.version);
  if (body.refusal) return body.refusal;
  if (options.too_many) return Refusal::too_many_fields;
  if (const auto why = judge_host(out)) return why;
  if (const auto why = judge_expect(out)) return why;
  if (options.upgrade) out.upgrade = wanted_upgrade(out);
  return std::nullopt;
}

}  // namespace

std::optional<Refusal> parse_request(std::string_view head, RequestHead& out) {
  const auto line = split_request_line(head);
  if (!line) return Refusal::request_line;
  out.method = line->method;
  out.known = parse_method(line->method);
  const bool good_target = parse_target(line->target, out);
  const auto version = parse_version(line->version);
  out.version = version.value_or(Version::http11);

  const LlhttpVerdict verdict = run_llhttp(HTTP_REQUEST, head, out.fields);
  if (verdict.error != HPE_OK) {
    out.fields.clear();
    split_field_lines(line->fields, out.fields);
  }
  // The connection's state and the host are wanted for the answer to a refused request, too.
  const auto why = judge_fields(out);
  if (!version) return Refusal::version;
  if (!is_token(line->method)) return Refusal::method_token;
  if (out.known == Method::connect) return Refusal::method_connect;
  if (verdict.error == HPE_INVALID_METHOD || verdict.method > kLastHttpMethod) return Refusal::method_unknown;
  if (!good_target) return Refusal::target;
  if (why) return why;
  if (verdict.error != HPE_OK) return refusal_of(verdict.error, Refusal::request_line);
  return std::nullopt;
}

}  // namespace shellac::http
