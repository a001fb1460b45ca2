// In which type the client wants to read an error, and what a file is.
#pragma once

#include <cstdint>
#include <string_view>

namespace shellac::http {

enum class ErrorType : std::uint8_t { text, html, json };

// RFC 9110 §12.5.1: the one of text/plain, text/html, application/json (or application/problem+json) with the highest
// quality; the more specific range wins, a tie goes to text. An absent or empty field means text.
ErrorType choose_error_type(std::string_view accept);

// By the file's extension: "image/jpeg"; application/octet-stream when it is not known.
std::string_view media_type_of(std::string_view path);

}  // namespace shellac::http
