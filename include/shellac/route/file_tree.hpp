// `respond: { dir }`: which file a path means. Pure; opening it is the caller's.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace shellac::route {

// The file below the directory (relative, decoded) that a normalised URL path names. The directory stands for the
// matched literal prefix up to its last '/': with "/files/*" the path "/files/a/b.txt" names "a/b.txt", and with
// "/robots.txt" itself "robots.txt". A trailing slash (also "/") means "index.html".
// Nothing when it may not be served: a name that begins with a dot (but ".well-known"), so ".." too; an empty name; NUL
// or '/' out of an escape; a broken escape.
std::optional<std::string> relative_file(std::string_view url_path, std::size_t literal_prefix);

// Of a file, by the ending of its name; "application/octet-stream" when the ending tells nothing.
std::string_view media_type(std::string_view file);

}  // namespace shellac::route
