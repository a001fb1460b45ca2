// Every reason for which a message is refused; one list for requests and responses.
#pragma once

#include <cstdint>
#include <string_view>

namespace shellac::http {

enum class Refusal : std::uint8_t {
  request_line,     // not METHOD SP TARGET SP VERSION
  method_token,     // a method that is not a token
  method_unknown,   // 501: a token that the parser does not know
  method_connect,   // 405
  target,           // white space, an octet above ASCII, fragment or bad form (escapes are the routes' business)
  target_too_long,  // 414
  version,          // 505: HTTP/2.0, HTTP/1.2…; 400: not HTTP at all is `request_line`
  status_line,      // of a response
  line_end,         // bare CR or bare LF
  control_byte,     // NUL or another control byte in a field or the target
  folding,          // obs-fold
  field_name,       // not a token, empty, or space before the colon
  field_line,       // no colon
  too_many_fields,  // 431
  head_too_large,   // 431
  host_missing,
  host_repeated,
  host_malformed,
  host_contradicts_target,
  length_repeated,      // several Content-Length, also equal ones
  length_malformed,     // not digits, or above 2^63-1
  length_and_encoding,  // both
  encoding_unknown,     // 501: anything but exactly `chunked`
  encoding_malformed,   // empty, or members that are no tokens
  encoding_repeated,    // several Transfer-Encoding lines or members
  encoding_version,     // Transfer-Encoding with HTTP/1.0
  chunk_size,           // no digits, more than 16, sign, prefix, white space
  chunk_extension,      // malformed or too long
  chunk_end,            // no CRLF behind a chunk's data
  trailer,              // malformed, too large, or a field that may not be a trailer
  expectation,          // 417: an Expect other than 100-continue
  body_forbidden,       // an answer that never has a body announces one (1xx or 204 with a length or chunked)
  interim_flood,        // more than limits::kInterimMax
  unexpected_bytes,     // a backend sends before it was asked, or behind its answer
};

// The status to answer a request with: 400, 405, 414, 417, 431, 501 or 505. (A response's refusal is always a 502.)
int status_of(Refusal refusal);
// The word for log and metric: "length_and_encoding".
std::string_view to_string(Refusal refusal);

}  // namespace shellac::http
