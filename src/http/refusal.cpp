#include "shellac/http/refusal.hpp"

namespace shellac::http {

int status_of(Refusal refusal) {
  switch (refusal) {
    case Refusal::method_unknown:
    case Refusal::encoding_unknown:
      return 501;
    case Refusal::method_connect:
      return 405;
    case Refusal::target_too_long:
      return 414;
    case Refusal::version:
      return 505;
    case Refusal::too_many_fields:
    case Refusal::head_too_large:
      return 431;
    case Refusal::expectation:
      return 417;
    default:
      return 400;
  }
}

std::string_view to_string(Refusal refusal) {
  switch (refusal) {
    case Refusal::request_line:
      return "request_line";
    case Refusal::method_token:
      return "method_token";
    case Refusal::method_unknown:
      return "method_unknown";
    case Refusal::method_connect:
      return "method_connect";
    case Refusal::target:
      return "target";
    case Refusal::target_too_long:
      return "target_too_long";
    case Refusal::version:
      return "version";
    case Refusal::status_line:
      return "status_line";
    case Refusal::line_end:
      return "line_end";
    case Refusal::control_byte:
      return "control_byte";
    case Refusal::folding:
      return "folding";
    case Refusal::field_name:
      return "field_name";
    case Refusal::field_line:
      return "field_line";
    case Refusal::too_many_fields:
      return "too_many_fields";
    case Refusal::head_too_large:
      return "head_too_large";
    case Refusal::host_missing:
      return "host_missing";
    case Refusal::host_repeated:
      return "host_repeated";
    case Refusal::host_malformed:
      return "host_malformed";
    case Refusal::host_contradicts_target:
      return "host_contradicts_target";
    case Refusal::length_repeated:
      return "length_repeated";
    case Refusal::length_malformed:
      return "length_malformed";
    case Refusal::length_and_encoding:
      return "length_and_encoding";
    case Refusal::encoding_unknown:
      return "encoding_unknown";
    case Refusal::encoding_malformed:
      return "encoding_malformed";
    case Refusal::encoding_repeated:
      return "encoding_repeated";
    case Refusal::encoding_version:
      return "encoding_version";
    case Refusal::chunk_size:
      return "chunk_size";
    case Refusal::chunk_extension:
      return "chunk_extension";
    case Refusal::chunk_end:
      return "chunk_end";
    case Refusal::trailer:
      return "trailer";
    case Refusal::expectation:
      return "expectation";
    case Refusal::body_forbidden:
      return "body_forbidden";
    case Refusal::interim_flood:
      return "interim_flood";
    case Refusal::unexpected_bytes:
      return "unexpected_bytes";
  }
  return "refused";
}

}  // namespace shellac::http
