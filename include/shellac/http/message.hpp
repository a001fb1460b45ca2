// Heads of requests and responses, parsed: what front, proxy and upstream hand to each other.
#pragma once

#include <cstdint>
#include <string_view>

#include "shellac/http/fields.hpp"

namespace shellac::http {

enum class Version : std::uint8_t { http10, http11, http2 };
std::string_view to_string(Version version);  // "HTTP/1.1"

// The methods that rules speak of. `other` passes through like the rest; its text is in RequestHead::method.
enum class Method : std::uint8_t { other, get, head, post, put, delete_, connect, options, trace, patch, purge };
Method parse_method(std::string_view text);  // case-sensitive (RFC 9110 §9.1)
// RFC 9110 §9.2.2, for known methods; `other` is not.
bool is_idempotent(Method method);
bool is_safe(Method method);

// How the end of a body is told (RFC 9112 §6.3).
enum class Framing : std::uint8_t { none, length, chunked, until_close };

// The request as it is understood, whichever protocol carried it. All views point into the connection's buffer or the
// exchange's Arena and live as long as the exchange.
struct RequestHead {
  enum class Form : std::uint8_t { origin, absolute, asterisk };

  std::string_view method;
  Method known = Method::other;
  Version version = Version::http11;
  Form form = Form::origin;
  std::string_view scheme;     // "http" or "https": of the connection, or what a trusted proxy said
  std::string_view authority;  // Host as the client sent it (or the absolute target's authority)
  std::string_view path;       // as sent, without query, begins with '/'; "*" in asterisk form
  std::string_view query;      // as sent, with its '?'; empty when there is none
  Fields fields;               // as sent, Host included

  Framing framing = Framing::none;
  std::uint64_t content_length = 0;  // with Framing::length
  bool keep_alive = true;            // the client wants the connection kept (RFC 9112 §9.3)
  bool expect_continue = false;
  std::string_view upgrade;  // the Upgrade field's value when Connection names it; empty otherwise

  bool has_body() const { return framing == Framing::chunked || (framing == Framing::length && content_length > 0); }
};

// A final or interim response.
struct ResponseHead {
  int status = 0;
  std::string_view reason;
  Version version = Version::http11;
  // Field lines that are written already ("Name: value\r\n"…), of a stored answer: they come before `fields`, which
  // name nothing that stands in them but list fields. Whoever wrote them left the framing's fields out.
  std::string_view lines;
  Fields fields;

  // In an answer to HEAD and in a 304 Framing::length tells what GET would have given; no body follows (is_bodyless()).
  Framing framing = Framing::none;
  std::uint64_t content_length = 0;
  bool keep_alive = true;  // the backend will keep the connection
};

// RFC 9110 §15: the reason phrase that we write when the backend sent none. Never empty.
std::string_view reason_phrase(int status);
// True when a response to this method with this status never has a body (HEAD, 1xx, 204, 304; RFC 9112 §6.3).
bool is_bodyless(Method request_method, int status);

}  // namespace shellac::http
