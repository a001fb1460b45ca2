// Requests and responses of the small server and client: whole messages, bodies in memory.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "shellac/core/address.hpp"

namespace shellac::web {

struct Field {
  std::string name;
  std::string value;
};

// The value of the first field of that name, without regard to case, or null.
const std::string* find_field(const std::vector<Field>& fields, std::string_view name);

// One request. Value.
struct Request {
  std::string method;
  std::string path;   // as sent, without query; begins with '/'
  std::string query;  // as sent, without '?'
  std::string host;   // Host, or the authority of an absolute target (RFC 9112 §3.2.2); empty when there is none
  std::vector<Field> fields;
  bool has_body = false;  // one follows or has come, whatever its length turns out to be
  std::string body;
  std::vector<std::string> params;  // what the `{…}` of the route's pattern stand for, percent-decoded
  Endpoint peer;
  Endpoint local;  // where the connection was accepted

  const std::string* find(std::string_view name) const { return find_field(fields, name); }
};

// One response. Date, Content-Length and Connection are set by the server. Value.
struct Response {
  int status = 200;
  std::vector<Field> fields;
  std::string body;

  const std::string* find(std::string_view name) const { return find_field(fields, name); }
};

// 200 with this body.
Response make_text(std::string body, std::string_view type = "text/plain; charset=utf-8");
// An error as RFC 9457 wants it: application/problem+json with type, title, status and detail.
Response make_problem(int status, std::string_view detail);
// RFC 9110 §15; never empty.
std::string_view reason_phrase(int status);

}  // namespace shellac::web
