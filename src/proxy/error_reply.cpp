#include "error_reply.hpp"

namespace shellac::proxy {
namespace {

ErrorReply of_client(Cause cause) {
  switch (cause) {
    case Cause::timeout:
      return {408, "http_request_error", Ended::client_timeout};
    case Cause::too_large:
      return {413, "http_request_denied", Ended::refused};
    case Cause::protocol:
      return {400, "http_request_error", Ended::refused};
    default:
      return {400, "http_request_error", Ended::client_reset};
  }
}

ErrorReply of_backend(Cause cause) {
  switch (cause) {
    case Cause::timeout:
      return {504, "connection_read_timeout", Ended::backend_timeout};
    case Cause::connect_timeout:
      return {504, "connection_timeout", Ended::backend_timeout};
    case Cause::connect_refused:
      return {502, "connection_refused", Ended::backend_error};
    case Cause::unreachable:
      return {502, "destination_ip_unroutable", Ended::backend_error};
    case Cause::dns:
      return {502, "dns_error", Ended::backend_error};
    case Cause::tls:
      return {502, "tls_protocol_error", Ended::backend_error};
    case Cause::tls_certificate:
      return {502, "tls_certificate_error", Ended::backend_error};
    case Cause::protocol:
      return {502, "http_protocol_error", Ended::backend_error};
    case Cause::too_large:
      return {502, "http_response_header_section_size", Ended::backend_error};
    case Cause::closed:
      return {502, "http_response_incomplete", Ended::backend_error};
    default:
      return {502, "connection_terminated", Ended::backend_error};
  }
}

}  // namespace

ErrorReply reply_to(const Error& error) {
  switch (error.cause) {
    case Cause::no_backend:
      return {503, "destination_unavailable", Ended::backend_error};
    case Cause::limit:
      return {503, "connection_limit_reached", Ended::limit};
    case Cause::shutdown:
      return {503, "destination_unavailable", Ended::shutdown};
    case Cause::internal:
      return {500, "proxy_internal_error", Ended::backend_error};
    case Cause::cancelled:
      return {499, "http_request_error", Ended::client_reset};
    default:
      break;
  }
  if (error.side == Side::client) return of_client(error.cause);
  if (error.side == Side::backend) return of_backend(error.cause);
  // Our own deadline for the whole request.
  if (error.cause == Cause::timeout) return {504, "http_response_timeout", Ended::backend_timeout};
  return {500, "proxy_internal_error", Ended::backend_error};
}

}  // namespace shellac::proxy
