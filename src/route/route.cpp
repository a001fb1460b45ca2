#include <fstream>
#include <stdexcept>

#include "shellac/route/file_tree.hpp"
#include "shellac/route/table.hpp"

namespace shellac::route {

namespace {

std::string read_error_page(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text;
  char part[4096];
  while (in.read(part, sizeof part), in.gcount() > 0) text.append(part, static_cast<std::size_t>(in.gcount()));
  // A directory opens well and fails at the first octet.
  if (!in.is_open() || in.bad()) throw std::runtime_error(file + ": cannot read this error page");
  return text;
}

}  // namespace

Route::Route(const RouteOptions& options)
    : name(options.name),
      normalize_path(options.normalize_path),
      allow(options.allow),
      deny(options.deny),
      request(options.request),
      response(options.response),
      rewrite_prefix(options.rewrite_prefix),
      max_body(options.max_body),
      timeout(options.timeout),
      action(options.action) {
  for (const auto& [status, file] : options.errors) {
    error_pages[status] = read_error_page(file);
    error_types[status] = media_type(file);
  }
}

bool is_allowed(const Route& route, bool has_address, const IpAddress& client) {
  if (route.allow.empty() && route.deny.empty()) return true;
  if (!has_address || route.deny.contains(client)) return false;
  return route.allow.empty() || route.allow.contains(client);
}

}  // namespace shellac::route
