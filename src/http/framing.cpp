#include "http/framing.hpp"

#include <limits>

#include "shellac/core/text.hpp"
#include "shellac/http/parser.hpp"

namespace shellac::http {
namespace {

constexpr std::uint64_t kLengthMax = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kConnectionOptionsMax = 64;

// Only `chunked`, once. Everything else is told apart for the status and the log only.
std::optional<Refusal> judge_encoding(std::string_view value) {
  if (iequals(value, "chunked")) return std::nullopt;
  bool malformed = value.empty() || value.front() == ',' || value.back() == ',';
  bool unknown = false;
  std::size_t members = 0;
  for_each_member(value, [&](std::string_view member) {
    ++members;
    if (!is_token(member)) malformed = true;
    if (!iequals(member, "chunked")) unknown = true;
    return true;
  });
  if (malformed || members == 0) return Refusal::encoding_malformed;
  if (unknown) return Refusal::encoding_unknown;
  return members > 1 ? Refusal::encoding_repeated : Refusal::encoding_malformed;
}

Announced announced_length(std::string_view value) {
  // RFC 9112 §6.3 allows to read "5, 5" as 5. Nobody needs it, and peers differ.
  if (value.find(',') != value.npos) return {.refusal = Refusal::length_repeated};
  const auto length = parse_unsigned(value);
  if (!length || *length > kLengthMax) return {.refusal = Refusal::length_malformed};
  return {.framing = Framing::length, .length = *length, .refusal = {}};
}

}  // namespace

Announced announced_body(const Fields& fields, Version version) {
  const Field* length = nullptr;
  const Field* encoding = nullptr;
  bool length_again = false;
  bool encoding_again = false;
  for (const Field& field : fields) {
    if (field.id == FieldId::content_length) {
      length_again = length != nullptr;
      length = &field;
    } else if (field.id == FieldId::transfer_encoding) {
      encoding_again = encoding != nullptr;
      encoding = &field;
    }
  }
  if (length && encoding) return {.refusal = Refusal::length_and_encoding};
  if (length_again) return {.refusal = Refusal::length_repeated};
  if (encoding_again) return {.refusal = Refusal::encoding_repeated};
  if (length) return announced_length(length->value);
  if (!encoding) return {};
  if (version == Version::http10) return {.refusal = Refusal::encoding_version};
  if (const auto why = judge_encoding(encoding->value)) return {.refusal = *why};
  return {.framing = Framing::chunked, .length = 0, .refusal = {}};
}

ConnectionOptions connection_options(const Fields& fields) {
  ConnectionOptions options;
  std::size_t count = 0;
  for_each_member(fields, FieldId::connection, [&](std::string_view member) {
    if (iequals(member, "close")) options.close = true;
    if (iequals(member, "keep-alive")) options.keep_alive = true;
    if (iequals(member, "upgrade")) options.upgrade = true;
    options.too_many = ++count > kConnectionOptionsMax;
    return !options.too_many;
  });
  return options;
}

Refusal refusal_of(llhttp_errno error, Refusal otherwise) {
  switch (error) {
    case HPE_INVALID_METHOD:
    case HPE_PAUSED_H2_UPGRADE:
      return Refusal::method_unknown;
    case HPE_INVALID_URL:
      return Refusal::target;
    case HPE_INVALID_VERSION:
      return Refusal::version;
    case HPE_INVALID_HEADER_TOKEN:
      return Refusal::field_line;
    case HPE_CR_EXPECTED:
    case HPE_LF_EXPECTED:
    case HPE_STRICT:
      return Refusal::line_end;
    case HPE_UNEXPECTED_CONTENT_LENGTH:
      return Refusal::length_repeated;
    case HPE_INVALID_CONTENT_LENGTH:
      return Refusal::length_malformed;
    case HPE_INVALID_TRANSFER_ENCODING:
      return Refusal::encoding_malformed;
    default:
      return otherwise;
  }
}

std::optional<Version> parse_version(std::string_view text) {
  if (text == "HTTP/1.1") return Version::http11;
  if (text == "HTTP/1.0") return Version::http10;
  return std::nullopt;
}

}  // namespace shellac::http
