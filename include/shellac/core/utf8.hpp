// UTF-8 as RFC 3629 defines it, for texts that leave the process as UTF-8.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace shellac {

// Octets of the well-formed sequence at the start of `text`: 1–4, or 0 when there is none (RFC 3629 §4: no overlong
// forms, no surrogates, nothing above U+10FFFF). `text` is not empty. Thread: any.
std::size_t utf8_sequence(std::string_view text);

// `text` with each octet that belongs to no well-formed sequence replaced by U+FFFD. Thread: any.
std::string valid_utf8(std::string_view text);

}  // namespace shellac
