// Every "why" of the cache: the metric's label, the log's word, the detail of Cache-Status and explain's answer.
#pragma once

#include <cstdint>
#include <string_view>

namespace shellac::cache {

// Why a request is not looked up at all: it passes.
enum class Bypass : std::uint8_t {
  none,
  method,         // neither GET nor HEAD
  body,           // a GET with a body
  upgrade,        // asks for another protocol
  cookie,         // carries a cookie that the policy does not ignore
  authorization,  // carries credentials, and the policy keeps no answers to those
  no_store,       // the request says so, and the policy listens
  range,          // of an object that is known to be too large to be stored
};
std::string_view to_string(Bypass why);

// Why a looked-up request is not answered from the store (RFC 9211 §2.2).
enum class Miss : std::uint8_t {
  none,
  uri,      // nothing is stored under its key
  vary,     // only other variants are
  stale,    // what is stored may not be used any more without asking
  request,  // the request's own directives want a newer answer
  partial,  // only another part is stored
};
std::string_view to_string(Miss why);  // "uri-miss", "vary-miss", "stale", "request", "partial"

// Why an answer is not stored.
enum class NotStored : std::uint8_t {
  none,
  method,    // its request's method does not allow it
  status,    // not final, not understood, or 206 without a usable Content-Range
  no_store,  // the answer's no-store
  request_no_store,
  private_,       // Cache-Control: private
  authorization,  // RFC 9111 §3.5
  set_cookie,
  vary_any,      // Vary: *
  no_freshness,  // nothing says how long it may be used, and it has no validator
  uncacheable,   // its freshness is spent on arrival, and it has no validator or the policy keeps nothing
  too_large,     // over max_object
  full,          // no room could be made
  purged,        // purged while it was fetched
  min_uses,      // not asked for often enough yet
  variants,      // the key has max_variants already, all of them in use
  broken,        // the transfer ended early
};
std::string_view to_string(NotStored why);

}  // namespace shellac::cache
