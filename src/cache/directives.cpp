#include "shellac/cache/directives.hpp"

#include <algorithm>
#include <string>

#include "shellac/core/text.hpp"
#include "shellac/http/parser.hpp"
#include "shellac/http/structured_field.hpp"

namespace shellac::cache {
namespace {

using http::FieldId;
using http::Fields;

constexpr auto kSecondsMax =
    static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(kDeltaMax).count());
Duration seconds_of(std::uint64_t count) { return std::chrono::seconds(std::min(count, kSecondsMax)); }

// One directive of Cache-Control, its argument without quotes.
struct Directive {
  std::string_view name;
  std::string_view argument;
  bool has_argument = false;
};

// RFC 9111 §5.2: token or quoted-string. What stands around "=" belongs to name and argument: " max-age" is no max-age.
Directive split(std::string_view member) {
  const std::size_t equals = member.find('=');
  if (equals == member.npos) return {member, {}, false};
  Directive directive{member.substr(0, equals), member.substr(equals + 1), true};
  std::string_view& argument = directive.argument;
  if (argument.size() >= 2 && argument.front() == '"' && argument.back() == '"')
    argument = argument.substr(1, argument.size() - 2);
  return directive;
}

template <class Each>
void for_each_directive(const Fields& fields, Each each) {
  http::for_each_member(fields, FieldId::cache_control, [&](std::string_view member) {
    each(split(member));
    return true;
  });
}

// The stricter one, where less is stricter.
void take_least(std::optional<Duration>& into, Duration value) { into = into ? std::min(*into, value) : value; }
void take_most(std::optional<Duration>& into, Duration value) { into = into ? std::max(*into, value) : value; }

// RFC 9111 §4.2.1: what is malformed counts as the strictest.
Duration strict_seconds(const Directive& directive) {
  return parse_delta_seconds(directive.argument).value_or(Duration{0});
}

// Names that are no token name no field. Too many, or none at all: the directive without names.
void take_names(std::string_view list, FieldNames& names, bool& whole) {
  const std::size_t before = names.size();
  http::for_each_member(list, [&](std::string_view name) {
    if (!http::is_token(name)) return true;
    if (names.size() == names.capacity()) return whole = true, false;
    names.push_back(name);
    return true;
  });
  if (names.size() == before) whole = true;
}

// Directives without a number. True when `name` is one.
bool take_flag(std::string_view name, ResponseDirectives& out) {
  struct Flag {
    std::string_view name;
    bool ResponseDirectives::* member;
  };
  constexpr Flag kFlags[] = {
      {"no-store", &ResponseDirectives::no_store},
      {"public", &ResponseDirectives::public_},
      {"must-revalidate", &ResponseDirectives::must_revalidate},
      {"proxy-revalidate", &ResponseDirectives::proxy_revalidate},
      {"must-understand", &ResponseDirectives::must_understand},
      {"immutable", &ResponseDirectives::immutable},
  };
  for (const Flag& flag : kFlags) {
    if (!iequals(flag.name, name)) continue;
    out.*flag.member = true;
    return true;
  }
  return false;
}

std::optional<Duration>* duration_of(std::string_view name, ResponseDirectives& out) {
  if (iequals(name, "max-age")) return &out.max_age;
  if (iequals(name, "s-maxage")) return &out.s_maxage;
  if (iequals(name, "stale-while-revalidate")) return &out.stale_while_revalidate;
  if (iequals(name, "stale-if-error")) return &out.stale_if_error;
  return nullptr;
}

void take(const Directive& directive, ResponseDirectives& out) {
  if (take_flag(directive.name, out)) return;
  if (auto* const duration = duration_of(directive.name, out)) return take_least(*duration, strict_seconds(directive));
  const bool is_private = iequals(directive.name, "private");
  if (!is_private && !iequals(directive.name, "no-cache")) return;
  bool& whole = is_private ? out.private_ : out.no_cache;
  if (directive.has_argument)
    take_names(directive.argument, is_private ? out.private_names : out.no_cache_names, whole);
  else
    whole = true;
}

using Item = http::StructuredItem;

// RFC 9213 §2.1: members of the wrong type are ignored.
void take(std::string_view key, const Item& item, bool case_matters, ResponseDirectives& out) {
  if (case_matters && std::ranges::any_of(key, [](char c) { return c != to_lower(c); })) return;
  if (item.type == Item::Type::boolean && item.boolean) return take(Directive{key, {}, false}, out);
  if (item.type == Item::Type::string && (key == "no-cache" || key == "private"))
    return take(Directive{key, item.text, true}, out);
  if (item.type != Item::Type::integer || item.integer < 0) return;
  // A key that stands twice: the last one counts (RFC 9651 §4.2.2).
  if (auto* const duration = duration_of(key, out)) *duration = seconds_of(static_cast<std::uint64_t>(item.integer));
}

// Nothing when the field is absent, empty or cannot be read (RFC 9213 §2.2).
std::optional<ResponseDirectives> read_targeted(const Fields& response, std::string_view name,
                                                ResponseDirectives::Source source) {
  std::string room;
  const auto text = http::structured_text(response, name, room);
  if (!text) return std::nullopt;
  ResponseDirectives out;
  bool any = false;
  // Names of no-cache="…" would point into `room`, which ends here: several lines make them the whole directive.
  http::StructuredReader reader(*text);
  while (const auto entry = reader.next_entry()) {
    any = true;
    Item item = entry->value;
    if (!room.empty() && item.type == Item::Type::string) {
      item.type = Item::Type::boolean;
      item.boolean = true;
    }
    // Surrogate-Control's targets ("max-age=3600;abc") are of other edges.
    if (source == ResponseDirectives::Source::surrogate_control && item.has_parameters) continue;
    take(entry->key, item, true, out);
  }
  if (!any || reader.has_failed()) return std::nullopt;
  // What only announces something else (content="ESI/1.0"), or speaks to other edges, takes no word from Cache-Control.
  const bool speaks_of_storing = out.no_store || out.max_age || out.s_maxage;
  if (source == ResponseDirectives::Source::surrogate_control && !speaks_of_storing) return std::nullopt;
  out.source = source;
  return out;
}

}  // namespace

std::optional<Duration> parse_delta_seconds(std::string_view text) {
  if (text.empty() || !std::ranges::all_of(text, is_digit)) return std::nullopt;
  return seconds_of(parse_unsigned(text).value_or(kSecondsMax));
}

RequestDirectives read_request_directives(const Fields& request) {
  RequestDirectives out;
  if (!request.has(FieldId::cache_control)) {
    // RFC 9111 §5.4: Pragma counts only where there is no Cache-Control.
    http::for_each_member(request, FieldId::pragma, [&](std::string_view member) {
      out.no_cache |= iequals(member, "no-cache");
      return true;
    });
    return out;
  }
  for_each_directive(request, [&](const Directive& directive) {
    if (iequals(directive.name, "no-cache")) out.no_cache = true;
    if (iequals(directive.name, "no-store")) out.no_store = true;
    if (iequals(directive.name, "only-if-cached")) out.only_if_cached = true;
    if (iequals(directive.name, "max-age")) take_least(out.max_age, strict_seconds(directive));
    if (iequals(directive.name, "min-fresh"))
      take_most(out.min_fresh, parse_delta_seconds(directive.argument).value_or(kDeltaMax));
    if (iequals(directive.name, "max-stale"))
      take_least(out.max_stale, directive.has_argument ? strict_seconds(directive) : kDeltaMax);
    if (iequals(directive.name, "stale-if-error")) take_least(out.stale_if_error, strict_seconds(directive));
  });
  return out;
}

ResponseDirectives read_response_directives(const Fields& response) {
  using Source = ResponseDirectives::Source;
  if (auto targeted = read_targeted(response, "CDN-Cache-Control", Source::cdn_cache_control)) return *targeted;
  if (auto targeted = read_targeted(response, "Surrogate-Control", Source::surrogate_control)) return *targeted;
  ResponseDirectives out;
  if (response.has(FieldId::cache_control)) out.source = Source::cache_control;
  for_each_directive(response, [&](const Directive& directive) { take(directive, out); });
  return out;
}

}  // namespace shellac::cache
