#include "shellac/core/error.hpp"

#include <cerrno>
#include <stdexcept>
#include <string>

namespace shellac {

std::string_view to_string(Side side) {
  switch (side) {
    case Side::client:
      return "client";
    case Side::backend:
      return "backend";
    case Side::self:
      return "self";
  }
  return "self";
}

std::string_view to_string(Cause cause) {
  switch (cause) {
    case Cause::closed:
      return "closed";
    case Cause::reset:
      return "reset";
    case Cause::timeout:
      return "timeout";
    case Cause::connect_refused:
      return "connect_refused";
    case Cause::connect_timeout:
      return "connect_timeout";
    case Cause::unreachable:
      return "unreachable";
    case Cause::dns:
      return "dns";
    case Cause::tls:
      return "tls";
    case Cause::tls_certificate:
      return "tls_certificate";
    case Cause::protocol:
      return "protocol";
    case Cause::too_large:
      return "too_large";
    case Cause::no_backend:
      return "no_backend";
    case Cause::limit:
      return "limit";
    case Cause::cancelled:
      return "cancelled";
    case Cause::shutdown:
      return "shutdown";
    case Cause::internal:
      return "internal";
  }
  return "internal";
}

void throw_exception_from_error(const Error& error, const boost::source_location& location) {
  std::string text = "value() asked of an error: ";
  text.append(to_string(error.side)).append(" ").append(to_string(error.cause));
  text.append(" while ").append(error.doing);
  text.append(" (").append(location.file_name()).append(":").append(std::to_string(location.line())).append(")");
  throw std::logic_error(text);
}

namespace {

Cause cause_of_errno(int number) {
  switch (number) {
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE:
    case ENOTCONN:  // the peer reset the connection before we asked something of it
      return Cause::reset;
    case ESHUTDOWN:
      return Cause::closed;
    case ECONNREFUSED:
    case ENOENT:  // a Unix socket that nobody has made
      return Cause::connect_refused;
    case ETIMEDOUT:
      return Cause::timeout;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
    case EACCES:
    case EPERM:
      return Cause::unreachable;
    case EPROTO:  // what the TLS stream says of a bad record or an alert
      return Cause::tls;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return Cause::limit;
    case ECANCELED:
    case EBADF:  // closed under the operation by a deadline or by shutdown
      return Cause::cancelled;
    default:
      return Cause::internal;
  }
}

}  // namespace

Cause cause_of(const boost::system::error_code& code) {
  if (code.category() == boost::system::system_category() || code.category() == boost::system::generic_category())
    return cause_of_errno(code.value());
  // Asio belongs to higher floors, so its categories are known here by name only.
  const std::string_view category = code.category().name();
  constexpr int kAsioEof = 2;
  if (category == "asio.misc" && code.value() == kAsioEof) return Cause::closed;
  if (category == "asio.netdb" || category == "asio.addrinfo") return Cause::dns;
  // A stream cut without close_notify may be a truncation attack; for the reader it ended too early.
  if (category == "asio.ssl.stream") return Cause::closed;
  if (category == "asio.ssl") return Cause::tls;
  return Cause::internal;
}

}  // namespace shellac
