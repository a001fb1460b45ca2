#include "admin_api.hpp"
#include "shellac/core/crypto.hpp"
#include "shellac/core/text.hpp"

namespace shellac::edge {
namespace {

constexpr std::uint16_t kHttpPort = 80;  // what a Host without port means

bool is_write(std::string_view method) { return method != "GET" && method != "HEAD" && method != "OPTIONS"; }

bool is_our_host(const std::string& host, const Endpoint& local) {
  auto named = parse_host_port(host);
  if (!named && local.port == kHttpPort) named = parse_host_port(host + ":80");
  if (!named || named->port != local.port) return false;
  return iequals(named->host, "localhost") || parse_ip(named->host) == local.ip;
}

// RFC 6750 §2.1; the scheme's case does not matter (RFC 9110 §11.1). Nothing when there are no such credentials.
std::optional<std::string_view> bearer_token(const web::Request& request) {
  constexpr std::string_view kScheme = "bearer ";
  const std::string* const field = request.find("Authorization");
  if (field == nullptr || !iequals(std::string_view(*field).substr(0, kScheme.size()), kScheme)) return std::nullopt;
  return trim(std::string_view(*field).substr(kScheme.size()));
}

bool is_json(std::string_view content_type) {
  return iequals(trim(content_type.substr(0, content_type.find(';'))), "application/json");
}

web::Response unauthorized(bool given) {
  auto response = web::make_problem(401, given ? "the token is wrong" : "a write needs Authorization: Bearer TOKEN");
  response.fields.push_back(
      {"WWW-Authenticate", std::string("Bearer realm=\"shellac admin\"") + (given ? ", error=\"invalid_token\"" : "")});
  return response;
}

std::optional<web::Response> refuse_write(const web::Request& request, std::string_view token) {
  if (request.find("Origin") != nullptr) return web::make_problem(403, "a web page may not write here");
  if (token.empty())
    return web::make_problem(403, "without admin.token_file nobody may write over TCP; the Unix socket takes writes");
  const auto given = bearer_token(request);
  if (!given || !crypto::equal_in_constant_time(*given, token)) return unauthorized(given.has_value());
  const std::string* const type = request.find("Content-Type");
  if (type != nullptr ? !is_json(*type) : request.has_body)
    return web::make_problem(415, "a body here is application/json");
  return std::nullopt;
}

}  // namespace

std::optional<web::Response> refuse_admin(const web::Request& request, std::string_view token) {
  if (request.local.kind != Endpoint::Kind::ip) return std::nullopt;
  if (!is_our_host(request.host, request.local))
    return web::make_problem(
        421, "the Host here is " + to_string(request.local) + " or localhost:" + std::to_string(request.local.port));
  return is_write(request.method) ? refuse_write(request, token) : std::nullopt;
}

}  // namespace shellac::edge
