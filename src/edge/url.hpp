// URLs as operators write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace shellac::edge {

// Value.
struct Url {
  bool tls = false;
  std::string authority;  // as written
  std::uint16_t port = 0;
  std::string target;  // path and query as written, without fragment; at least "/"
};
struct ParsedUrl {
  Url url;
  std::string wrong;  // empty: understood
};
// "http://HOST[:PORT][/PATH][?QUERY]", or https.
ParsedUrl parse_url(std::string_view text);

}  // namespace shellac::edge
