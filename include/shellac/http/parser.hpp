// From the octets of a complete, scanned head to RequestHead and ResponseHead, with every framing rule decided.
#pragma once

#include <optional>
#include <string_view>

#include "shellac/http/message.hpp"
#include "shellac/http/refusal.hpp"

namespace shellac::http {

// `head` is what HeadScan found complete ([start, size)); the result's views point into it. Nothing = accepted.
// On refusal `out` holds what could be understood (method, path, fields) for log and answer.
// RFC 9112 §§3, 5, 6; RFC 9110 §7.2. Scheme is left to the caller.
std::optional<Refusal> parse_request(std::string_view head, RequestHead& out);

// The same for an answer to a request with `method`. RFC 9112 §§4, 6.3.
std::optional<Refusal> parse_response(std::string_view head, Method method, ResponseHead& out);

// A host as Host and :authority may carry it (RFC 9110 §7.2, RFC 3986 §3.2.2: reg-name, IPv4, [IPv6], optional port; no
// userinfo).
bool is_valid_authority(std::string_view text);
bool is_token(std::string_view text);
// A field value without CR, LF, NUL and other control bytes but HTAB.
bool is_field_value(std::string_view text);

}  // namespace shellac::http
