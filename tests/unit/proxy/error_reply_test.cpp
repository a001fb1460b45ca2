#include "proxy/error_reply.hpp"

#include <gtest/gtest.h>

namespace shellac::proxy {
namespace {

// Every cause with the side that it can have: what the client is told, and how the exchange is counted.
TEST(ErrorReply, Table) {
  struct Row {
    Side side;
    Cause cause;
    int status;
    const char* proxy_status;
    Ended ended;
  };
  const Row rows[] = {
      {Side::client, Cause::timeout, 408, "http_request_error", Ended::client_timeout},
      {Side::client, Cause::too_large, 413, "http_request_denied", Ended::refused},
      {Side::client, Cause::protocol, 400, "http_request_error", Ended::refused},
      {Side::client, Cause::closed, 400, "http_request_error", Ended::client_reset},
      {Side::client, Cause::reset, 400, "http_request_error", Ended::client_reset},
      {Side::client, Cause::cancelled, 499, "http_request_error", Ended::client_reset},
      {Side::backend, Cause::timeout, 504, "connection_read_timeout", Ended::backend_timeout},
      {Side::backend, Cause::connect_timeout, 504, "connection_timeout", Ended::backend_timeout},
      {Side::backend, Cause::connect_refused, 502, "connection_refused", Ended::backend_error},
      {Side::backend, Cause::unreachable, 502, "destination_ip_unroutable", Ended::backend_error},
      {Side::backend, Cause::dns, 502, "dns_error", Ended::backend_error},
      {Side::backend, Cause::tls, 502, "tls_protocol_error", Ended::backend_error},
      {Side::backend, Cause::tls_certificate, 502, "tls_certificate_error", Ended::backend_error},
      {Side::backend, Cause::protocol, 502, "http_protocol_error", Ended::backend_error},
      {Side::backend, Cause::too_large, 502, "http_response_header_section_size", Ended::backend_error},
      {Side::backend, Cause::closed, 502, "http_response_incomplete", Ended::backend_error},
      {Side::backend, Cause::reset, 502, "connection_terminated", Ended::backend_error},
      {Side::self, Cause::timeout, 504, "http_response_timeout", Ended::backend_timeout},
      {Side::self, Cause::no_backend, 503, "destination_unavailable", Ended::backend_error},
      {Side::self, Cause::limit, 503, "connection_limit_reached", Ended::limit},
      {Side::self, Cause::shutdown, 503, "destination_unavailable", Ended::shutdown},
      {Side::self, Cause::internal, 500, "proxy_internal_error", Ended::backend_error},
  };
  for (const Row& row : rows) {
    const ErrorReply reply = reply_to({row.side, row.cause, false, {}, "testing"});
    EXPECT_EQ(reply.status, row.status) << to_string(row.side) << " " << to_string(row.cause);
    EXPECT_EQ(reply.proxy_status, row.proxy_status) << to_string(row.side) << " " << to_string(row.cause);
    EXPECT_EQ(to_string(reply.ended), to_string(row.ended)) << to_string(row.side) << " " << to_string(row.cause);
  }
}

}  // namespace
}  // namespace shellac::proxy
