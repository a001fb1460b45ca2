#include "shellac/http/structured_field.hpp"

#include <algorithm>

#include "http/octets.hpp"
#include "shellac/core/text.hpp"

namespace shellac::http {
namespace {

// A place in the text that moves on as something is read; `ok` is false once something could not be.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}

  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }
  std::string_view rest() const { return rest_; }
  char peek() const { return rest_.empty() ? '\0' : rest_.front(); }
  bool try_skip(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!try_skip(c)) fail();
  }
  void skip_spaces() {
    while (try_skip(' ')) continue;
  }
  void skip_blank() {
    while (try_skip(' ') || try_skip('\t')) continue;
  }
  void fail() { ok_ = false; }
  template <class Is>
  std::string_view take_while(Is is) {
    std::size_t size = 0;
    while (size < rest_.size() && is(rest_[size])) ++size;
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

constexpr bool is_lower_alpha(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool is_alpha(char c) { return is_lower_alpha(to_lower(c)); }
constexpr bool is_visible(char c) { return c >= 0x20 && c < 0x7f; }

// RFC 9651 §4.2.3.3.
std::string_view read_key(Cursor& at) {
  if (!is_lower_alpha(at.peek()) && at.peek() != '*') at.fail();
  return at.take_while(
      [](char c) { return is_lower_alpha(c) || is_digit(c) || c == '_' || c == '-' || c == '.' || c == '*'; });
}

// §4.2.4: at most 15 digits; a decimal has at most 12 before and 3 after the point.
void read_number(Cursor& at, StructuredItem& out) {
  const bool negative = at.try_skip('-');
  const std::string_view whole = at.take_while(is_digit);
  if (whole.empty() || whole.size() > 15) return at.fail();
  out.type = StructuredItem::Type::integer;
  out.integer = static_cast<std::int64_t>(*parse_unsigned(whole)) * (negative ? -1 : 1);
  if (!at.try_skip('.')) return;
  const std::string_view fraction = at.take_while(is_digit);
  out.type = StructuredItem::Type::decimal;
  if (whole.size() > 12 || fraction.empty() || fraction.size() > 3) at.fail();
}

// §4.2.5.
void read_string(Cursor& at, StructuredItem& out) {
  at.expect('"');
  const char* const begin = at.rest().data();
  std::size_t size = 0;
  out.type = StructuredItem::Type::string;
  while (at.ok() && !at.try_skip('"')) {
    if (at.at_end() || !is_visible(at.peek())) return at.fail();
    if (at.try_skip('\\')) {
      ++size;
      if (at.peek() != '"' && at.peek() != '\\') return at.fail();
    }
    at.try_skip(at.peek());
    ++size;
  }
  out.text = {begin, size};
}

// §4.2.7: base64 between colons; what it decodes to is nobody's business here.
void read_bytes(Cursor& at, StructuredItem& out) {
  at.expect(':');
  out.type = StructuredItem::Type::bytes;
  out.text = at.take_while([](char c) { return is_alpha(c) || is_digit(c) || c == '+' || c == '/' || c == '='; });
  at.expect(':');
}

// §4.2.10: %"…" with lower-case escapes.
void read_display(Cursor& at, StructuredItem& out) {
  at.expect('%');
  at.expect('"');
  out.type = StructuredItem::Type::display;
  const auto is_lower_hex = [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); };
  const std::string_view all = at.rest();
  while (at.ok() && !at.try_skip('"')) {
    if (at.at_end() || !is_visible(at.peek())) return at.fail();
    const bool escaped = at.try_skip('%');
    for (int left = escaped ? 2 : 1; left > 0; --left) {
      if (escaped && !is_lower_hex(at.peek())) return at.fail();
      at.try_skip(at.peek());
    }
  }
  out.text = all.substr(0, all.size() - at.rest().size() - (at.ok() ? 1 : 0));
}

// §4.2.3.1.
void read_bare_item(Cursor& at, StructuredItem& out) {
  const char c = at.peek();
  if (c == '-' || is_digit(c)) return read_number(at, out);
  if (c == '"') return read_string(at, out);
  if (c == ':') return read_bytes(at, out);
  if (c == '%') return read_display(at, out);
  if (at.try_skip('?')) {
    out.type = StructuredItem::Type::boolean;
    out.boolean = at.peek() == '1';
    if (!at.try_skip('0') && !at.try_skip('1')) at.fail();
    return;
  }
  if (at.try_skip('@')) {
    read_number(at, out);
    if (out.type != StructuredItem::Type::integer) at.fail();
    out.type = StructuredItem::Type::date;
    return;
  }
  if (!is_alpha(c) && c != '*') return at.fail();
  out.type = StructuredItem::Type::token;
  out.text = at.take_while([](char t) { return octets::is(t, octets::kToken) || t == ':' || t == '/'; });
}

// §4.2.3.2: read and forgotten.
bool skip_parameters(Cursor& at) {
  bool any = false;
  while (at.ok() && at.try_skip(';')) {
    any = true;
    at.skip_spaces();
    read_key(at);
    StructuredItem value;
    if (at.ok() && at.try_skip('=')) read_bare_item(at, value);
  }
  return any;
}

// §4.2.1.2.
void skip_inner_list(Cursor& at) {
  at.expect('(');
  while (at.ok()) {
    at.skip_spaces();
    if (at.try_skip(')')) return;
    StructuredItem item;
    read_bare_item(at, item);
    if (at.ok()) skip_parameters(at);
    if (at.peek() != ' ' && at.peek() != ')') at.fail();
  }
}

void read_member(Cursor& at, StructuredItem& out) {
  if (at.peek() == '(') {
    out.type = StructuredItem::Type::inner_list;
    skip_inner_list(at);
  } else {
    read_bare_item(at, out);
  }
  if (at.ok()) out.has_parameters = skip_parameters(at);
}

}  // namespace

StructuredReader::StructuredReader(std::string_view field) : rest_(field) {
  while (rest_.starts_with(' ')) rest_.remove_prefix(1);
  while (rest_.ends_with(' ')) rest_.remove_suffix(1);
}

// RFC 9651 §4.2.1, §4.2.2: what stands between two members. False at the end or after a failure.
bool StructuredReader::begin_member() {
  if (failed_) return false;
  if (!first_ && !rest_.empty()) {
    Cursor at(rest_);
    at.skip_blank();
    at.expect(',');
    at.skip_blank();
    failed_ = !at.ok() || at.at_end();  // a comma at the end is a failure
    rest_ = at.rest();
  }
  first_ = false;
  return !failed_ && !rest_.empty();
}

bool StructuredReader::read_value(StructuredItem& out) {
  Cursor at(rest_);
  read_member(at, out);
  rest_ = at.rest();
  failed_ = !at.ok();
  return at.ok();
}

std::optional<StructuredReader::Entry> StructuredReader::next_entry() {
  if (!begin_member()) return std::nullopt;
  Cursor at(rest_);
  Entry entry;
  entry.key = read_key(at);
  const bool has_value = at.ok() && at.try_skip('=');
  if (at.ok() && !has_value) entry.value.has_parameters = skip_parameters(at);
  rest_ = at.rest();
  failed_ = !at.ok();
  if (has_value) read_value(entry.value);
  if (failed_) return std::nullopt;
  return entry;
}

std::optional<StructuredItem> StructuredReader::next_item() {
  StructuredItem item;
  if (!begin_member() || !read_value(item)) return std::nullopt;
  return item;
}

std::optional<std::string_view> structured_text(const Fields& fields, std::string_view name, std::string& room) {
  std::optional<std::string_view> text;
  for (const Field& field : fields) {
    if (!iequals(field.name, name)) continue;
    if (!text) {
      text = field.value;
      continue;
    }
    if (room.empty()) room = *text;
    room.append(", ").append(field.value);
    text = room;
  }
  return text;
}

void append_unescaped(std::string_view string, std::string& out) {
  for (std::size_t i = 0; i < string.size(); ++i) {
    if (string[i] == '\\' && i + 1 < string.size()) ++i;
    out.push_back(string[i]);
  }
}

bool is_structured_string(std::string_view text) { return std::ranges::all_of(text, is_visible); }

}  // namespace shellac::http
