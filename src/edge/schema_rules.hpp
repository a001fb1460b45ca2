// What the sections of the configuration have in common: names, networks, addresses, files.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "shellac/config/value.hpp"
#include "shellac/core/address.hpp"

namespace shellac::edge {

// The names (or addresses) of one kind, which must differ.
class Unique {
 public:
  // `what` is the word in the message: "name", "bind".
  explicit Unique(std::string_view what) : what_(what) {}
  // False, and reported at `value`, when `name` was there before.
  bool add(const config::Value& value, const std::string& name);

 private:
  std::string_view what_;
  std::map<std::string, config::Place> first_;
};

// The key `name` of a map, which must be there: visible ASCII without what would confuse a URL or a metric's label.
bool read_name(const config::Value& map, std::string& out);
// Whether a name is of that kind; reported when not, at the value or (names of pools and policies) at
// the key.
bool check_name(const config::Value& value, std::string_view name);
// Reports `map`'s key as missing.
void report_missing(const config::Value& map, std::string_view key, std::string_view expected);
// Reports a name that refers to nothing.
void report_unknown_name(const config::Value& value, std::string_view what, const std::set<std::string>& known);

bool read_networks(const config::Value& value, std::vector<Network>& out);
// "ADDRESS:PORT", "[V6]:PORT", "localhost:PORT" or "unix:PATH"; a relative path is relative to the file.
bool read_endpoint(const config::Value& value, Endpoint& out);
// "unix:PATH" made absolute; false, and reported, when it does not fit into a socket address.
bool read_unix_path(const config::Value& value, std::string_view text, std::string& out);

// The path of a file (a directory) that is there and can be opened.
bool read_readable_file(const config::Value& value, std::string& out);
bool read_readable_directory(const config::Value& value, std::string& out);

// RFC 9110 §5.6.2.
bool is_token(std::string_view text);
// Letters, digits, "-", "_" and "." with labels of 1 to 63 characters, 253 in all.
bool is_host_name(std::string_view text);
// RFC 9110 §5.5: no control characters but tab; no white space at the ends, which would get lost.
bool is_field_value(std::string_view text);
// Visible ASCII without space.
bool is_visible(std::string_view text);

}  // namespace shellac::edge
