#include "url.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "shellac/core/address.hpp"
#include "shellac/http/parser.hpp"

namespace shellac::edge {

ParsedUrl parse_url(std::string_view text) {
  const std::string quoted = fmt::format("\"{}\"", text);
  const auto wrong = [](std::string what) { return ParsedUrl{{}, std::move(what)}; };
  const auto odd = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7F'; };
  if (std::ranges::any_of(text, odd)) return wrong(quoted + " holds white space or control characters");
  ParsedUrl parsed;
  Url& url = parsed.url;
  url.tls = text.starts_with("https://");
  if (!url.tls && !text.starts_with("http://")) return wrong("expected http://HOST/PATH or https://…, not " + quoted);
  text.remove_prefix(url.tls ? 8 : 7);
  text = text.substr(0, text.find('#'));
  const std::size_t end = std::min(text.find_first_of("/?"), text.size());
  url.authority = text.substr(0, end);
  if (url.authority.empty() || !http::is_valid_authority(url.authority)) return wrong("no valid host in " + quoted);
  const auto named = parse_host_port(url.authority);
  const std::uint16_t usual = url.tls ? 443 : 80;
  url.port = named ? named->port : usual;
  const std::string_view target = text.substr(end);
  if (!target.starts_with('/')) url.target = '/';
  url.target += target;
  return parsed;
}

}  // namespace shellac::edge
