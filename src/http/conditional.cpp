#include "shellac/http/conditional.hpp"

#include <algorithm>

#include "shellac/core/text.hpp"
#include "shellac/http/date.hpp"

namespace shellac::http {
namespace {

constexpr std::string_view kWeak = "W/";

// entity-tag = [ "W/" ] DQUOTE *etagc DQUOTE. Its quotes know no escapes: "a\" is whole.
std::size_t entity_tag_size(std::string_view text) {
  const std::size_t open = text.starts_with(kWeak) ? kWeak.size() : 0;
  if (open >= text.size() || text[open] != '"') return 0;
  const std::size_t close = text.find('"', open + 1);
  if (close == text.npos) return 0;
  for (const char c : text.substr(open + 1, close - open - 1)) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet <= 0x20 || octet == 0x7f) return 0;
  }
  return close + 1;
}

bool is_entity_tag(std::string_view text) { return !text.empty() && entity_tag_size(text) == text.size(); }

std::string_view opaque(std::string_view tag) { return tag.starts_with(kWeak) ? tag.substr(kWeak.size()) : tag; }

enum class Listed : std::uint8_t { no, yes, malformed };

// Whether `tag` stands in #entity-tag. What follows a malformed member cannot be read.
template <class Matches>
Listed find_tag(std::string_view list, std::string_view tag, Matches matches) {
  while (!list.empty()) {
    if (list.front() == ',' || list.front() == ' ' || list.front() == '\t') {
      list.remove_prefix(1);
      continue;
    }
    const std::size_t size = entity_tag_size(list);
    if (size == 0) return Listed::malformed;
    if (matches(list.substr(0, size), tag)) return Listed::yes;
    list = trim(list.substr(size));
    if (!list.empty() && list.front() != ',') return Listed::malformed;
  }
  return Listed::no;
}

// If-Match or If-None-Match: is the current representation among those named? Over all lines of that name.
template <class Matches>
Listed is_listed(const Fields& request, FieldId id, const Validators& current, Matches matches) {
  Listed result = Listed::no;
  for (const Field& field : request) {
    if (field.id != id) continue;
    if (field.value == "*") return current.exists ? Listed::yes : Listed::no;
    const Listed one = current.exists ? find_tag(field.value, current.etag, matches) : Listed::no;
    if (one == Listed::yes) return one;
    if (one == Listed::malformed) result = one;
  }
  return result;
}

// The date of a field that is there once and well-formed.
std::optional<WallTime> date_of(const Fields& request, FieldId id, WallTime now) {
  if (request.count(id) != 1) return std::nullopt;
  return parse_date(request.value(id), now);
}

// Dates on the wire have no parts of a second.
WallTime in_seconds(WallTime when) { return std::chrono::floor<std::chrono::seconds>(when); }

}  // namespace

bool is_strong_match(std::string_view a, std::string_view b) {
  return a == b && !a.starts_with(kWeak) && is_entity_tag(a);
}

bool is_weak_match(std::string_view a, std::string_view b) {
  return opaque(a) == opaque(b) && is_entity_tag(a) && is_entity_tag(b);
}

Precondition evaluate_preconditions(const Fields& request, Method method, const Validators& current, WallTime now) {
  const bool has_date = current.exists && current.last_modified.has_value();
  if (request.has(FieldId::if_match)) {
    // A list that cannot be read names nothing that we could vouch for: the safe answer of a condition on writing.
    if (is_listed(request, FieldId::if_match, current, is_strong_match) != Listed::yes)
      return Precondition::precondition_failed;
  } else if (const auto since = date_of(request, FieldId::if_unmodified_since, now); since && has_date) {
    if (in_seconds(*current.last_modified) > *since) return Precondition::precondition_failed;
  }

  const bool reads = method == Method::get || method == Method::head;
  if (request.has(FieldId::if_none_match)) {
    if (is_listed(request, FieldId::if_none_match, current, is_weak_match) != Listed::yes) return Precondition::proceed;
    return reads ? Precondition::not_modified : Precondition::precondition_failed;
  }
  if (!reads || !has_date) return Precondition::proceed;
  const auto since = date_of(request, FieldId::if_modified_since, now);
  return since && in_seconds(*current.last_modified) <= *since ? Precondition::not_modified : Precondition::proceed;
}

}  // namespace shellac::http
