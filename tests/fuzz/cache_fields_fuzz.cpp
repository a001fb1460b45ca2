// Fields that decide about caching, and ranges. The input is the field lines of a head, which is taken for a request's
// and for a response's; what holds for all of them is checked.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "field_lines.hpp"
#include "shellac/cache/cache_status.hpp"
#include "shellac/cache/judge.hpp"
#include "shellac/cache/key.hpp"
#include "shellac/cache/stored_head.hpp"
#include "shellac/cache/tags.hpp"
#include "shellac/cache/vary.hpp"
#include "shellac/core/text.hpp"
#include "shellac/http/parser.hpp"
#include "shellac/http/range.hpp"
#include "shellac/http/structured_field.hpp"

namespace {

using namespace shellac;
using namespace shellac::http;
using namespace shellac::cache;

void require(bool condition) {
  if (!condition) std::abort();
}

const WallTime kNow = std::chrono::sys_days(std::chrono::year(2026) / 11 / 25);

PolicyOptions make_options(bool strict) {
  PolicyOptions options;
  options.strict_rfc = strict;
  options.heuristic = true;
  options.ignore_cookies = {"_*"};
  options.query = {.sort = true, .drop = {"utm_*"}, .keep = {}};
  options.key_headers = {"X-A"};
  options.key_cookies = {"lang"};
  return options;
}
const Policy kOurs{make_options(false)};
const Policy kStrict{make_options(true)};

void read_structured(std::string_view text) {
  for (const bool dictionary : {true, false}) {
    StructuredReader reader(text);
    std::size_t members = 0;
    while (dictionary ? reader.next_entry().has_value() : reader.next_item().has_value()) ++members;
    require(members <= text.size());
    require(!reader.next_entry() && !reader.next_item());
  }
}

void read_ranges(const Fields& fields) {
  Arena arena;
  if (const auto set = parse_range(fields)) {
    require(!set->empty());
    for (const std::uint64_t length : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1000}, ~std::uint64_t{0}}) {
      const RangeSelection selection = select_ranges(*set, length);
      require((selection.kind == RangeSelection::Kind::partial) == !selection.ranges.empty());
      std::uint64_t left = length;
      for (const ByteRange& range : selection.ranges) {
        require(range.first <= range.last && range.last < length && range.size() <= left);
        left -= range.size();
      }
    }
  }
  if (const auto range = parse_content_range(fields.value(FieldId::content_range)))
    require(parse_content_range(write_content_range(*range, arena)) == range);
  is_range_wanted(fields, {.etag = fields.value(FieldId::etag), .last_modified = kNow}, kNow, kNow);
}

void judge(const Policy& policy, const Fields& fields, int status) {
  RequestHead request;
  request.method = "GET";
  request.known = Method::get;
  request.scheme = "https";
  request.authority = "a";
  request.path = "/";
  request.fields = fields;
  ResponseHead response;
  response.status = status;
  response.fields = fields;
  const RequestJudgement judged = judge_request(policy, request, "SHELLAC");
  const Storing storing = judge_response(policy, request, judged, response, {kNow, kNow});
  require(storing.remember >= Duration{0} && storing.remember <= kRememberMax);
  if (storing.why != NotStored::none) return;
  const Terms& terms = storing.terms;
  require(terms.initial_age >= Duration{0} && terms.lifetime >= Duration{0} && terms.grace >= Duration{0});
  require(!terms.must_revalidate || (terms.grace == Duration{0} && terms.stale_if_error == Duration{0}));
  require(!judged.has_credentials || terms.for_credentials);
  const ResponseDirectives said = read_response_directives(fields);
  require(!said.private_ && (!said.no_store || said.must_understand));
  Arena arena;
  const std::string_view lines = write_lines(response, storing, kNow, arena);
  Fields read;
  read_lines(lines, read);
  require(!read.has(FieldId::connection) && !read.has(FieldId::age) && read.has(FieldId::date));
  Fields merged, short_head;
  merge_fields(read, fields, merged);
  not_modified_fields(read, short_head);
  require(short_head.size() <= read.size());
  judge_use({terms, terms.age(Duration{0}), {}}, judged);
}

void make_keys(const Fields& fields) {
  Arena arena;
  const KeySource source{"http", "a", "/d/f", "?q", &fields};
  const std::string_view key = make_key(kOurs, source, arena);
  require(url_of_key(key) == "http://a/d/f?q" && key.starts_with(url_of_key(key)));
  for (const std::string_view one : keys_to_invalidate(kOurs, source, fields, arena))
    require(one.starts_with("http://a/"));
  for (const Field& field : fields) {
    const auto made = key_of_url(kOurs, field.value, arena);
    require(!made || made->starts_with("http"));
  }
  for (const Tags& tags : {read_tags(source, fields, arena), groups_to_invalidate(source, fields, arena)})
    for (const std::string_view tag : tags) require(!tag.empty());
  const Vary vary = read_vary(fields, arena);
  require(vary.any ? vary.names.empty() : true);
  require(variant_of(kOurs, vary.names, fields, arena) == variant_of(kOurs, vary.names, fields, arena));
  variant_of(kOurs, "accept-encoding,accept-language,x-a", fields, arena);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Fields fields;
  fuzz::for_each_line(data, size, [&](std::string_view name, std::string_view value) {
    if (!is_token(name) || !is_field_value(value)) return;
    fields.add(name, value);
    read_structured(value);
    parse_delta_seconds(value);
  });
  read_ranges(fields);
  for (const int status : {200, 206, 404, 599}) {
    judge(kOurs, fields, status);
    judge(kStrict, fields, status);
  }
  make_keys(fields);
  return 0;
}
