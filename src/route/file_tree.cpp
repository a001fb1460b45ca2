#include "shellac/route/file_tree.hpp"

#include <algorithm>

#include "route/escape.hpp"

namespace shellac::route {

namespace {

// Appends the segment decoded. False when no file may have that name.
bool append_name(std::string& out, std::string_view segment) {
  const std::size_t start = out.size();
  for (std::size_t i = 0; i < segment.size(); ++i) {
    char c = segment[i];
    if (c == '%') {
      const int octet = escaped_octet(segment, i);
      if (octet < 0) return false;
      c = static_cast<char>(octet);
      i += 2;
    }
    if (c == '\0' || c == '/') return false;
    out += c;
  }
  const std::string_view name = std::string_view(out).substr(start);
  return !name.empty() && (name.front() != '.' || name == ".well-known");
}

}  // namespace

std::optional<std::string> relative_file(std::string_view url_path, std::size_t literal_prefix) {
  if (!url_path.starts_with('/')) return std::nullopt;
  // Whole names only: what is left of "/robots.txt", matched to its end, is "robots.txt" and not nothing.
  const std::string_view covered = url_path.substr(0, std::min(literal_prefix, url_path.size()));
  const std::size_t slash = covered.rfind('/');
  std::string_view rest = url_path.substr(slash == std::string_view::npos ? 1 : slash + 1);

  std::string file;
  for (std::size_t end; (end = rest.find('/')) != std::string_view::npos; rest.remove_prefix(end + 1)) {
    if (!append_name(file, rest.substr(0, end))) return std::nullopt;
    file += '/';
  }
  if (!append_name(file, rest.empty() ? "index.html" : rest)) return std::nullopt;
  return file;
}

std::string_view media_type(std::string_view file) {
  static constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
      {".html", "text/html; charset=utf-8"},
      {".htm", "text/html; charset=utf-8"},
      {".txt", "text/plain; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".json", "application/json"},
      {".xml", "application/xml"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".jpg", "image/jpeg"},
      {".jpeg", "image/jpeg"},
      {".gif", "image/gif"},
      {".webp", "image/webp"},
      {".avif", "image/avif"},
      {".ico", "image/x-icon"},
      {".woff2", "font/woff2"},
      {".pdf", "application/pdf"},
  };
  const std::size_t dot = file.rfind('.');
  if (dot != std::string_view::npos)
    for (const auto& [ending, type] : kTypes)
      if (iequals(file.substr(dot), ending)) return type;
  return "application/octet-stream";
}

}  // namespace shellac::route
