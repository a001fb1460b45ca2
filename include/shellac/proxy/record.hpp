// What is told of one request when it has ended: the source of the access log and of the request metrics.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "shellac/core/address.hpp"
#include "shellac/core/units.hpp"

namespace shellac::proxy {

// How an exchange ended; the words are those of the log.
enum class Ended : std::uint8_t {
  completed,
  client_reset,
  client_timeout,
  backend_error,
  backend_timeout,
  refused,
  limit,
  shutdown,
};
std::string_view to_string(Ended ended);

// What the cache had to do with it; `none`: its route has no cache, or it never came so far.
enum class CacheOutcome : std::uint8_t { none, hit, stale, miss, join, pass };
std::string_view to_string(CacheOutcome outcome);

// Views live until record() returns: a sink copies what it keeps.
struct RequestRecord {
  WallTime time{};      // when the head was complete
  std::string_view id;  // X-Request-Id
  IpAddress client{};
  bool has_client = false;
  std::string_view listener;
  std::string_view tls;       // "TLSv1.3"; empty when plain
  std::string_view protocol;  // "HTTP/1.1"
  std::string_view method;
  std::string_view scheme;
  std::string_view host;
  std::string_view path;   // as sent, with query
  std::string_view route;  // empty when none matched
  int status = 0;
  std::uint64_t bytes_in = 0;   // of the request's body
  std::uint64_t bytes_out = 0;  // of the response's body, as sent
  CacheOutcome cache = CacheOutcome::none;
  std::string_view cache_reason;
  std::string_view pool, backend, zone;
  int attempts = 0;
  std::string_view sticky;                                     // empty: the pool has no stickiness
  Duration t_queue{}, t_connect{}, t_first_byte{}, t_total{};  // negative: did not happen
  Ended ended = Ended::completed;
  std::string_view reason;  // why it was refused or failed: a Refusal's or Cause's word; empty when completed
  std::string_view referer, user_agent;
};

// Where records go. `edge` implements it; one per worker. Thread: its worker.
class RecordSink {
 public:
  virtual void record(const RequestRecord& record) noexcept = 0;

 protected:
  ~RecordSink() = default;
};

}  // namespace shellac::proxy
