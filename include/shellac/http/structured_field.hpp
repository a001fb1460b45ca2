// Structured fields (RFC 9651, which replaces RFC 8941): a strict reader of dictionaries and lists, and the writing of
// strings. Never allocates; what does not parse is not there at all. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "shellac/http/fields.hpp"

namespace shellac::http {

// A bare item, or what stands in its place. Value; views point into the field.
struct StructuredItem {
  enum class Type : std::uint8_t { integer, decimal, string, token, bytes, boolean, date, display, inner_list };
  Type type = Type::boolean;
  std::int64_t integer = 0;     // integer and date
  bool boolean = true;          // boolean
  std::string_view text;        // token as it stands; string between its quotes, escapes not undone
  bool has_parameters = false;  // of the item: checked, and otherwise skipped
};

// Reads member after member:
//   while (auto member = reader.next_entry()) …
//   if (reader.has_failed()) → the whole field counts as absent; forget what was read (RFC 9651 §4.2).
// A key that stands twice is handed out twice; the last one counts.
class StructuredReader {
 public:
  explicit StructuredReader(std::string_view field);

  struct Entry {
    std::string_view key;
    StructuredItem value;
  };
  // The next member of a dictionary (RFC 9651 §3.2). Nothing at the end and after a failure.
  std::optional<Entry> next_entry();
  // The next member of a list (§3.1).
  std::optional<StructuredItem> next_item();
  bool has_failed() const { return failed_; }

 private:
  bool begin_member();
  bool read_value(StructuredItem& out);

  std::string_view rest_;
  bool first_ = true;
  bool failed_ = false;
};

// All lines of that name as one text, joined by ", " (RFC 9651 §4.2). `room` is used when there are several.
// Nothing when there is no such line.
std::optional<std::string_view> structured_text(const Fields& fields, std::string_view name, std::string& room);

// Without the escapes of a string: appended to `out`.
void append_unescaped(std::string_view string, std::string& out);
// True when `text` may stand between quotes: printable ASCII (RFC 9651 §3.3.3).
bool is_structured_string(std::string_view text);

}  // namespace shellac::http
