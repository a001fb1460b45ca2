#include "shellac/cache/key.hpp"

#include <algorithm>
#include <boost/container/small_vector.hpp>

#include "cache/cookies.hpp"
#include "shellac/core/text.hpp"
#include "shellac/http/parser.hpp"

namespace shellac::cache {
namespace {

using http::FieldId;

// No request can contain these: http refuses control octets in targets and values, and write_url() escapes them.
constexpr char kPart = '\x1f';
constexpr char kValue = '\x1e';

// Grows inside the arena; `size` is an upper bound.
class Writer {
 public:
  Writer(Arena& arena, std::size_t size) : begin_(arena.allocate(size)), at_(begin_) {}
  void put(char c) { *at_++ = c; }
  void put(std::string_view text) { at_ = std::ranges::copy(text, at_).out; }
  void put_lower(std::string_view text) { at_ = std::ranges::transform(text, at_, to_lower).out; }
  // Control octets as escapes.
  void put_target(std::string_view text) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    for (const char c : text) {
      const auto octet = static_cast<unsigned char>(c);
      if (octet >= 0x20) {
        put(c);
        continue;
      }
      put('%');
      put(kHex[octet >> 4]);
      put(kHex[octet & 15]);
    }
  }
  std::string_view text() const { return {begin_, static_cast<std::size_t>(at_ - begin_)}; }

 private:
  char* begin_;
  char* at_;
};

std::string_view without_default_port(std::string_view scheme, std::string_view authority) {
  const std::string_view port = scheme == "https" ? ":443" : ":80";
  if (authority.ends_with(port)) authority.remove_suffix(port.size());
  return authority.ends_with(':') ? authority.substr(0, authority.size() - 1) : authority;
}

// The query as it counts in the key.
void put_query(const Policy& policy, std::string_view query, Writer& out) {
  if (!policy.changes_query()) return out.put_target(query);
  boost::container::small_vector<std::string_view, 24> members;
  std::string_view rest = query.substr(std::min<std::size_t>(1, query.size()));
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('&'), rest.size());
    const std::string_view member = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (!member.empty() && policy.keeps_query_member(member.substr(0, member.find('=')))) members.push_back(member);
  }
  // Members of one name keep their order: it may mean something.
  const auto name_of = [](std::string_view member) { return member.substr(0, member.find('=')); };
  if (policy.options().query.sort)
    std::ranges::sort(members, [&](std::string_view a, std::string_view b) {
      return std::pair(name_of(a), a.data()) < std::pair(name_of(b), b.data());
    });
  char before = '?';
  for (const std::string_view member : members) {
    out.put(before);
    out.put_target(member);
    before = '&';
  }
}

void put_origin(const KeySource& source, Writer& out) {
  out.put(source.scheme);
  out.put("://");
  out.put_lower(without_default_port(source.scheme, source.authority));
}

void put_url(const Policy& policy, const KeySource& source, Writer& out) {
  put_origin(source, out);
  out.put_target(source.path);
  put_query(policy, source.query, out);
}

std::size_t url_size_max(const KeySource& source) {
  return source.scheme.size() + 3 + source.authority.size() + 3 * (source.path.size() + source.query.size());
}

// Calls part(kind, name) and value(text) for what the policy adds to the key. What is absent is left out.
template <class Part, class Value>
void for_each_part(const Policy& policy, const http::Fields& fields, Part part, Value value) {
  for (const Policy::KeyHeader& header : policy.key_headers()) {
    part('h', header.name);
    for (const http::Field& field : fields)
      if (header.id != FieldId::other ? field.id == header.id : iequals(field.name, header.name)) value(field.value);
  }
  for (const std::string& cookie : policy.key_cookies()) {
    part('c', cookie);
    for_each_cookie(fields, [&](std::string_view name, std::string_view text) {
      if (name == cookie) value(text);
    });
  }
}

struct Split {
  std::string_view scheme, authority, path, query;
};

// An absolute http(s) URL. The fragment is dropped; user information is nothing that a request can carry.
std::optional<Split> split_url(std::string_view url) {
  url = url.substr(0, url.find('#'));
  Split split;
  for (const std::string_view scheme : {"https", "http"})
    if (url.size() > scheme.size() + 3 && iequals(url.substr(0, scheme.size()), scheme) &&
        url.substr(scheme.size()).starts_with("://"))
      split.scheme = scheme;
  if (split.scheme.empty()) return std::nullopt;
  url.remove_prefix(split.scheme.size() + 3);
  const std::size_t end = std::min(url.find_first_of("/?"), url.size());
  split.authority = url.substr(0, end);
  if (!http::is_valid_authority(split.authority)) return std::nullopt;
  url.remove_prefix(end);
  const std::size_t question = std::min(url.find('?'), url.size());
  split.path = question == 0 ? "/" : url.substr(0, question);
  split.query = url.substr(question);
  return split;
}

// Where the last segment of [begin, end) begins; `begin` when there is none.
char* last_slash(char* begin, char* end) {
  const std::size_t slash = std::string_view(begin, static_cast<std::size_t>(end - begin)).rfind('/');
  return slash == std::string_view::npos ? begin : begin + slash;
}

// RFC 3986 §5.2.4 over an absolute path.
std::string_view without_dots(std::string_view path, Arena& arena) {
  if (path.find("/.") == path.npos) return path;
  char* const begin = arena.allocate(path.size() + 1);
  char* at = begin;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/', 1), path.size());
    const std::string_view segment = path.substr(0, end);
    path.remove_prefix(end);
    if (segment == "/." || segment == "/..") {
      if (segment.size() == 3) at = last_slash(begin, at);
      if (path.empty()) *at++ = '/';
    } else {
      at = std::ranges::copy(segment, at).out;
    }
  }
  return {begin, static_cast<std::size_t>(at - begin)};
}

bool is_same_origin(const KeySource& source, const Split& split) {
  return source.scheme == split.scheme && iequals(without_default_port(source.scheme, source.authority),
                                                  without_default_port(split.scheme, split.authority));
}

bool is_visible(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) > 0x20 && c != 0x7f; });
}

bool has_scheme(std::string_view reference) {
  const std::size_t colon = reference.find_first_of(":/?#");
  return colon != reference.npos && colon > 0 && reference[colon] == ':';
}

// RFC 3986 §5.2.2. Nothing when it leaves the origin.
std::optional<Split> resolve(const KeySource& source, std::string_view reference, Arena& arena) {
  reference = reference.substr(0, reference.find('#'));
  if (!is_visible(reference)) return std::nullopt;
  if (reference.starts_with("//")) reference = arena.concat({source.scheme, ":", reference});
  if (has_scheme(reference)) {
    auto split = split_url(reference);
    if (!split || !is_same_origin(source, *split)) return std::nullopt;
    split->path = without_dots(split->path, arena);
    return split;
  }
  Split split{source.scheme, source.authority, source.path, source.query};
  if (reference.empty()) return split;
  const std::size_t question = std::min(reference.find('?'), reference.size());
  const std::string_view path = reference.substr(0, question);
  split.query = reference.substr(question);
  if (path.starts_with('/'))
    split.path = without_dots(path, arena);
  else if (!path.empty())
    split.path = without_dots(arena.concat({source.path.substr(0, source.path.rfind('/') + 1), path}), arena);
  return split;
}

}  // namespace

std::string_view make_key(const Policy& policy, const KeySource& source, Arena& arena) {
  std::size_t size = url_size_max(source);
  if (source.fields != nullptr)
    for_each_part(
        policy, *source.fields, [&](char, std::string_view name) { size += 2 + name.size(); },
        [&](std::string_view value) { size += 1 + value.size(); });
  Writer out(arena, size);
  put_url(policy, source, out);
  if (source.fields != nullptr)
    for_each_part(
        policy, *source.fields,
        [&](char kind, std::string_view name) {
          out.put(kPart);
          out.put(kind);
          out.put(name);
        },
        [&](std::string_view value) {
          out.put(kValue);
          out.put(value);
        });
  return out.text();
}

std::string_view origin_of(const KeySource& source, Arena& arena) {
  Writer out(arena, url_size_max({source.scheme, source.authority, {}, {}, nullptr}));
  put_origin(source, out);
  return out.text();
}

std::string_view url_of_key(std::string_view key) { return key.substr(0, key.find(kPart)); }

std::optional<std::string_view> key_of_url(const Policy& policy, std::string_view url, Arena& arena) {
  const auto split = split_url(url);
  if (!split) return std::nullopt;
  return make_key(policy, {split->scheme, split->authority, split->path, split->query, nullptr}, arena);
}

std::optional<std::string_view> key_of_reference(const Policy& policy, const KeySource& source,
                                                 std::string_view reference, Arena& arena) {
  const auto split = resolve(source, reference, arena);
  if (!split) return std::nullopt;
  return make_key(policy, {split->scheme, split->authority, split->path, split->query, nullptr}, arena);
}

InvalidKeys keys_to_invalidate(const Policy& policy, const KeySource& source, const http::Fields& response,
                               Arena& arena) {
  InvalidKeys keys;
  keys.push_back(make_key(policy, {source.scheme, source.authority, source.path, source.query, nullptr}, arena));
  for (const FieldId id : {FieldId::location, FieldId::content_location}) {
    if (response.count(id) != 1) continue;
    const auto key = key_of_reference(policy, source, response.value(id), arena);
    if (key && std::ranges::find(keys, *key) == keys.end()) keys.push_back(*key);
  }
  return keys;
}

}  // namespace shellac::cache
