#include <algorithm>

#include "shellac/core/text.hpp"
#include "shellac/route/table.hpp"

namespace shellac::route {

namespace {

// Without regard to case; `pattern` is in lower case. Names longer than any real one cost an allocation.
bool name_matches(std::string_view pattern, std::string_view name) {
  char lower[128];
  if (name.size() > sizeof lower) return glob_match(pattern, lowercase(name));
  std::transform(name.begin(), name.end(), lower, to_lower);
  return glob_match(pattern, {lower, name.size()});
}

}  // namespace

Edits::Edits(const EditOptions& options) : set_(options.set), add_(options.add) {
  for (const auto& name : options.remove) remove_.push_back(lowercase(name));
}

void Edits::apply(http::Fields& fields) const {
  for (const auto& pattern : remove_) {
    if (pattern.find('*') == std::string::npos)
      fields.remove(pattern);
    else
      fields.remove_if([&](const http::Field& field) { return name_matches(pattern, field.name); });
  }
  for (const auto& [name, value] : set_) fields.set(name, value);
  for (const auto& [name, value] : add_) fields.add(name, value);
}

}  // namespace shellac::route
