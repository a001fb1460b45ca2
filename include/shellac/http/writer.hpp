// HTTP/1 serialiser: heads, chunk framing. What is written is made from parsed parts only (RFC 9112 §11).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "shellac/http/message.hpp"

namespace shellac::http {

// How a body is framed on this connection; decided by the sender's side, not copied from the other.
struct WireFraming {
  Framing kind = Framing::none;   // none: neither length nor encoding is written
  std::uint64_t length = 0;       // with Framing::length
  bool close = false;             // writes Connection: close; implied by until_close
  bool keep_alive = false;        // writes Connection: keep-alive (for HTTP/1.0 clients)
  std::string_view upgrade = {};  // writes Connection: Upgrade and Upgrade: VALUE
};

// The fields Connection, Keep-Alive, Proxy-Connection, Transfer-Encoding, Content-Length, Upgrade, Host (of requests)
// in the head are ignored: they come from `framing` and `authority`. A response to HEAD, or a 304, that carries the
// length which GET would have: framing.kind = none and a Content-Length kept with `head_length`.

// An upper bound on what write_head() needs, besides the request's target.
std::size_t head_size_max(const RequestHead& head, const WireFraming& framing);
std::size_t head_size_max(const ResponseHead& head, const WireFraming& framing);

// Writes the head and returns its size; `out` has head_size_max() + target.size() octets. `target` is what goes in the
// request line (path and query after rewriting); the version written is HTTP/1.1 always.
std::size_t write_head(const RequestHead& head, std::string_view target, const WireFraming& framing,
                       std::span<char> out);
// `head_length`: write this Content-Length although there is no body (answers to HEAD and 304); nullptr = none.
// It counts with framing.kind = none only, so that two lengths are never written.
std::size_t write_head(const ResponseHead& head, const WireFraming& framing, const std::uint64_t* head_length,
                       std::span<char> out);

// "1a2b\r\n" for a chunk of that size (> 0) into `out` (at least 18 octets); returns its length.
std::size_t write_chunk_size(std::uint64_t size, std::span<char> out);
inline constexpr std::string_view kChunkEnd = "\r\n";
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";
// "0\r\n" + trailers + "\r\n".
std::string write_last_chunk(const Fields* trailers);

}  // namespace shellac::http
