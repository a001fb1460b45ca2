// Values of fields that are read by rules of their own: dates, entity tags, conditions, lists, weights.
// The input is a head's field lines; "T: TEXT" is also read as a date, a tag and a list.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "field_lines.hpp"
#include "shellac/http/conditional.hpp"
#include "shellac/http/date.hpp"
#include "shellac/http/fields.hpp"
#include "shellac/http/negotiate.hpp"

namespace {

using namespace shellac;
using namespace shellac::http;

void require(bool condition) {
  if (!condition) std::abort();
}

const WallTime kNow = std::chrono::sys_days(std::chrono::year(2026) / 11 / 25);

void read_date(std::string_view text) {
  const auto when = parse_date(text, kNow);
  if (!when) return;
  require(text.size() >= 24 && text.size() <= 33);
  const std::string written = format_date(*when);
  require(written.size() == kDateSize && parse_date(written, kNow) == when);
}

void read_list(std::string_view text) {
  std::size_t size = 0;
  for_each_member(text, [&](std::string_view member) {
    require(!member.empty() && trim(member) == member);
    require(member.data() >= text.data() && member.data() + member.size() <= text.data() + text.size());
    size += member.size();
    return true;
  });
  require(size <= text.size());
  int calls = 0;
  for_each_member(text, [&](std::string_view) { return ++calls, false; });
  require(calls <= 1);
  choose_error_type(text);
  media_type_of(text);
}

void compare_tags(std::string_view a, std::string_view b) {
  require(is_strong_match(a, b) == is_strong_match(b, a) && is_weak_match(a, b) == is_weak_match(b, a));
  require(!is_strong_match(a, b) || (is_weak_match(a, b) && a == b));
  require(is_weak_match(a, a) == is_weak_match(b, b) || !is_weak_match(a, b));
}

void evaluate(const Fields& fields, const Validators& current) {
  for (const Method method : {Method::get, Method::head, Method::put, Method::other}) {
    const bool reads = method == Method::get || method == Method::head;
    switch (evaluate_preconditions(fields, method, current, kNow)) {
      case Precondition::not_modified:
        require(reads && current.exists);
        require(fields.has(FieldId::if_none_match) || fields.has(FieldId::if_modified_since));
        break;
      case Precondition::precondition_failed:
        require(fields.has(FieldId::if_match) || fields.has(FieldId::if_unmodified_since) ||
                (!reads && fields.has(FieldId::if_none_match)));
        break;
      case Precondition::proceed:
        require(!fields.has(FieldId::if_match) || current.exists);
        break;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Fields fields;
  std::string_view before;
  fuzz::for_each_line(data, size, [&](std::string_view name, std::string_view value) {
    fields.add(name, value);
    read_date(value);
    read_list(value);
    compare_tags(before, value);
    before = value;
  });
  const WallTime then = std::chrono::sys_days(std::chrono::year(1994) / 11 / 6);
  const std::string_view tag = fields.value(FieldId::etag);
  evaluate(fields, {.etag = tag, .last_modified = then});
  evaluate(fields, {.etag = tag, .last_modified = {}});
  evaluate(fields, {.etag = {}, .last_modified = {}, .exists = false});
  return 0;
}
