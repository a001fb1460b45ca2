// JSON strings made from bytes that nobody vouches for.
#pragma once

#include <string>
#include <string_view>

namespace shellac::web {

// Appends `text` in quotation marks (RFC 8259 §7). Whatever the octets are, the result is valid JSON in valid UTF-8 on
// one line: control characters (C0, DEL, C1) and U+2028/2029 become \u00XX, each octet that is not UTF-8 \ufffd.
void append_json_string(std::string& out, std::string_view text);

}  // namespace shellac::web
