// Which handler a request goes to.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shellac/core/units.hpp"
#include "shellac/web/message.hpp"

namespace shellac::web {

// Answers one request. The request lives until the handler has returned. What it throws becomes a 500.
using Handler = std::function<boost::asio::awaitable<Response>(const Request&)>;
// A handler of a function that has its answer at once.
Handler at_once(std::function<Response(const Request&)> answer);

// A list of routes, asked in the order in which they were added. Value.
class Router {
 public:
  // `pattern` is a path whose segments are texts or `{name}`, which stands for one segment that is not empty. GET
  // answers HEAD too. `body_max` is what this route takes of a body; 0 refuses any.
  Router& add(std::string_view method, std::string_view pattern, Handler handler, Bytes body_max = Bytes{0});

  // Where a request goes. Without a handler `allow` tells what would be allowed (405), or is empty (404).
  struct Found {
    const Handler* handler = nullptr;  // the router's
    Bytes body_max;
    std::vector<std::string> params;
    std::string allow;
  };
  Found find(std::string_view method, std::string_view path) const;

 private:
  struct Route {
    std::string method;
    std::vector<std::string> segments;
    Handler handler;
    Bytes body_max;
  };
  std::vector<Route> routes_;
};

// "%41b" → "Ab"; nothing when an escape is broken or means NUL.
std::optional<std::string> percent_decode(std::string_view text);

}  // namespace shellac::web
