#include "web/connection.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include "shellac/core/bug.hpp"
#include "shellac/core/limits.hpp"
#include "shellac/core/text.hpp"
#include "shellac/http/date.hpp"

namespace shellac::web {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kReadSize = 4096;

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

bool is_http_error(const boost::system::error_code& error) {
  return error.category() == make_error_code(bhttp::error::bad_method).category();
}

// What a head that Beast refuses is answered with; nothing when the peer went away or was too slow.
std::optional<Response> head_failure(const boost::system::error_code& error) {
  if (!is_http_error(error) || error == bhttp::error::end_of_stream || error == bhttp::error::partial_message)
    return std::nullopt;
  if (error == bhttp::error::header_limit) return make_problem(431, "the request's head is too large");
  return make_problem(400, "this is no HTTP/1.1 request: " + error.message());
}

// RFC 9112 §3.2.2: servers must take absolute targets, and then their authority is the host.
bool split_target(std::string_view target, Request& request) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (target.size() <= scheme.size() || !iequals(target.substr(0, scheme.size()), scheme)) continue;
    target.remove_prefix(scheme.size());
    const std::size_t end = std::min(target.find_first_of("/?"), target.size());
    request.host = target.substr(0, end);
    target.remove_prefix(end);
    break;
  }
  target = target.substr(0, target.find('#'));
  const std::size_t mark = target.find('?');
  request.path = target.substr(0, mark);
  if (mark != std::string_view::npos) request.query = target.substr(mark + 1);
  if (request.path.empty() && !request.host.empty()) request.path = "/";
  return request.path.starts_with('/');
}

bool has_line_break(std::string_view value) { return value.find_first_of(std::string_view("\r\n\0", 3)) != value.npos; }

bhttp::response<bhttp::string_body> to_beast(const Response& response, bool keep) {
  bhttp::response<bhttp::string_body> message;
  message.version(11);
  message.result(static_cast<unsigned>(response.status));
  const auto reason = reason_phrase(response.status);
  message.reason({reason.data(), reason.size()});
  message.set(bhttp::field::date, http::format_date(std::chrono::system_clock::now()));
  for (const Field& field : response.fields)
    if (!BUG_IF(has_line_break(field.value), "web/response")) message.insert(field.name, field.value);
  if (response.status != 204 && response.status != 304) message.content_length(response.body.size());
  if (!keep) message.set(bhttp::field::connection, "close");
  message.body() = response.body;
  return message;
}

}  // namespace

Connection::Connection(std::shared_ptr<ServerState> state, StreamSocket socket, Endpoint listener)
    : state_(std::move(state)), listener_(std::move(listener)), stream_(std::move(socket)) {
  boost::system::error_code ignored;
  const auto peer = stream_.socket().remote_endpoint(ignored);
  const auto local = stream_.socket().local_endpoint(ignored);
  peer_ = Endpoint::from(peer.data(), static_cast<socklen_t>(peer.size()));
  local_ = Endpoint::from(local.data(), static_cast<socklen_t>(local.size()));
  state_->connections.insert(this);
}

Connection::~Connection() {
  state_->connections.erase(this);
  state_->place_free.cancel();
  if (state_->connections.empty()) state_->grace.cancel();
}

void Connection::finish() {
  keep_ = false;
  if (!busy_) stream_.close();
}

void Connection::abort() {
  keep_ = false;
  stream_.close();
}

asio::awaitable<void> Connection::run() {
  while (keep_ && !state_->stopping) {
    const bool begun = co_await wait_for_request();
    if (!begun) co_return;
    busy_ = true;
    co_await exchange();
    busy_ = false;
  }
  if (!vanished_) co_await linger();
}

// The first octet of a request: the head's own deadline begins with it.
asio::awaitable<bool> Connection::wait_for_request() {
  if (buffer_.size() > 0) co_return true;  // pipelined
  stream_.expires_after(state_->options.idle);
  auto [error, bytes] = co_await stream_.async_read_some(buffer_.prepare(kReadSize), kTuple);
  if (error) co_return false;
  buffer_.commit(bytes);
  co_return true;
}

asio::awaitable<void> Connection::exchange() {
  HeadParser parser;
  request_ = Request{};
  auto failure = co_await read_head(parser);
  if (vanished_) co_return;
  Response response;
  if (failure)
    response = std::move(*failure);
  else
    response = co_await answer(parser);
  if (vanished_) co_return;
  if (body_unread_) keep_ = false;
  state_->log.debug("{}: {} {} {}", state_->options.name, request_.method, request_.path, response.status);
  co_await write(response);
}

asio::awaitable<std::optional<Response>> Connection::read_head(HeadParser& parser) {
  parser.header_limit(static_cast<std::uint32_t>(state_->options.head_max.count));
  parser.body_limit(boost::none);  // the route knows it
  stream_.expires_after(state_->options.head);
  auto [error, bytes] = co_await bhttp::async_read_header(stream_, buffer_, parser, kTuple);
  std::optional<Response> failure;
  if (error) {
    failure = head_failure(error);
    vanished_ = !failure;
  } else {
    failure = take_head(parser);
  }
  if (failure) keep_ = false;
  co_return failure;
}

// Fills request_ with everything but the body.
std::optional<Response> Connection::take_head(const HeadParser& parser) {
  const auto& head = parser.get();
  request_.method = view(head.method_string());
  for (const auto& field : head)
    request_.fields.push_back({std::string(view(field.name_string())), std::string(view(field.value()))});
  request_.peer = peer_;
  request_.local = local_;
  request_.has_body = parser.chunked() || parser.content_length().value_or(0) > 0;
  body_unread_ = request_.has_body;
  keep_ = keep_ && parser.keep_alive();
  // RFC 9112 §3.2: exactly one.
  const std::size_t hosts = head.count(bhttp::field::host);
  if (hosts > 1 || (hosts == 0 && head.version() == 11)) return make_problem(400, "a request has exactly one Host");
  if (head.version() != 11 && head.version() != 10) return make_problem(505, "HTTP/1.1 is spoken here");
  if (hosts == 1) request_.host = view(head[bhttp::field::host]);
  if (!split_target(view(head.target()), request_)) return make_problem(400, "the request's target is not a path");
  return std::nullopt;
}

// The guard comes before everything that tells what is there, and before the body is read.
asio::awaitable<Response> Connection::answer(HeadParser& parser) {
  if (state_->options.guard)
    if (auto refusal = state_->options.guard(request_)) co_return std::move(*refusal);
  auto found = state_->router.find(request_.method, request_.path);
  if (!found.handler && found.allow.empty()) co_return make_problem(404, "there is nothing at " + request_.path);
  if (!found.handler) {
    auto refusal = make_problem(405, request_.method + " is not for " + request_.path);
    refusal.fields.push_back({"Allow", found.allow});
    co_return refusal;
  }
  request_.params = std::move(found.params);
  if (request_.has_body) {
    auto failure = co_await read_body(parser, found.body_max);
    if (failure || vanished_) co_return failure ? std::move(*failure) : Response{};
  }
  auto response = co_await call(*found.handler);
  co_return response;
}

asio::awaitable<std::optional<Response>> Connection::read_body(HeadParser& parser, Bytes max) {
  const auto too_large = [max] { return make_problem(413, "a body here has at most " + to_string(max)); };
  if (parser.content_length().value_or(0) > max.count) co_return too_large();
  if (parser.get().version() == 11 && iequals(view(parser.get()[bhttp::field::expect]), "100-continue")) {
    stream_.expires_after(state_->options.send);
    constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    co_await asio::async_write(stream_, asio::buffer(kContinue), kTuple);
  }
  bhttp::request_parser<bhttp::string_body> body(std::move(parser));
  body.body_limit(max.count);
  while (!body.is_done()) {
    stream_.expires_after(state_->options.body);
    auto [error, bytes] = co_await bhttp::async_read_some(stream_, buffer_, body, kTuple);
    if (!error) continue;
    keep_ = false;
    if (error == bhttp::error::body_limit) co_return too_large();
    if (is_http_error(error) && error != bhttp::error::partial_message)
      co_return make_problem(400, "the request's body is malformed: " + error.message());
    vanished_ = true;
    co_return std::nullopt;
  }
  request_.body = std::move(body.get().body());
  body_unread_ = false;
  co_return std::nullopt;
}

asio::awaitable<Response> Connection::call(const Handler& handler) {
  std::string failure;
  try {
    auto response = co_await handler(request_);
    co_return response;
  } catch (const std::exception& error) {
    failure = error.what();
  }
  note_bug("web/handler", "a handler threw");
  state_->log.error("{}: {} {} failed: {}", state_->options.name, request_.method, request_.path, failure);
  co_return make_problem(500, "the request could not be answered; the log says why");
}

asio::awaitable<void> Connection::write(const Response& response) {
  keep_ = keep_ && !state_->stopping;
  const bool is_head = request_.method == "HEAD";
  auto message = to_beast(response, keep_);
  bhttp::response_serializer<bhttp::string_body> serializer(message);
  serializer.split(is_head);
  while (is_head ? !serializer.is_header_done() : !serializer.is_done()) {
    stream_.expires_after(state_->options.send);
    auto [error, bytes] = co_await bhttp::async_write_some(stream_, serializer, kTuple);
    if (!error) continue;
    keep_ = false;
    vanished_ = true;
    co_return;
  }
}

// RFC 9112 §9.6: closing while the peer still sends would reset the connection and could cost it our answer.
asio::awaitable<void> Connection::linger() {
  boost::system::error_code ignored;
  stream_.socket().shutdown(asio::socket_base::shutdown_send, ignored);
  stream_.expires_after(limits::kLingerTime);
  buffer_.clear();
  for (std::size_t total = 0; total < limits::kLingerBytes;) {
    auto [error, bytes] = co_await stream_.async_read_some(buffer_.prepare(kReadSize), kTuple);
    if (error) co_return;
    total += bytes;
  }
}

}  // namespace shellac::web
