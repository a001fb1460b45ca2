#include "shellac/cache/vary.hpp"

#include <algorithm>
#include <array>
#include <boost/container/small_vector.hpp>
#include <charconv>

#include "shellac/core/text.hpp"

namespace shellac::cache {
namespace {

using http::Field;
using http::FieldId;
using http::Fields;

// In a variant's text each field's value is behind one of these; no value contains a control octet.
constexpr std::string_view kAbsent = "\x1d";
constexpr std::string_view kPresent = "\x1e";

bool is_same(const Field& field, std::string_view name, FieldId id) {
  return id != FieldId::other ? field.id == id : iequals(field.name, name);
}

// Thousandths (RFC 9110 §12.4.2); what is malformed weighs nothing.
int parse_weight(std::string_view parameters) {
  for (std::size_t start = 0; start < parameters.size();) {
    const std::size_t end = std::min(parameters.find(';', start), parameters.size());
    const std::string_view one = trim(parameters.substr(start, end - start));
    start = end + 1;
    if (one.size() < 3 || to_lower(one[0]) != 'q' || one[1] != '=') continue;
    const std::string_view digits = one.substr(2);
    if (digits.size() > 5 || (digits.size() > 1 && digits[1] != '.')) return 0;
    int weight = 0;
    int place = 1000;
    for (std::size_t i = 0; i < digits.size(); i += i == 0 ? 2 : 1) {
      if (!is_digit(digits[i])) return 0;
      weight += (digits[i] - '0') * place;
      place /= 10;
    }
    return std::min(weight, 1000);
  }
  return 1000;
}

struct Weighted {
  std::string_view name;
  int weight = 0;
};
using WeightedList = boost::container::small_vector<Weighted, 16>;

WeightedList read_weighted(const Fields& request, FieldId id) {
  WeightedList list;
  http::for_each_member(request, id, [&](std::string_view member) {
    const std::size_t semicolon = std::min(member.find(';'), member.size());
    list.push_back(
        {trim(member.substr(0, semicolon)), parse_weight(member.substr(std::min(semicolon + 1, member.size())))});
    return true;
  });
  return list;
}

// All lines of the field as one list, without the white space around commas (RFC 9111 §4.1). Quoted strings stay.
void append_compact(std::string_view value, char*& at) {
  bool quoted = false;
  bool at_start = true;
  char* last_visible = at;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (!quoted && at_start && (c == ' ' || c == '\t')) continue;
    if (!quoted && c == ',') at = last_visible;
    *at++ = c;
    if (c == '"') quoted = !quoted;
    if (quoted && c == '\\' && i + 1 < value.size()) *at++ = value[++i];
    at_start = !quoted && c == ',';
    if (quoted || (c != ' ' && c != '\t')) last_visible = at;
  }
}

std::string_view compact(std::string_view name, FieldId id, const Fields& request, Arena& arena) {
  std::size_t size = 0;
  for (const Field& field : request)
    if (is_same(field, name, id)) size += field.value.size() + 1;
  char* const begin = arena.allocate(size);
  char* at = begin;
  bool first = true;
  for (const Field& field : request) {
    if (!is_same(field, name, id)) continue;
    if (!first) *at++ = ',';
    first = false;
    append_compact(trim(field.value), at);
  }
  return {begin, static_cast<std::size_t>(at - begin)};
}

// RFC 4647 §3.4 lookup, one step at a time: "de" serves "de-CH".
bool serves(std::string_view language, std::string_view range) {
  return range == "*" || iequals(language, range) ||
         (range.size() > language.size() && range[language.size()] == '-' &&
          iequals(language, range.substr(0, language.size()))) ||
         (language.size() > range.size() && language[range.size()] == '-' &&
          iequals(range, language.substr(0, range.size())));
}

std::string_view lower_in(std::string_view text, Arena& arena) {
  char* const out = arena.allocate(text.size());
  std::ranges::transform(text, out, to_lower);
  return {out, text.size()};
}

// Names in lower case, heaviest first, then by name; a weight other than 1 is written behind its name.
std::string_view sorted_languages(WeightedList& list, Arena& arena) {
  std::size_t size = 0;
  for (Weighted& one : list) {
    one.name = lower_in(one.name, arena);
    size += one.name.size() + 8;
  }
  std::ranges::sort(list, [](const Weighted& a, const Weighted& b) {
    return std::pair(-a.weight, a.name) < std::pair(-b.weight, b.name);
  });
  char* const begin = arena.allocate(size);
  char* at = begin;
  for (const Weighted& one : list) {
    if (at != begin) *at++ = ',';
    at = std::ranges::copy(one.name, at).out;
    if (one.weight == 1000) continue;
    *at++ = ';';
    at = std::to_chars(at, at + 5, one.weight).ptr;
  }
  return {begin, static_cast<std::size_t>(at - begin)};
}

std::string_view value_of(const Policy& policy, std::string_view name, const Fields& request, Arena& arena) {
  const FieldId id = http::field_id(name);
  if (id == FieldId::accept_encoding && policy.options().normalize_accept_encoding)
    return arena.concat({kPresent, normalized_accept_encoding(request, arena)});
  const bool present = std::ranges::any_of(request, [&](const Field& field) { return is_same(field, name, id); });
  if (!present) return kAbsent;
  const std::string_view value = id == FieldId::accept_language ? normalized_accept_language(policy, request, arena)
                                                                : compact(name, id, request, arena);
  return arena.concat({kPresent, value});
}

// The first field's value of a variant's text, its mark included; taken off.
std::string_view take_value(std::string_view& variant) {
  const std::size_t next = variant.find_first_of("\x1d\x1e", 1);
  const std::string_view value = variant.substr(0, next);
  variant.remove_prefix(value.size());
  return value;
}

// The language that weighs more than every other one; empty when there is no such, or any would do.
std::string_view favourite(const WeightedList& list) {
  const auto best = std::ranges::max_element(list, {}, &Weighted::weight);
  if (best == list.end() || best->weight == 0 || best->name == "*") return {};
  const auto ties = std::ranges::count(list, best->weight, &Weighted::weight);
  return ties == 1 ? best->name : std::string_view{};
}

}  // namespace

Vary read_vary(const Fields& response, Arena& arena) {
  Vary vary;
  boost::container::small_vector<std::string_view, 16> names;
  std::size_t size = 0;
  http::for_each_member(response, FieldId::vary, [&](std::string_view name) {
    vary.any |= name == "*";
    names.push_back(lower_in(name, arena));
    size += name.size() + 1;
    return !vary.any;
  });
  if (vary.any || names.empty()) return vary;
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
  char* const begin = arena.allocate(size);
  char* at = begin;
  for (const std::string_view name : names) {
    if (at != begin) *at++ = ',';
    at = std::ranges::copy(name, at).out;
  }
  vary.names = {begin, static_cast<std::size_t>(at - begin)};
  return vary;
}

std::string_view variant_of(const Policy& policy, std::string_view names, const Fields& request, Arena& arena) {
  std::string_view text;
  while (!names.empty()) {
    const std::size_t end = std::min(names.find(','), names.size());
    const std::string_view value = value_of(policy, names.substr(0, end), request, arena);
    text = text.empty() ? value : arena.concat({text, value});
    names.remove_prefix(std::min(end + 1, names.size()));
  }
  return text;
}

bool suits_language(const Policy& policy, const StoredVariant& stored, const Fields& request, Arena& arena) {
  if (stored.content_language.empty() || !policy.options().accept_languages.empty()) return false;
  const std::string_view wanted = favourite(read_weighted(request, FieldId::accept_language));
  if (wanted.empty() || !iequals(wanted, trim(stored.content_language))) return false;
  std::string_view asked = variant_of(policy, stored.names, request, arena);
  std::string_view variant = stored.variant;
  for (std::string_view names = stored.names; !names.empty();) {
    const std::string_view name = names.substr(0, names.find(','));
    names.remove_prefix(std::min(name.size() + 1, names.size()));
    if (take_value(asked) != take_value(variant) && name != "accept-language") return false;
  }
  return true;
}

std::string_view normalized_accept_encoding(const Fields& request, Arena& arena) {
  constexpr std::array<std::string_view, 3> kCodings = {"br", "gzip", "zstd"};
  const WeightedList list = read_weighted(request, FieldId::accept_encoding);
  const auto weight_of = [&](std::string_view coding, int otherwise) {
    int weight = otherwise;
    for (const Weighted& one : list)
      if (one.name == "*") weight = one.weight;
    for (const Weighted& one : list)
      if (iequals(one.name, coding) || (coding == "gzip" && iequals(one.name, "x-gzip"))) weight = one.weight;
    return weight;
  };
  std::string_view text;
  for (const std::string_view coding : kCodings)
    if (weight_of(coding, 0) > 0) text = text.empty() ? coding : arena.concat({text, ", ", coding});
  // RFC 9110 §12.5.3: identity is acceptable unless it is excluded.
  if (weight_of("identity", 1) == 0) return text.empty() ? "" : arena.concat({text, ", identity;q=0"});
  return text.empty() ? "identity" : text;
}

std::string_view normalized_accept_language(const Policy& policy, const Fields& request, Arena& arena) {
  WeightedList list = read_weighted(request, FieldId::accept_language);
  const auto& languages = policy.options().accept_languages;
  if (languages.empty()) return sorted_languages(list, arena);
  std::string_view best;
  int weight = 0;
  for (const std::string& language : languages)
    for (const Weighted& range : list)
      if (range.weight > weight && serves(language, range.name)) {
        best = language;
        weight = range.weight;
      }
  return best;
}

}  // namespace shellac::cache
