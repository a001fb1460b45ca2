// Words for what yaml-cpp refuses.
#pragma once

#include <string>
#include <string_view>

#include "shellac/config/problem.hpp"

namespace shellac::config {

inline constexpr std::string_view kNoAliases =
    "aliases (*NAME) are not supported, expected the value itself; quote a text that begins with *";

// The library's message, in the words of somebody who edits a file. `text` is the whole file.
std::string explain_syntax(std::string_view message, std::string_view text, Place place);

}  // namespace shellac::config
