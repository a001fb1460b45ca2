// The cookies of a request, one by one.
#pragma once

#include <algorithm>
#include <string_view>

#include "shellac/core/text.hpp"
#include "shellac/http/fields.hpp"

namespace shellac::cache {

// Calls each(name, value) for every cookie of all Cookie lines (RFC 6265 §4.2.1); empty ones are passed over.
template <class Each>
void for_each_cookie(const http::Fields& fields, Each each) {
  for (const http::Field& field : fields) {
    if (field.id != http::FieldId::cookie) continue;
    for (std::string_view rest = field.value; !rest.empty();) {
      const std::size_t end = std::min(rest.find(';'), rest.size());
      const std::string_view cookie = trim(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (cookie.empty()) continue;
      const std::size_t equals = std::min(cookie.find('='), cookie.size());
      each(trim(cookie.substr(0, equals)), cookie.substr(std::min(equals + 1, cookie.size())));
    }
  }
}

}  // namespace shellac::cache
