// What a matched request becomes: the backend's target or a redirect's Location.
#include <algorithm>
#include <cstring>

#include "route/escape.hpp"
#include "route/host_index.hpp"
#include "shellac/route/table.hpp"

namespace shellac::route {

namespace {

// The segment that stands across the seam of two joined paths.
bool is_dot_segment_at_seam(std::string_view before, std::string_view after) {
  const auto slash = before.rfind('/');
  const std::string_view left = slash == std::string_view::npos ? before : before.substr(slash + 1);
  const std::string_view right = after.substr(0, after.find('/'));
  if (left.size() + right.size() > 2 || left.size() + right.size() == 0) return false;
  const auto is_dots = [](std::string_view text) { return text.find_first_not_of('.') == std::string_view::npos; };
  return is_dots(left) && is_dots(right);
}

enum class Part : std::uint8_t { literal, host, path, query };

// What may stand in a part of a URI as it is (RFC 3986 §3). `literal` is the configuration's own text.
bool may_stand(char c, Part part) {
  if (is_unreserved(c) || is_sub_delim(c) || c == ':') return true;
  switch (part) {
    case Part::literal:
      return c != '\0' && std::string_view("/?#[]@").find(c) != std::string_view::npos;
    case Part::host:
      return c == '[' || c == ']';
    case Part::path:
      return c == '/' || c == '@';
    case Part::query:
      return c == '/' || c == '@' || c == '?';
  }
  return false;
}

// Counts with `out` null, writes otherwise; returns the octets. Good escapes stay.
std::size_t encode(std::string_view text, Part part, char* out) {
  std::size_t size = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (may_stand(c, part) || (c == '%' && escaped_octet(text, i) >= 0)) {
      if (out) out[size] = c;
      ++size;
    } else {
      if (out) write_escape(out + size, c);
      size += 3;
    }
  }
  return size;
}

// A Location that begins with "//" names a host (RFC 3986 §4.2). When only the request's path brought that about, this
// in front keeps the path a path and the client here.
constexpr std::string_view kGuard = "/.";

struct Token {
  Part part = Part::literal;
  std::string_view text;  // as written in the template
};

// The next piece of a template: a known variable, or literal text up to what may be one.
Token next_token(std::string_view rest) {
  if (rest.front() != '$') return {Part::literal, rest.substr(0, rest.find('$'))};
  const bool braced = rest.size() > 1 && rest[1] == '{';
  const std::size_t begin = braced ? 2 : 1;
  std::size_t end = begin;
  while (end < rest.size() && (is_alpha(rest[end]) || is_digit(rest[end]) || rest[end] == '_')) ++end;
  const std::string_view name = rest.substr(begin, end - begin);
  if (braced) {
    if (!rest.substr(end).starts_with('}')) return {Part::literal, rest.substr(0, 1)};
    ++end;
  }
  const std::string_view whole = rest.substr(0, end);
  if (name == "host") return {Part::host, whole};
  if (name == "path") return {Part::path, whole};
  if (name == "query") return {Part::query, whole};
  return {Part::literal, whole};
}

}  // namespace

std::optional<std::string_view> backend_target(const Match& match, const PathForms& path, std::string_view query,
                                               Arena& arena) {
  const NormalizePath mode = match.route->normalize_path;
  const auto form = path.get(mode);
  if (!form) return std::nullopt;
  const auto& prefix = match.route->rewrite_prefix;
  if (!prefix || !form->starts_with('/')) return query.empty() ? *form : arena.concat({*form, query});

  std::string_view rest = form->substr(std::min(match.literal_prefix, form->size()));
  const bool doubled = prefix->ends_with('/') && rest.starts_with('/');
  // A pattern without a literal prefix leaves the path's first '/'; in full mode no seam may bring back what
  // normalisation took away: "//" is merged, and "/i*" with "/i../x" must not become "/spots/../x".
  if (doubled && (match.literal_prefix == 0 || mode == NormalizePath::full)) rest.remove_prefix(1);
  if (mode == NormalizePath::full && is_dot_segment_at_seam(*prefix, rest)) return std::nullopt;
  const bool rootless = prefix->empty() ? !rest.starts_with('/') : prefix->front() != '/';
  return arena.concat({rootless ? "/" : "", *prefix, rest, query});
}

bool is_challenge(const PathForms& path) {
  const auto form = path.get(NormalizePath::full);
  return form && form->starts_with(kChallengePrefix);
}

std::optional<std::string_view> https_location(const TargetParts& from, std::uint16_t port, Arena& arena) {
  const std::string_view host = without_port(from.host);
  if (host.empty()) return std::nullopt;
  const std::string_view path = from.path == "*" ? "/" : from.path;  // OPTIONS * has no path of its own
  const std::string after = port == 443 ? "" : ":" + std::to_string(port);
  return arena.concat({"https://", host, after, path, from.query});
}

std::string_view redirect_location(const Redirect& redirect, const TargetParts& from, Arena& arena) {
  const auto value_of = [&](const Token& token) {
    switch (token.part) {
      case Part::host:
        return without_port(from.host);
      case Part::path:
        return from.path == "*" ? std::string_view("/") : from.path;  // OPTIONS * has no path of its own
      case Part::query:
        return from.query;
      case Part::literal:
        break;
    }
    return token.text;
  };
  std::size_t size = 0;
  for (std::string_view rest = redirect.to; !rest.empty();) {
    const Token token = next_token(rest);
    size += encode(value_of(token), token.part, nullptr);
    rest.remove_prefix(token.text.size());
  }
  char* const text = arena.allocate(kGuard.size() + size) + kGuard.size();
  char* out = text;
  for (std::string_view rest = redirect.to; !rest.empty();) {
    const Token token = next_token(rest);
    out += encode(value_of(token), token.part, out);
    rest.remove_prefix(token.text.size());
  }
  const std::string_view location(text, size);
  if (!location.starts_with("//") || redirect.to.starts_with("//")) return location;
  std::memcpy(text - kGuard.size(), kGuard.data(), kGuard.size());
  return {text - kGuard.size(), kGuard.size() + size};
}

}  // namespace shellac::route
