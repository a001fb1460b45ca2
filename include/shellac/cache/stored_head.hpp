// Heads as they are stored, and what is made of them: the lines of a hit, of a 304, of a conditional request.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "shellac/cache/judge.hpp"
#include "shellac/core/arena.hpp"
#include "shellac/http/conditional.hpp"
#include "shellac/http/message.hpp"

namespace shellac::cache {

// "Name: value\r\n"… Without hop-by-hop fields, Age, Content-Length, Proxy-*, Cache-Status, Surrogate-Control, and what
// `storing` says is not stored (Set-Cookie, no-cache="…", private="…"). A missing Date is added: `received`
// (RFC 9110 §6.6.1). Lives in the arena.
std::string_view write_lines(const http::ResponseHead& response, const Storing& storing, WallTime received,
                             Arena& arena);
// The fields of stored lines, as views into them; added to `out`.
void read_lines(std::string_view lines, http::Fields& out);

// The head that a 304 makes of a stored one (RFC 9111 §3.2): each field of the 304 replaces all stored ones of that
// name, but Content-Length, Content-Encoding, Content-Range, Content-Type… which describe the stored body, stay. Views
// point into `stored` and the 304.
void merge_fields(const http::Fields& stored, const http::Fields& update, http::Fields& out);

// The fields of a 304 to a client (RFC 9110 §15.4.5): what would have been sent in the 200 and matters to caches.
void not_modified_fields(const http::Fields& stored, http::Fields& out);

// The validators in stored fields. `now` reads two-digit years.
http::Validators validators_of(const http::Fields& stored, WallTime now);
// Makes a request conditional on what is stored (RFC 9111 §4.3.1): If-None-Match, If-Modified-Since. The client's own
// conditions and Range go. False when nothing stored can be validated: then only the latter was done.
bool make_conditional(const http::Fields& stored, http::Fields& request);
// A fetch for the store asks for the whole, unconditionally.
void make_unconditional(http::Fields& request);
// True when a 304 answers this conditional request for that stored response (RFC 9111 §4.3.4).
bool is_validated_by(const http::Fields& stored, const http::Fields& not_modified);

}  // namespace shellac::cache
