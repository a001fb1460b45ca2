#include "text_document.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <string>
#include <vector>

#include "shellac/web/json_text.hpp"

namespace shellac::edge {
namespace {

namespace json = boost::json;

// As a JSON string without its quotation marks: no control character gets through. Marks inside need no escape here.
std::string shown(std::string_view text) {
  std::string quoted;
  web::append_json_string(quoted, text);
  std::string plain;
  for (std::size_t i = 1; i + 1 < quoted.size(); ++i) {
    const bool escape = quoted[i] == '\\';
    if (escape && quoted[i + 1] != '"') plain += quoted[i];
    if (escape) ++i;
    plain += quoted[i];
  }
  return plain;
}

std::string cell(const json::value& value) {
  if (value.is_null()) return "-";
  if (value.is_bool()) return value.get_bool() ? "yes" : "no";
  if (value.is_string()) return value.get_string().empty() ? "-" : shown(value.get_string());
  if (value.is_double()) return fmt::format("{:.6g}", value.get_double());
  if (const auto* const list = value.if_array()) {
    std::string joined;
    for (const auto& item : *list) joined += (joined.empty() ? "" : ", ") + cell(item);
    return joined.empty() ? "-" : joined;
  }
  return value.is_object() ? shown(json::serialize(value)) : json::serialize(value);
}

// Columns on a screen, as far as one per character is true.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

using Row = std::vector<std::string>;

void print_rows(const std::vector<Row>& rows, std::ostream& out) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const Row& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      out << row[i];
      if (i + 1 < row.size()) out << std::string(widths[i] - width(row[i]) + 2, ' ');
    }
    out << "\n";
  }
}

bool is_table(const json::value& value) {
  const auto* const list = value.if_array();
  return list != nullptr && !list->empty() &&
         std::ranges::all_of(*list, [](const json::value& item) { return item.is_object(); });
}

void print_table(const json::array& list, std::ostream& out) {
  std::vector<std::string> keys;
  for (const auto& item : list)
    for (const auto& member : item.get_object())
      if (std::ranges::find(keys, std::string_view(member.key())) == keys.end()) keys.emplace_back(member.key());
  std::vector<Row> rows(1);
  for (const auto& key : keys) {
    std::string title = shown(key);
    std::ranges::transform(title, title.begin(),
                           [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    rows.front().push_back(std::move(title));
  }
  for (const auto& item : list) {
    Row& row = rows.emplace_back();
    for (const auto& key : keys) {
      const json::value* const found = item.get_object().if_contains(key);
      row.push_back(found == nullptr ? "-" : cell(*found));
    }
  }
  print_rows(rows, out);
}

void print_object(const json::object& object, std::ostream& out) {
  std::vector<Row> lines;
  for (const auto& [key, value] : object)
    if (!is_table(value) && !value.is_object()) lines.push_back({shown(key), cell(value)});
  if (!lines.empty()) print_rows(lines, out);
  for (const auto& [key, value] : object) {
    if (!is_table(value) && !value.is_object()) continue;
    out << "\n" << shown(key) << ":\n";
    print_document(value, out);
  }
}

}  // namespace

void print_document(const json::value& document, std::ostream& out) {
  if (is_table(document))
    print_table(document.get_array(), out);
  else if (const auto* const object = document.if_object())
    print_object(*object, out);
  else
    out << cell(document) << "\n";
}

}  // namespace shellac::edge
