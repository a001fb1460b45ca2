// Field lines of a head, out of octets that HeadScan found sound.
#pragma once

#include <llhttp.h>

#include <cstdint>
#include <string_view>

#include "shellac/http/fields.hpp"

namespace shellac::http {

// What llhttp thinks of a head.
struct LlhttpVerdict {
  llhttp_errno error = HPE_OK;
  std::uint8_t method = 0;  // llhttp_method, when the request line was read
};
// Runs llhttp over a whole head, which it must consume to its end and not beyond, and appends the fields that it sees.
// On an error `fields` holds those before it.
LlhttpVerdict run_llhttp(llhttp_type type, std::string_view head, Fields& fields);

// Appends each field line up to the empty line, without llhttp: for trailers, and for the log of refused heads.
void split_field_lines(std::string_view lines, Fields& fields);

}  // namespace shellac::http
