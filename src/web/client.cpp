#include "shellac/web/client.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <exception>
#include <optional>

#include "shellac/core/limits.hpp"

namespace shellac::web {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using Stream = beast::basic_stream<asio::generic::stream_protocol>;
constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

Error make_error(const boost::system::error_code& code, const char* doing) {
  Error error{Side::backend, cause_of(code), false, code, doing};
  if (code == beast::error::timeout)
    error.cause = Cause::timeout;
  else if (code == bhttp::error::body_limit || code == bhttp::error::header_limit)
    error.cause = Cause::too_large;
  else if (code == bhttp::error::end_of_stream || code == bhttp::error::partial_message)
    error.cause = Cause::closed;
  else if (code.category() == make_error_code(bhttp::error::bad_method).category())
    error.cause = Cause::protocol;
  else if (code == boost::system::errc::no_such_file_or_directory)
    error.cause = Cause::connect_refused;
  return error;
}

// RFC 9110 §8.6: a method that is about its content says so even when there is none.
bool expects_content(std::string_view method) { return method == "POST" || method == "PUT" || method == "PATCH"; }

bhttp::request<bhttp::string_body> to_beast(const ClientRequest& request) {
  bhttp::request<bhttp::string_body> message;
  message.version(11);
  message.method_string(request.method);
  message.target(request.target);
  message.set(bhttp::field::host, request.host);
  message.set(bhttp::field::connection, "close");
  for (const Field& field : request.fields) message.insert(field.name, field.value);
  message.body() = request.body;
  if (!request.body.empty() || expects_content(request.method)) message.content_length(request.body.size());
  return message;
}

Response from_beast(bhttp::response<bhttp::string_body>& message) {
  Response response{static_cast<int>(message.result_int()), {}, std::move(message.body())};
  for (const auto& field : message)
    response.fields.push_back({std::string(field.name_string()), std::string(field.value())});
  return response;
}

// Connects and sends. Nothing when done.
asio::awaitable<std::optional<Error>> ask(Stream& stream, const Endpoint& to, const ClientRequest& request) {
  sockaddr_storage address{};
  const socklen_t length = to.to(address);
  const asio::generic::stream_protocol::endpoint endpoint(&address, length);
  auto [refused] = co_await stream.async_connect(endpoint, kTuple);
  if (refused) co_return make_error(refused, "connecting");
  auto message = to_beast(request);
  auto [unsent, bytes] = co_await bhttp::async_write(stream, message, kTuple);
  if (unsent) co_return make_error(unsent, "sending the request");
  co_return std::nullopt;
}

asio::awaitable<void> send_into(const Endpoint& to, const ClientRequest& request, const ClientLimits& limits,
                                std::optional<Result<Response>>& result) {
  auto answer = co_await send(to, request, limits);
  result.emplace(std::move(answer));
}

}  // namespace

asio::awaitable<Result<Response>> send(const Endpoint& to, const ClientRequest& request, const ClientLimits& limits) {
  const auto executor = co_await asio::this_coro::executor;
  Stream stream(executor);
  stream.expires_after(limits.timeout);  // counts for everything that follows
  if (const auto failure = co_await ask(stream, to, request)) co_return *failure;

  bhttp::response_parser<bhttp::string_body> parser;
  parser.header_limit(limits::kBackendHeadMax);
  parser.body_limit(limits.body_max.count);
  parser.skip(request.method == "HEAD");
  beast::flat_buffer buffer;
  auto [error, bytes] = co_await bhttp::async_read(stream, buffer, parser, kTuple);
  if (error) co_return make_error(error, "reading the answer");
  co_return from_beast(parser.get());
}

Result<Response> send_and_wait(const Endpoint& to, const ClientRequest& request, const ClientLimits& limits) {
  asio::io_context context(1);
  std::optional<Result<Response>> result;
  asio::co_spawn(context, send_into(to, request, limits, result), [](std::exception_ptr failure) {
    if (failure) std::rethrow_exception(failure);
  });
  context.run();
  return std::move(*result);
}

}  // namespace shellac::web
