#include "shellac/balance/sticky.hpp"

#include <algorithm>
#include <cstring>
#include <span>

#include "shellac/core/crypto.hpp"
#include "shellac/core/text.hpp"

namespace shellac::balance {
namespace {

constexpr std::size_t kTag = 8, kDates = 8, kMac = 16;
constexpr std::size_t kSealed = kTag + kDates + kMac;
constexpr std::size_t kSealedText = 43;  // of base64url without padding

std::int64_t seconds_of(WallTime when) {
  return std::chrono::duration_cast<std::chrono::seconds>(when.time_since_epoch()).count();
}
std::int64_t seconds_of(Duration duration) {
  return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

std::span<const std::uint8_t> octets_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

void append_seconds(std::string& out, std::int64_t seconds) {
  const auto number = static_cast<std::uint32_t>(std::clamp<std::int64_t>(seconds, 0, UINT32_MAX));
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(number >> shift & 0xFF);
}

std::int64_t read_seconds(std::string_view octets) {
  std::uint32_t number = 0;
  for (const char c : octets.substr(0, 4)) number = number << 8 | static_cast<unsigned char>(c);
  return number;
}

// HAProxy's dates: 30 bits of (seconds since 1970) / 4, six bits a letter, highest first (its standard.c, s30tob64).
constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::size_t kDateLetters = 5;

std::string write_date(std::int64_t seconds) {
  std::string out;
  const auto number = static_cast<std::uint64_t>(seconds) >> 2;
  for (int shift = 24; shift >= 0; shift -= 6) out += kLetters[number >> shift & 63];
  return out;
}

std::optional<std::int64_t> parse_date(std::string_view text) {
  if (text.size() != kDateLetters) return std::nullopt;
  std::int64_t number = 0;
  for (const char c : text) {
    const std::size_t digit = kLetters.find(c);
    if (digit == kLetters.npos) return std::nullopt;
    number = number << 6 | static_cast<std::int64_t>(digit);
  }
  return number << 2;
}

std::string_view to_text(SameSite same_site) {
  switch (same_site) {
    case SameSite::lax:
      return "Lax";
    case SameSite::strict:
      return "Strict";
    case SameSite::none:
      return "None";
  }
  return "";
}

// Calls each(name, value) for every cookie of a Cookie field.
template <class Each>
void for_each_cookie(std::string_view cookies, Each each) {
  while (!cookies.empty()) {
    const std::size_t end = cookies.find(';');
    const std::string_view pair = trim(cookies.substr(0, end));
    const std::size_t equals = pair.find('=');
    if (!pair.empty())
      each(pair, trim(pair.substr(0, equals)), equals == pair.npos ? "" : trim(pair.substr(equals + 1)));
    if (end == cookies.npos) return;
    cookies.remove_prefix(end + 1);
  }
}

}  // namespace

std::string_view to_string(StickyResult result) {
  switch (result) {
    case StickyResult::none:
      return "none";
    case StickyResult::valid:
      return "valid";
    case StickyResult::invalid:
      return "invalid";
    case StickyResult::unknown:
      return "unknown";
    case StickyResult::expired:
      return "expired";
  }
  return "";
}

StickyCookies::StickyCookies(StickyOptions options, std::string pool, std::vector<std::string> labels, std::string key)
    : options_(std::move(options)), pool_(std::move(pool)), labels_(std::move(labels)), key_(std::move(key)) {
  for (const std::string& label : labels_) {
    const auto digest = crypto::hmac_sha256(octets_of(key_), pool_ + "/" + label);
    std::memcpy(tags_.emplace_back().data(), digest.data(), kTag);
  }
}

std::string StickyCookies::mac(std::string_view body) const {
  std::string text(pool_);
  text += '\0';
  text += body;
  const auto digest = crypto::hmac_sha256(octets_of(key_), text);
  return {reinterpret_cast<const char*>(digest.data()), kMac};
}

std::string StickyCookies::seal(std::size_t member, std::int64_t first, std::int64_t last) const {
  std::string body(tags_[member].data(), kTag);
  append_seconds(body, first);
  append_seconds(body, last);
  body += mac(body);
  return crypto::base64url(octets_of(body));
}

Visitor StickyCookies::unseal(std::string_view value) const {
  const auto body = value.size() == kSealedText ? crypto::parse_base64url(value) : std::nullopt;
  if (!body || body->size() != kSealed) return {StickyResult::invalid};
  const std::string_view text(*body);
  if (!crypto::equal_in_constant_time(mac(text.substr(0, kTag + kDates)), text.substr(kTag + kDates)))
    return {StickyResult::invalid};
  Visitor visitor{StickyResult::unknown, 0, read_seconds(text.substr(kTag)), read_seconds(text.substr(kTag + 4))};
  for (std::size_t i = 0; i < tags_.size(); ++i) {
    if (std::string_view(tags_[i].data(), kTag) != text.substr(0, kTag)) continue;
    visitor.result = StickyResult::valid;
    visitor.member = i;
  }
  return visitor;
}

std::string StickyCookies::write_plain(std::size_t member, std::int64_t first, std::int64_t last) const {
  if (options_.max_idle == Duration::zero() && options_.max_life == Duration::zero()) return labels_[member];
  return labels_[member] + "|" + write_date(last) + "|" + write_date(first);
}

// "label", "label|last" or "label|last|first"; a date that cannot be read makes the cookie worthless.
Visitor StickyCookies::read_plain(std::string_view value) const {
  const std::size_t bar = value.find('|');
  Visitor visitor{StickyResult::unknown};
  if (bar != value.npos) {
    std::string_view dates = value.substr(bar + 1);
    const std::size_t second = dates.find('|');
    const auto last = parse_date(dates.substr(0, second));
    const auto first = second == dates.npos ? last : parse_date(dates.substr(second + 1));
    if (!last || !first) return {StickyResult::invalid};
    visitor.last = *last;
    visitor.first = *first;
  }
  for (std::size_t i = 0; i < labels_.size(); ++i) {
    if (labels_[i] != value.substr(0, bar)) continue;
    visitor.result = StickyResult::valid;
    visitor.member = i;
  }
  return visitor;
}

// A date from tomorrow or later was not set by any edge whose clock is right.
bool StickyCookies::has_expired(const Visitor& visitor, std::int64_t now) const {
  constexpr std::int64_t kDay = 24 * 3600;
  if (visitor.last == 0) return false;  // a label without dates counts once and is dated then
  if (visitor.last > now + kDay || visitor.first > now + kDay) return true;
  if (options_.max_idle > Duration::zero() && now - visitor.last > seconds_of(options_.max_idle)) return true;
  return options_.max_life > Duration::zero() && now - visitor.first > seconds_of(options_.max_life);
}

// The last letters are of the HMAC: as good as a hash of the rest.
SealMemo::Entry& SealMemo::at(std::string_view value) {
  std::uint32_t tail = 0;
  std::memcpy(&tail, value.data() + value.size() - 5, sizeof tail);
  return entries_[(tail * 0x9e3779b1u) >> 22];
}

Visitor StickyCookies::unseal_with(SealMemo& memo, std::string_view value) const {
  if (value.size() != kSealedText) return {StickyResult::invalid};
  SealMemo::Entry& entry = memo.at(value);
  if (entry.owner == this && crypto::equal_in_constant_time({entry.text.data(), kSealedText}, value))
    return entry.visitor;
  const Visitor visitor = unseal(value);
  if (visitor.result == StickyResult::invalid) return visitor;
  entry.owner = this;
  value.copy(entry.text.data(), kSealedText);
  entry.visitor = visitor;
  return visitor;
}

Visitor StickyCookies::read(std::string_view value, WallTime now, SealMemo* memo) const {
  if (value.empty()) return {};
  Visitor visitor;
  if (options_.mode == StickyMode::plain)
    visitor = read_plain(value);
  else
    visitor = memo != nullptr ? unseal_with(*memo, value) : unseal(value);
  if (visitor.result == StickyResult::valid && has_expired(visitor, seconds_of(now)))
    visitor.result = StickyResult::expired;
  return visitor;
}

bool StickyCookies::is_ours(std::string_view value) const {
  if (options_.mode == StickyMode::plain) return read_plain(value).result == StickyResult::valid;
  constexpr std::string_view kUrlLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return value.size() == kSealedText && value.find_first_not_of(kUrlLetters) == value.npos;
}

StickyCookies::Seen StickyCookies::look(std::string_view cookies, WallTime now, SealMemo* memo) const {
  Seen seen;
  for_each_cookie(cookies, [&](std::string_view, std::string_view name, std::string_view value) {
    if (name != options_.cookie) return;
    seen.has_ours |= is_ours(value);
    if (seen.visitor.result == StickyResult::valid) return;
    const Visitor visitor = read(value, now, memo);
    if (visitor.result == StickyResult::valid || seen.visitor.result == StickyResult::none) seen.visitor = visitor;
  });
  return seen;
}

std::string StickyCookies::without_ours(std::string_view cookies) const {
  std::string left;
  for_each_cookie(cookies, [&](std::string_view pair, std::string_view name, std::string_view value) {
    if (name == options_.cookie && is_ours(value)) return;
    if (!left.empty()) left += "; ";
    left += pair;
  });
  return left;
}

std::optional<std::string> StickyCookies::renew(const Visitor& visitor, std::size_t member, bool secure,
                                                WallTime now) const {
  const std::int64_t today = seconds_of(now);
  const std::int64_t idle = seconds_of(options_.max_idle), life = seconds_of(options_.max_life);
  const bool stays = visitor.result == StickyResult::valid && visitor.member == member && visitor.last != 0;
  // Without an idle time there is nothing to refresh.
  if (stays && (idle == 0 || today - visitor.last < (idle + 3) / 4)) return std::nullopt;
  const bool dateless = visitor.result == StickyResult::valid && visitor.member == member && idle == 0 && life == 0;
  if (dateless) return std::nullopt;
  const std::int64_t first = stays ? visitor.first : today;
  std::string cookie = options_.cookie + "=";
  cookie += options_.mode == StickyMode::sealed ? seal(member, first, today) : write_plain(member, first, today);
  cookie += "; Path=/; HttpOnly";
  if (secure) cookie += "; Secure";
  cookie += "; SameSite=";
  cookie += to_text(options_.same_site);
  std::int64_t remainder = INT64_MAX;
  if (idle > 0) remainder = std::min(remainder, idle);
  if (life > 0) remainder = std::min(remainder, std::max<std::int64_t>(first + life - today, 1));
  if (remainder != INT64_MAX) cookie += "; Max-Age=" + std::to_string(remainder);
  return cookie;
}

std::optional<std::string_view> find_cookie(std::string_view cookies, std::string_view name) {
  std::optional<std::string_view> found;
  for_each_cookie(cookies, [&](std::string_view, std::string_view key, std::string_view value) {
    if (!found && key == name) found = value;
  });
  return found;
}

std::string_view set_cookie_name(std::string_view value) {
  return trim(value.substr(0, std::min(value.find('='), value.find(';'))));
}

}  // namespace shellac::balance
