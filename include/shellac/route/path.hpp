// Path normalisation in three modes; each route sees, matches and forwards the path in its own.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "shellac/core/arena.hpp"
#include "shellac/route/options.hpp"

namespace shellac::route {

// Where certificate authorities look for what they asked to be put there (RFC 8555 §8.3): over plain HTTP, also on a
// listener that redirects to https.
inline constexpr std::string_view kChallengePrefix = "/.well-known/acme-challenge/";

// Normalises `path` (as sent, with leading '/', without query). Returns the input itself when nothing changes; the
// asterisk form "*" stays. Idempotent.
// Nothing when the path is refused: a bad escape (%zz, a lone %), %00, no leading '/', or dot segments that climb above
// the root (RFC 3986 §5.2.4 would drop them; refusing is what keeps /i/../../secret from meaning anything).
// full: %2e and other unreserved octets decoded (RFC 3986 §6.2.2.2), hex digits upper-case, octets outside visible
// ASCII escaped, "//" and "/./" merged, "/../" resolved. %2F and %5C stay as they are: they are no separators. safe:
// escapes only. none: byte for byte, and nothing is refused.
std::optional<std::string_view> normalize(std::string_view path, NormalizePath mode, Arena& arena);

// The forms of one request's path, computed when first asked for. Thread: one. Views live as long as arena and raw
// path.
class PathForms {
 public:
  PathForms(std::string_view raw, Arena& arena) : raw_(raw), arena_(arena) {}
  std::string_view raw() const { return raw_; }
  // Nothing when that form is refused.
  std::optional<std::string_view> get(NormalizePath mode) const;

 private:
  std::string_view raw_;
  Arena& arena_;
  struct Form {
    bool known = false;
    std::optional<std::string_view> path;
  };
  mutable Form full_, safe_;
};

}  // namespace shellac::route
