// routes[].match, request and response.
#include <algorithm>
#include <array>

#include "schema.hpp"
#include "schema_rules.hpp"
#include "shellac/core/text.hpp"
#include "shellac/http/parser.hpp"

namespace shellac::edge {

using config::Value;

namespace {

// Fields that say how a message is framed or that belong to one connection (RFC 9110 §7.6.1, RFC 9112 §6): the edge
// writes them from the parsed message, and an edit could only make two readers disagree.
constexpr auto kFramingFields =
    std::to_array<std::string_view>({"connection", "content-length", "transfer-encoding", "upgrade", "te", "trailer"});

bool is_framing(std::string_view lower_name) {
  return std::find(kFramingFields.begin(), kFramingFields.end(), lower_name) != kFramingFields.end();
}

// Exact, "*.example.com", or "*"; the exact form may be an IPv6 address in brackets.
bool is_host_pattern(std::string_view text) {
  if (text == "*") return true;
  if (text.starts_with("*.")) return is_host_name(text.substr(2));
  if (text.starts_with('[') && text.ends_with(']')) return parse_ip(text.substr(1, text.size() - 2)).has_value();
  return is_host_name(text);
}

void read_hosts(const Value& hosts, std::vector<std::string>& out) {
  for (const Value& host : hosts.list_or_one()) {
    if (is_host_pattern(host.text()))
      out.push_back(lowercase(host.text()));
    else
      host.expected("a host without port: exact, *.example.com or * (other names in their xn-- form)");
  }
}

void read_paths(const Value& paths, std::vector<std::string>& out) {
  for (const Value& path : paths.list_or_one()) {
    std::string_view text = path.text();
    if (text.empty() || (text.front() != '/' && text.front() != '*'))
      path.expected("a path that begins with / or *");
    else if (!is_visible(text) || text.find_first_of("?#") != std::string_view::npos)
      path.expected("a path without query, spaces or characters that a URL must escape");
    else
      out.emplace_back(text);
  }
}

void read_methods(const Value& methods, std::vector<std::string>& out) {
  for (const Value& method : methods.list_or_one()) {
    std::string_view text = method.text();
    bool upper = std::none_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
    if (is_token(text) && upper)
      out.emplace_back(text);
    else
      method.expected("a method in upper case such as GET");
  }
}

void read_headers(const Value& headers, std::vector<std::pair<std::string, std::string>>& out) {
  if (!headers) return;
  Unique names("header field");
  for (const config::Member& header : headers.members()) {
    std::string glob;
    if (!is_token(header.key))
      header.value.key_problem("found " + config::shown_text(header.key) + ", expected the name of a header field");
    else if (header.value.read(glob) && names.add(header.value, lowercase(header.key)))
      out.emplace_back(header.key, glob);
  }
}

// May this field be edited? Reported at the key when not.
bool check_editable(const config::Member& field, const Value& edits, bool is_set) {
  std::string lower = lowercase(field.key);
  bool of_request = edits.path().ends_with("request");
  if (!is_token(field.key)) {
    field.value.key_problem("found " + config::shown_text(field.key) + ", expected the name of a header field");
  } else if (is_framing(lower)) {
    field.value.key_problem("belongs to the framing of a message, expected a field that may be edited");
  } else if (lower == "host" && !(of_request && is_set)) {
    field.value.key_problem("Host can only be set, and only in a request");
  } else {
    return true;
  }
  return false;
}

void read_fields(const Value& fields, const Value& edits, std::vector<std::pair<std::string, std::string>>& out) {
  if (!fields) return;
  bool is_set = fields.path().ends_with("set");
  Unique names("header field");
  for (const config::Member& field : fields.members()) {
    std::string text;
    if (!check_editable(field, edits, is_set) || !field.value.read(text)) continue;
    if (!is_field_value(text))
      field.value.expected("a value without control characters or white space at its ends");
    else if (iequals(field.key, "host") && (text.empty() || !http::is_valid_authority(text)))
      field.value.expected("a host, or a host and its port");
    else if (names.add(field.value, lowercase(field.key)))
      out.emplace_back(field.key, text);
  }
}

void read_removals(const Value& removals, const Value& edits, std::vector<std::string>& out) {
  for (const Value& name : removals.list_or_one()) {
    std::string lower = lowercase(name.text());
    auto framing = std::find_if(kFramingFields.begin(), kFramingFields.end(),
                                [&](std::string_view field) { return glob_match(lower, field); });
    if (!is_token(name.text()))  // a token may contain the glob's star
      name.expected("the name of a header field, or a glob");
    else if (framing != kFramingFields.end())
      name.expected("fields that may be edited; " + std::string(*framing) + " belongs to the framing of a message");
    else if (edits.path().ends_with("request") && glob_match(lower, "host"))
      name.expected("fields that may be removed; a request needs its Host");
    else
      out.emplace_back(name.text());
  }
}

}  // namespace

void read_match(const Value& match, route::MatchOptions& options) {
  if (!match.expect_map()) return;
  read_hosts(match["host"], options.host);
  read_paths(match["path"], options.path);
  read_methods(match["method"], options.method);
  read_headers(match["header"], options.header);
  read_networks(match["client"], options.client);
}

void read_edits(const Value& edits, route::EditOptions& options) {
  if (!edits.expect_map()) return;
  read_fields(edits["set"], edits, options.set);
  read_fields(edits["add"], edits, options.add);
  read_removals(edits["remove"], edits, options.remove);
}

}  // namespace shellac::edge
