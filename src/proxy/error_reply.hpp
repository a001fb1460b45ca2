// The one place that turns an Error into what the client, the log and the metric are told.
#pragma once

#include <string_view>

#include "shellac/core/error.hpp"
#include "shellac/proxy/record.hpp"

namespace shellac::proxy {

struct ErrorReply {
  int status = 500;
  std::string_view proxy_status;  // error type of RFC 9209 §2.3
  Ended ended = Ended::backend_error;
};
ErrorReply reply_to(const Error& error);

}  // namespace shellac::proxy
