// What may stand in a line of the log.
#pragma once

#include <string>
#include <string_view>

namespace shellac {

// `text` as one line that shows what it holds: control characters (C0, DEL and C1), octets that are not UTF-8 and the
// Unicode line ends become \xNN, a backslash becomes \\. Thread: any.
std::string escape_line(std::string_view text);

}  // namespace shellac
