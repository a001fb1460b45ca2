#include "shellac/web/message.hpp"

#include <boost/beast/http/status.hpp>

#include "shellac/core/text.hpp"
#include "shellac/web/json_text.hpp"

namespace shellac::web {

const std::string* find_field(const std::vector<Field>& fields, std::string_view name) {
  for (const Field& field : fields)
    if (iequals(field.name, name)) return &field.value;
  return nullptr;
}

std::string_view reason_phrase(int status) {
  // Beast knows neither its RFC 9110 name nor that 422 is for everybody now.
  if (status == 413) return "Content Too Large";
  if (status == 422) return "Unprocessable Content";
  const auto known = boost::beast::http::int_to_status(static_cast<unsigned>(status));
  const auto phrase = boost::beast::http::obsolete_reason(known);
  return {phrase.data(), phrase.size()};
}

Response make_text(std::string body, std::string_view type) {
  return {200, {{"Content-Type", std::string(type)}}, std::move(body)};
}

Response make_problem(int status, std::string_view detail) {
  std::string body = R"({"type":"about:blank","title":)";
  append_json_string(body, reason_phrase(status));
  body += ",\"status\":" + std::to_string(status) + ",\"detail\":";
  append_json_string(body, detail);
  body += "}\n";
  return {status, {{"Content-Type", "application/problem+json"}, {"Cache-Control", "no-store"}}, std::move(body)};
}

}  // namespace shellac::web
