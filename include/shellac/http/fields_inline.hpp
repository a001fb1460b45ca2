// Templates of fields.hpp.
#pragma once

#include "shellac/core/text.hpp"
#include "shellac/http/fields.hpp"

namespace shellac::http {

template <class Each>
void for_each_member(std::string_view list, Each each) {
  while (!list.empty()) {
    bool quoted = false;
    std::size_t end = 0;
    for (; end < list.size() && (quoted || list[end] != ','); ++end) {
      if (list[end] == '"') quoted = !quoted;
      if (quoted && list[end] == '\\' && end + 1 < list.size()) ++end;  // RFC 9110 §5.6.4: the next octet is plain
    }
    const std::string_view member = trim(list.substr(0, end));
    if (!member.empty() && !each(member)) return;
    list.remove_prefix(end < list.size() ? end + 1 : end);
  }
}

template <class Each>
void for_each_member(const Fields& fields, FieldId id, Each each) {
  bool more = true;
  for (const Field& field : fields) {
    if (field.id != id) continue;
    for_each_member(field.value, [&](std::string_view member) { return more = each(member); });
    if (!more) return;
  }
}

}  // namespace shellac::http
