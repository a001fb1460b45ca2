// Sticky sessions: which server a visitor belongs to, in a cookie that tells strangers nothing.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shellac/core/units.hpp"

namespace shellac::balance {

enum class StickyMode : std::uint8_t {
  sealed,  // ours: neither name nor address can be read or made up
  plain,   // HAProxy's labels, with its dates
};
enum class SameSite : std::uint8_t { lax, strict, none };

struct StickyOptions {
  std::string cookie = "SHELLAC";
  std::string key_file;  // empty: a key is made at start
  std::string key;       // what the file holds
  StickyMode mode = StickyMode::sealed;
  Duration max_idle = std::chrono::hours(24);  // zero: does not end by idling
  Duration max_life = std::chrono::hours(24 * 7);
  SameSite same_site = SameSite::lax;
};

// What the cookie said: the metric's label and the log's word.
enum class StickyResult : std::uint8_t {
  none,     // there was no cookie
  valid,    // it names a server of this pool
  invalid,  // forged, of another key or pool, or nonsense
  unknown,  // sealed by us, for a server that is not there any more
  expired,  // max_idle or max_life has passed
};
std::string_view to_string(StickyResult result);

// A visitor as the cookie tells. Value.
struct Visitor {
  StickyResult result = StickyResult::none;
  std::size_t member = 0;  // with valid: position in the pool
  std::int64_t first = 0;  // seconds since 1970: when the cookie was first set
  std::int64_t last = 0;   // when it was set last; 0: a plain label without dates
};

class StickyCookies;

// Sealed values that were found genuine lately, so that a visitor's next request costs no HMAC. Compared in constant
// time. Forget everything when a configuration is adopted. Thread: one.
class SealMemo {
 public:
  SealMemo() : entries_(kEntries) {}
  void clear() { entries_.assign(kEntries, {}); }

 private:
  friend class StickyCookies;
  static constexpr std::size_t kEntries = 1024;
  struct Entry {
    const StickyCookies* owner = nullptr;
    std::array<char, 43> text{};
    Visitor visitor;
  };
  Entry& at(std::string_view value);
  std::vector<Entry> entries_;
};

// The cookies of one pool. A sealed value is base64url of: 8 octets HMAC(key, pool/label), 4 octets first seen, 4
// octets last seen, 16 octets HMAC over those and the pool's name: edges with the same key agree without talking.
// Immutable. Any thread.
class StickyCookies {
 public:
  // `labels` by position in the pool. `key`: at least 16 octets.
  StickyCookies(StickyOptions options, std::string pool, std::vector<std::string> labels, std::string key);

  const StickyOptions& options() const { return options_; }
  // Reads a cookie's value.
  Visitor read(std::string_view value, WallTime now, SealMemo* memo = nullptr) const;
  // True when the value has the shape of ours, so that it is nobody else's cookie and backends need not see it.
  bool is_ours(std::string_view value) const;
  // Whom a Cookie field's value names, and whether there is something of ours in it. An application may have a cookie
  // of the same name for a path of its own, before ours or behind it: the first valid one counts.
  struct Seen {
    Visitor visitor;
    bool has_ours = false;
  };
  Seen look(std::string_view cookies, WallTime now, SealMemo* memo = nullptr) const;
  // The field's value without what is ours; empty when nothing is left.
  std::string without_ours(std::string_view cookies) const;
  // The Set-Cookie value for a visitor who was served by `member`; nothing when the cookie that came will do: it names
  // this member and was set less than a quarter of max_idle ago.
  std::optional<std::string> renew(const Visitor& visitor, std::size_t member, bool secure, WallTime now) const;

 private:
  std::string seal(std::size_t member, std::int64_t first, std::int64_t last) const;
  Visitor unseal(std::string_view value) const;
  Visitor unseal_with(SealMemo& memo, std::string_view value) const;
  std::string write_plain(std::size_t member, std::int64_t first, std::int64_t last) const;
  Visitor read_plain(std::string_view value) const;
  bool has_expired(const Visitor& visitor, std::int64_t now) const;
  std::string mac(std::string_view body) const;

  using Tag = std::array<char, 8>;
  StickyOptions options_;
  std::string pool_;
  std::vector<std::string> labels_;
  std::string key_;
  std::vector<Tag> tags_;
};

// The cookie of that name in a Cookie field's value (RFC 6265 §5.4); nothing when there is none.
std::optional<std::string_view> find_cookie(std::string_view cookies, std::string_view name);
// The name that a Set-Cookie value sets.
std::string_view set_cookie_name(std::string_view value);

}  // namespace shellac::balance
