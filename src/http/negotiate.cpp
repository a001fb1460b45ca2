#include "shellac/http/negotiate.hpp"

#include <algorithm>
#include <array>

#include "shellac/core/text.hpp"
#include "shellac/http/fields.hpp"

namespace shellac::http {
namespace {

// A weight in thousandths (RFC 9110 §12.4.2); what is malformed weighs nothing.
int parse_weight(std::string_view parameters) {
  for (std::size_t start = 0; start < parameters.size();) {
    const std::size_t end = std::min(parameters.find(';', start), parameters.size());
    const std::string_view one = trim(parameters.substr(start, end - start));
    start = end + 1;
    if (one.size() < 2 || to_lower(one[0]) != 'q' || one[1] != '=') continue;
    const std::string_view digits = one.substr(2);
    if (digits.empty() || digits.size() > 5 || (digits[0] != '0' && digits[0] != '1') ||
        (digits.size() > 1 && digits[1] != '.'))
      return 0;
    int weight = (digits[0] - '0') * 1000;
    int place = 100;
    for (const char c : digits.substr(std::min<std::size_t>(2, digits.size()))) {
      if (!is_digit(c)) return 0;
      weight += (c - '0') * place;
      place /= 10;
    }
    return std::min(weight, 1000);
  }
  return 1000;
}

struct Candidate {
  std::string_view type;
  ErrorType answer;
  int weight = 0;
  int precision = -1;  // 0 for */*, 1 for type/*, 2 for the type itself
};

}  // namespace

ErrorType choose_error_type(std::string_view accept) {
  std::array<Candidate, 4> candidates{{{"text/plain", ErrorType::text},
                                       {"text/html", ErrorType::html},
                                       {"application/json", ErrorType::json},
                                       {"application/problem+json", ErrorType::json}}};
  for_each_member(accept, [&](std::string_view member) {
    const std::size_t semicolon = std::min(member.find(';'), member.size());
    const std::string_view range = trim(member.substr(0, semicolon));
    const int weight = parse_weight(member.substr(std::min(semicolon + 1, member.size())));
    for (Candidate& candidate : candidates) {
      const std::string_view major = candidate.type.substr(0, candidate.type.find('/') + 1);
      int precision = -1;
      if (iequals(range, candidate.type))
        precision = 2;
      else if (range.size() == major.size() + 1 && range.back() == '*' && iequals(range.substr(0, major.size()), major))
        precision = 1;
      else if (range == "*/*")
        precision = 0;
      if (precision < 0 || precision < candidate.precision) continue;
      candidate.weight = weight;
      candidate.precision = precision;
    }
    return true;
  });
  const Candidate* best = &candidates[0];
  for (const Candidate& candidate : candidates) {
    if (candidate.weight == 0) continue;  // not acceptable, however precisely it is named
    if (candidate.weight > best->weight || (candidate.weight == best->weight && candidate.precision > best->precision))
      best = &candidate;
  }
  return best->answer;
}

std::string_view media_type_of(std::string_view path) {
  constexpr std::array<std::array<std::string_view, 2>, 24> kTypes{{
      {".html", "text/html; charset=utf-8"},
      {".htm", "text/html; charset=utf-8"},
      {".txt", "text/plain; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".mjs", "text/javascript; charset=utf-8"},
      {".json", "application/json"},
      {".xml", "application/xml"},
      {".svg", "image/svg+xml"},
      {".jpg", "image/jpeg"},
      {".jpeg", "image/jpeg"},
      {".png", "image/png"},
      {".gif", "image/gif"},
      {".webp", "image/webp"},
      {".avif", "image/avif"},
      {".ico", "image/x-icon"},
      {".mp4", "video/mp4"},
      {".webm", "video/webm"},
      {".pdf", "application/pdf"},
      {".woff2", "font/woff2"},
      {".woff", "font/woff"},
      {".gz", "application/gzip"},
      {".zip", "application/zip"},
      {".wasm", "application/wasm"},
  }};
  const std::size_t dot = path.rfind('.');
  if (dot == path.npos || path.find('/', dot) != path.npos) return "application/octet-stream";
  for (const auto& [extension, type] : kTypes)
    if (iequals(path.substr(dot), extension)) return type;
  return "application/octet-stream";
}

}  // namespace shellac::http
