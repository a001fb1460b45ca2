#include "schema_rules.hpp"

#include <sys/un.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "shellac/config/file_text.hpp"
#include "shellac/config/key_table.hpp"
#include "shellac/core/text.hpp"

namespace shellac::edge {

using config::Value;

namespace {

// Names of pools and backends stand in admin URLs, all names in labels of metrics.
constexpr std::size_t kNameMax = 64;
// sockaddr_un's path with its final NUL.
constexpr std::size_t kUnixPathMax = sizeof(sockaddr_un::sun_path) - 1;

bool is_alphanumeric(char c) { return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z'); }

bool is_good_name(std::string_view name) {
  return !name.empty() && name.size() <= kNameMax && std::all_of(name.begin(), name.end(), [](char c) {
    return is_alphanumeric(c) || std::string_view("._-:@+").find(c) != std::string_view::npos;
  });
}

// "10.1.2.3/8" → "10.0.0.0/8"; empty when the text is not an address with a length at all.
std::string without_host_bits(std::string_view text) {
  std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return {};
  auto ip = parse_ip(text.substr(0, slash));
  auto bits = parse_unsigned<std::uint32_t>(text.substr(slash + 1));
  if (!ip || !bits || *bits > (ip->is_v4() ? 32u : 128u)) return {};
  std::size_t keep = *bits + (ip->is_v4() ? 96u : 0u);
  for (std::size_t bit = keep; bit < 128; ++bit) ip->bytes[bit / 8] &= static_cast<std::uint8_t>(~(0x80u >> (bit % 8)));
  return to_string(*ip) + "/" + std::to_string(*bits);
}

}  // namespace

bool Unique::add(const Value& value, const std::string& name) {
  auto [first, is_new] = first_.emplace(name, value.place());
  if (is_new) return true;
  value.problem("duplicate " + std::string(what_) + " " + config::shown_text(name) + ", the first stands at " +
                value.problems().text_of(first->second));
  return false;
}

bool check_name(const Value& value, std::string_view name) {
  if (is_good_name(name)) return true;
  std::string text =
      "found " + config::shown_text(name) + ", expected a name of 1 to 64 letters, digits and . _ - : @ +";
  if (value.text() == name)
    value.problem(text);
  else
    value.key_problem(text);
  return false;
}

bool read_name(const Value& map, std::string& out) {
  Value value = map["name"];
  if (!value) {
    report_missing(map, "name", "a name");
    return false;
  }
  if (!value.read_text(out, "a name")) return false;
  return check_name(value, out);
}

void report_missing(const Value& map, std::string_view key, std::string_view expected) {
  map[key].problem("missing, expected " + std::string(expected));
}

void report_unknown_name(const Value& value, std::string_view what, const std::set<std::string>& known) {
  std::vector<std::string_view> names(known.begin(), known.end());
  std::string_view near = config::find_nearest(value.text(), names);
  std::string expected = "the name of a " + std::string(what);
  if (!near.empty()) {
    expected += "; did you mean " + config::shown_text(near) + "?";
  } else if (names.empty()) {
    expected += ", but there is none";
  } else {
    expected += ":";
    for (std::size_t i = 0; i < std::min<std::size_t>(names.size(), 10); ++i)
      expected += (i ? ", " : " ") + std::string(names[i]);
    if (names.size() > 10) expected += ", …";
  }
  value.expected(expected);
}

bool read_networks(const Value& value, std::vector<Network>& out) {
  for (const Value& item : value.list_or_one()) {
    if (auto network = parse_network(item.text())) {
      out.push_back(*network);
      continue;
    }
    std::string masked = without_host_bits(item.text());
    item.expected(masked.empty() ? "an address or a network such as 10.0.0.0/8 or 2001:db8::/32"
                                 : masked + " (no bits set beyond the prefix)");
  }
  return bool(value);
}

bool read_unix_path(const Value& value, std::string_view text, std::string& out) {
  text.remove_prefix(std::string_view("unix:").size());
  if (text.empty() || text == "@") {
    value.expected("a path after unix:");
    return false;
  }
  std::string path = text.front() == '@' ? std::string(text) : value.absolute(text);
  if (path.size() > kUnixPathMax) {
    value.expected("a socket's path of at most " + std::to_string(kUnixPathMax) + " bytes (" + path + " has " +
                   std::to_string(path.size()) + ")");
    return false;
  }
  out = std::move(path);
  return true;
}

bool read_endpoint(const Value& value, Endpoint& out) {
  if (!value) return false;
  std::string text(value.text());
  if (text.starts_with("unix:")) {
    Endpoint endpoint;
    endpoint.kind = Endpoint::Kind::unix_path;
    if (!read_unix_path(value, text, endpoint.path)) return false;
    out = endpoint;
    return true;
  }
  if (text.starts_with("localhost:")) text.replace(0, std::string_view("localhost").size(), "127.0.0.1");
  auto endpoint = parse_endpoint(text);
  if (!endpoint || endpoint->kind != Endpoint::Kind::ip) {
    value.expected(R"(ADDRESS:PORT such as "0.0.0.0:8080" or "[::]:8080", or unix:PATH)");
    return false;
  }
  out = *endpoint;
  return true;
}

bool read_readable_file(const Value& value, std::string& out) {
  std::string path;
  if (!value.read_path(path)) return false;
  if (std::string why = config::why_unreadable(path); !why.empty()) {
    value.expected("a file that can be read (" + path + ": " + why + ")");
    return false;
  }
  out = std::move(path);
  return true;
}

bool read_readable_directory(const Value& value, std::string& out) {
  std::string path;
  if (!value.read_path(path)) return false;
  std::error_code error;
  std::filesystem::directory_iterator entries(path, error);
  if (error) {
    value.expected("a directory that can be read (" + path + ": " + error.message() + ")");
    return false;
  }
  out = std::move(path);
  return true;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_alphanumeric(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool is_host_name(std::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  while (true) {
    std::string_view label = text.substr(0, text.find('.'));
    if (label.empty() || label.size() > 63) return false;
    for (char c : label)
      if (!is_alphanumeric(c) && c != '-' && c != '_') return false;
    if (label.size() == text.size()) return true;
    text.remove_prefix(label.size() + 1);
  }
}

bool is_field_value(std::string_view text) {
  return text == trim(text) && std::all_of(text.begin(), text.end(), [](char c) {
           return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
         });
}

bool is_visible(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

}  // namespace shellac::edge
