// Limits that are not configuration: each has a reason, and an answer beyond it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "shellac/core/units.hpp"

namespace shellac::limits {

// A pooled buffer for bodies. speed.md: 64 KiB halves the cost of a relayed MiB against 16 KiB; larger gains little.
inline constexpr std::size_t kBodyBuffer = 64 * 1024;
// A head's first buffer. Nearly every real head fits; the few larger ones are moved to a larger buffer.
inline constexpr std::size_t kHeadBuffer = 4 * 1024;
// The largest `limits.head` that a listener may ask for: a pooled buffer's size.
inline constexpr Bytes kHeadMax = 64_KiB;
// A backend's head. Larger is a malformed answer (502).
inline constexpr std::size_t kBackendHeadMax = 64 * 1024;
inline constexpr std::size_t kBackendFieldsMax = 256;
// Interim (1xx) answers before the final one. More is a flood: 502.
inline constexpr int kInterimMax = 16;
// One chunk extension or the white space around a chunk size. Legal, ignored, and bounded.
inline constexpr std::size_t kChunkExtensionMax = 4 * 1024;
// All trailers of one message.
inline constexpr std::size_t kTrailersMax = 16 * 1024;
// A request target. Beyond it 414. RFC 9110 §4.1 wants at least 8000.
inline constexpr std::size_t kTargetMax = 16 * 1024;
// Empty lines before a request line (RFC 9112 §2.2 asks servers to ignore at least one).
inline constexpr int kLeadingEmptyLines = 4;
// Pipelined requests served in one go before other connections of the worker get their turn (speed.md).
inline constexpr int kPipelineBatch = 16;
// Bytes moved for one side of one exchange before others get their turn.
inline constexpr std::size_t kFairShare = 256 * 1024;
// After an answer that ends the connection, so much of what the client still sends is read and dropped, so that the
// kernel does not reset the connection under the answer (RFC 9112 §9.6).
inline constexpr std::size_t kLingerBytes = 1024 * 1024;
inline constexpr Duration kLingerTime = std::chrono::seconds(2);
// How long a request body is held back after `Expect: 100-continue` was forwarded and the backend is silent.
inline constexpr Duration kContinueWait = std::chrono::seconds(1);
// Requests that wait for one fetch. Those beyond it ask for themselves: one slow answer holds up so many and no more.
inline constexpr std::uint32_t kFollowersMax = 10000;
// How long a request waits for the head of somebody else's fetch before it asks for itself.
inline constexpr Duration kFollowerWait = std::chrono::seconds(5);
// How long it is remembered that a key's answer may not be shared (hit-for-miss).
inline constexpr Duration kHitForMiss = std::chrono::seconds(120);
// After a failed fetch stale objects are served so long without another attempt.
inline constexpr Duration kRefreshBackOff = std::chrono::seconds(1);
// Environment variables and includes.
inline constexpr int kIncludeDepth = 8;
inline constexpr Bytes kConfigFileMax = 16_MiB;

}  // namespace shellac::limits
