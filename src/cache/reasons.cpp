#include "shellac/cache/reasons.hpp"

namespace shellac::cache {

std::string_view to_string(Bypass why) {
  switch (why) {
    case Bypass::none:
      return "none";
    case Bypass::method:
      return "method";
    case Bypass::body:
      return "body";
    case Bypass::upgrade:
      return "upgrade";
    case Bypass::cookie:
      return "cookie";
    case Bypass::authorization:
      return "authorization";
    case Bypass::no_store:
      return "no_store";
    case Bypass::range:
      return "range";
  }
  return "none";
}

std::string_view to_string(Miss why) {
  switch (why) {
    case Miss::none:
      return "none";
    case Miss::uri:
      return "uri-miss";
    case Miss::vary:
      return "vary-miss";
    case Miss::stale:
      return "stale";
    case Miss::request:
      return "request";
    case Miss::partial:
      return "partial";
  }
  return "none";
}

std::string_view to_string(NotStored why) {
  switch (why) {
    case NotStored::none:
      return "none";
    case NotStored::method:
      return "method";
    case NotStored::status:
      return "status";
    case NotStored::no_store:
      return "no_store";
    case NotStored::request_no_store:
      return "request_no_store";
    case NotStored::private_:
      return "private";
    case NotStored::authorization:
      return "authorization";
    case NotStored::set_cookie:
      return "set_cookie";
    case NotStored::vary_any:
      return "vary_any";
    case NotStored::no_freshness:
      return "no_freshness";
    case NotStored::uncacheable:
      return "uncacheable";
    case NotStored::too_large:
      return "too_large";
    case NotStored::full:
      return "full";
    case NotStored::purged:
      return "purged";
    case NotStored::min_uses:
      return "min_uses";
    case NotStored::variants:
      return "variants";
    case NotStored::broken:
      return "broken";
  }
  return "none";
}

}  // namespace shellac::cache
