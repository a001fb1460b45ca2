#include "shellac/route/path.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "route/escape.hpp"
#include "route/pattern.hpp"

namespace shellac::route {

namespace {

enum class State : std::uint8_t { clean, dirty, refused };

// "." or ".." in full mode, where escapes of dots are gone already.
bool is_dot_segment(std::string_view segment) { return segment == "." || segment == ".."; }

// One cheap pass that lets nearly every real path go: no escape, nothing invisible, no '/' or '.' behind a '/'.
bool is_plain(std::string_view path) {
  static constexpr auto kAlwaysPlain = [] {
    std::array<bool, 256> plain{};
    for (std::size_t octet = 0; octet < plain.size(); ++octet)
      plain[octet] = !is_invisible(static_cast<char>(octet)) && octet != '%' && octet != '/' && octet != '.';
    return plain;
  }();
  bool behind_slash = false;
  for (const char c : path) {
    if (kAlwaysPlain[static_cast<std::uint8_t>(c)]) {
      behind_slash = false;
    } else {
      if (behind_slash || (c != '/' && c != '.')) return false;
      behind_slash = c == '/';
    }
  }
  return true;
}

// What the escapes and invisible octets need.
State escapes_of(std::string_view path) {
  State state = State::clean;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const char c = path[i];
    if (c == '%') {
      const int octet = escaped_octet(path, i);
      if (octet <= 0) return State::refused;
      const bool lower = path[i + 1] >= 'a' || path[i + 2] >= 'a';
      if (lower || is_unreserved(static_cast<char>(octet))) state = State::dirty;
      i += 2;
    } else if (is_invisible(c)) {
      if (c == '\0') return State::refused;
      state = State::dirty;
    }
  }
  return state;
}

// Only invisible octets grow.
std::size_t room_for(std::string_view path) {
  return path.size() + 2 * static_cast<std::size_t>(std::count_if(path.begin(), path.end(), is_invisible));
}

// RFC 3986 §6.2.2.1 and §6.2.2.2; broken escapes are copied. Needs room_for(path). Returns the end.
char* write_escapes(std::string_view path, char* out) {
  for (std::size_t i = 0; i < path.size(); ++i) {
    const char c = path[i];
    const int octet = c == '%' ? escaped_octet(path, i) : -1;
    if (octet >= 0) {
      const char meant = static_cast<char>(octet);
      if (is_unreserved(meant))
        *out++ = meant;
      else
        out = write_escape(out, meant);
      i += 2;
    } else if (is_invisible(c)) {
      out = write_escape(out, c);
    } else {
      *out++ = c;
    }
  }
  return out;
}

// True when a segment is empty (but for the last, which is a trailing slash), "." or "..".
bool has_odd_segment(std::string_view path) {
  for (std::size_t at = 0; (at = path.find('/', at)) != std::string_view::npos;) {
    ++at;
    if (at == path.size()) return false;
    const char c = path[at];
    if (c == '/') return true;
    if (c == '.' && is_dot_segment(path.substr(at, path.find('/', at) - at))) return true;
  }
  return false;
}

// Merges slashes and resolves dot segments in place; `path` begins with '/'. Returns the new length, or nothing when
// the path climbs above the root. Empty segments go first: "/a//../b" is "/b", as file systems see it.
std::optional<std::size_t> resolve_segments(char* path, std::size_t size) {
  const std::string_view text(path, size);
  std::size_t out = 1;  // behind the '/' of the segment to come
  for (std::size_t at = 1; at < size;) {
    const std::size_t end = std::min(text.find('/', at), size);
    const std::size_t length = end - at;
    const std::string_view segment = text.substr(at, length);
    if (segment == "..") {
      if (out == 1) return std::nullopt;
      out = text.rfind('/', out - 2) + 1;
    } else if (!segment.empty() && segment != ".") {
      std::memmove(path + out, path + at, length);
      out += length;
      if (end < size) path[out++] = '/';
    }
    at = end + 1;
  }
  return out;
}

}  // namespace

std::optional<std::string_view> normalize(std::string_view path, NormalizePath mode, Arena& arena) {
  if (mode == NormalizePath::none || path == "*") return path;  // "*" is OPTIONS' asterisk form
  if (!path.starts_with('/')) return std::nullopt;
  if (is_plain(path)) return path;
  const State escapes = escapes_of(path);
  if (escapes == State::refused) return std::nullopt;
  const bool resolve = mode == NormalizePath::full;
  if (escapes == State::clean && !(resolve && has_odd_segment(path))) return path;

  char* const text = arena.allocate(room_for(path));
  std::size_t size = static_cast<std::size_t>(write_escapes(path, text) - text);
  if (resolve) {
    const auto resolved = resolve_segments(text, size);
    if (!resolved) return std::nullopt;
    size = *resolved;
  }
  return std::string_view(text, size);
}

std::string normalize_pattern(std::string_view pattern, NormalizePath mode) {
  if (mode == NormalizePath::none) return std::string(pattern);
  std::string text(room_for(pattern), '\0');
  text.resize(static_cast<std::size_t>(write_escapes(pattern, text.data()) - text.data()));
  return text;
}

std::optional<std::string_view> PathForms::get(NormalizePath mode) const {
  if (mode == NormalizePath::none) return raw_;
  Form& form = mode == NormalizePath::full ? full_ : safe_;
  if (!form.known) form = {true, normalize(raw_, mode, arena_)};
  return form.path;
}

}  // namespace shellac::route
