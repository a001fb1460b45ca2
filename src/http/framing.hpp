// Where a message's body ends, and what Connection says: the rules that requests and responses share.
#pragma once

#include <cstdint>
#include <optional>

#include "http/field_lines.hpp"
#include "shellac/http/message.hpp"
#include "shellac/http/refusal.hpp"

namespace shellac::http {

// What Content-Length and Transfer-Encoding announce. Framing is none, length or chunked.
struct Announced {
  Framing framing = Framing::none;
  std::uint64_t length = 0;
  std::optional<Refusal> refusal;
};
// RFC 9112 §6.1–6.3, with every choice that it leaves made in favour of refusing.
Announced announced_body(const Fields& fields, Version version);

// The members of Connection that matter here (RFC 9110 §7.6.1).
struct ConnectionOptions {
  bool close = false;
  bool keep_alive = false;
  bool upgrade = false;
  bool too_many = false;  // nobody means so many; each costs a look at every field when hop-by-hop fields are removed
  // RFC 9112 §9.3.
  bool persists(Version version) const { return !close && (version != Version::http10 || keep_alive); }
};
ConnectionOptions connection_options(const Fields& fields);

// The refusal for an error of llhttp that no rule of ours had found first. `otherwise` is for its grammar errors.
Refusal refusal_of(llhttp_errno error, Refusal otherwise);

// "HTTP/1.1" or "HTTP/1.0", as HeadScan let it pass.
std::optional<Version> parse_version(std::string_view text);

}  // namespace shellac::http
