#include "shellac/web/router.hpp"

#include <algorithm>
#include <charconv>

namespace shellac::web {
namespace {

// "/a//b" → "a", "", "b": nothing is merged, so a pattern says exactly which paths it takes.
std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> segments;
  if (path.starts_with('/')) path.remove_prefix(1);
  for (;;) {
    const std::size_t slash = path.find('/');
    segments.emplace_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    path.remove_prefix(slash + 1);
  }
}

bool is_parameter(std::string_view segment) { return segment.starts_with('{') && segment.ends_with('}'); }

// The parameters when `path` has the pattern's form. Both are split.
std::optional<std::vector<std::string>> match(const std::vector<std::string>& pattern,
                                              const std::vector<std::string>& path) {
  if (pattern.size() != path.size()) return std::nullopt;
  std::vector<std::string> params;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    // Escapes are decoded after splitting: %2F is no separator.
    auto decoded = percent_decode(path[i]);
    if (!decoded) return std::nullopt;
    if (!is_parameter(pattern[i]) && pattern[i] != *decoded) return std::nullopt;
    if (!is_parameter(pattern[i])) continue;
    if (decoded->empty()) return std::nullopt;
    params.push_back(std::move(*decoded));
  }
  return params;
}

void add_allowed(std::string& allow, std::string_view method) {
  if (!allow.empty()) allow += ", ";
  allow += method;
}

// By value: the function lives in the coroutine's frame.
boost::asio::awaitable<Response> call(std::function<Response(const Request&)> answer, const Request& request) {
  co_return answer(request);
}

}  // namespace

Handler at_once(std::function<Response(const Request&)> answer) {
  return [answer = std::move(answer)](const Request& request) { return call(answer, request); };
}

Router& Router::add(std::string_view method, std::string_view pattern, Handler handler, Bytes body_max) {
  routes_.push_back({std::string(method), split(pattern), std::move(handler), body_max});
  return *this;
}

Router::Found Router::find(std::string_view method, std::string_view path) const {
  Found found;
  const auto segments = split(path);
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  for (const Route& route : routes_) {
    auto params = match(route.segments, segments);
    if (!params) continue;
    if (route.method == wanted) return {&route.handler, route.body_max, std::move(*params), {}};
    add_allowed(found.allow, route.method);
    if (route.method == "GET") add_allowed(found.allow, "HEAD");
  }
  return found;
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    const auto digits = text.substr(i + 1, 2);
    unsigned char octet = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), octet, 16);
    if (digits.size() != 2 || error != std::errc{} || end != digits.data() + 2 || octet == 0) return std::nullopt;
    decoded += static_cast<char>(octet);
    i += 2;
  }
  return decoded;
}

}  // namespace shellac::web
