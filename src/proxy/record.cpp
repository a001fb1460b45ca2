#include "shellac/proxy/record.hpp"

namespace shellac::proxy {

std::string_view to_string(Ended ended) {
  switch (ended) {
    case Ended::completed:
      return "completed";
    case Ended::client_reset:
      return "client_reset";
    case Ended::client_timeout:
      return "client_timeout";
    case Ended::backend_error:
      return "backend_error";
    case Ended::backend_timeout:
      return "backend_timeout";
    case Ended::refused:
      return "refused";
    case Ended::limit:
      return "limit";
    case Ended::shutdown:
      return "shutdown";
  }
  return "";
}

std::string_view to_string(CacheOutcome outcome) {
  switch (outcome) {
    case CacheOutcome::none:
      return "none";
    case CacheOutcome::hit:
      return "hit";
    case CacheOutcome::stale:
      return "stale";
    case CacheOutcome::miss:
      return "miss";
    case CacheOutcome::join:
      return "join";
    case CacheOutcome::pass:
      return "pass";
  }
  return "";
}

}  // namespace shellac::proxy
