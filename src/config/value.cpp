#include "shellac/config/value.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "shellac/config/key_table.hpp"
#include "shellac/core/text.hpp"

namespace shellac::config {

namespace {

// "010s", "0755", "0o17": YAML 1.1 reads some of these as octal, YAML 1.2 others, and people mean either.
bool looks_octal(std::string_view text) {
  return text.size() > 1 && text[0] == '0' && (is_digit(text[1]) || text[1] == 'o' || text[1] == 'O');
}

std::string range_text(std::string_view what, const std::string& min, const std::string& max) {
  return std::string(what) + " from " + min + " to " + max;
}

}  // namespace

std::string shown_text(std::string_view text) {
  constexpr std::size_t kShown = 60;
  std::string out = "\"";
  for (char c : text.substr(0, kShown)) {
    if (c == '\n')
      out += "\\n";
    else if (c == '\t')
      out += "\\t";
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
      out += '?';
    else
      out += c;
  }
  // Not in the middle of a UTF-8 sequence.
  if (text.size() > kShown) {
    while ((static_cast<unsigned char>(out.back()) & 0xC0) == 0x80) out.pop_back();
    if (static_cast<unsigned char>(out.back()) >= 0xC0) out.pop_back();
    out += "…";
  }
  return out + "\"";
}

Value Value::operator[](std::string_view key) const {
  Value below(*problems_, path_.empty() ? std::string(key) : path_ + "." + std::string(key));
  below.place_ = below.key_place_ = place_;
  const Entry* entry = is_map() ? node_->find(key) : nullptr;
  if (!entry) return below;
  below.node_ = &entry->value;
  below.place_ = entry->value.place;
  below.key_place_ = entry->place;
  return below;
}

Value Value::item(const Node& node) const {
  Value item(*problems_, path_ + "[]");
  item.node_ = &node;
  item.place_ = item.key_place_ = node.place;
  return item;
}

std::string Value::absolute(std::string_view path) const {
  std::filesystem::path whole(path);
  if (whole.is_relative()) whole = std::filesystem::path(problems_->directory(place_.file)) / whole;
  return whole.lexically_normal().string();
}

std::string Value::found() const {
  if (!node_) return "found nothing";
  switch (node_->kind) {
    case Node::Kind::null:
      return "found nothing";
    case Node::Kind::list:
      return "found a list";
    case Node::Kind::map:
      return "found a map";
    case Node::Kind::scalar:
      break;
  }
  return "found " + shown_text(node_->text);
}

void Value::problem(std::string_view text) const {
  if (node_ && node_->broken) return;  // told already
  problems_->add(place_, (path_.empty() ? "" : path_ + ": ") + std::string(text));
}
void Value::key_problem(std::string_view text) const {
  problems_->add(key_place_, (path_.empty() ? "" : path_ + ": ") + std::string(text));
}
void Value::expected(std::string_view what) const { problem(found() + ", expected " + std::string(what)); }
void Value::not_yet() const { key_problem(kNotYet); }

bool Value::expect_map() const {
  if (is_map()) return true;
  if (node_) expected("a map (KEY: VALUE)");
  return false;
}

std::vector<Value> Value::list_or_one() const {
  std::vector<Value> values;
  if (!node_) return values;
  if (is_scalar()) {
    values.push_back(*this);
  } else if (is_list()) {
    for (const Node& node : node_->items) {
      Value value = item(node);
      if (node.kind == Node::Kind::null)
        value.expected("a value");
      else
        values.push_back(std::move(value));
    }
  } else {
    expected("one value or a list of them");
  }
  return values;
}

std::vector<Value> Value::list_of_maps() const {
  std::vector<Value> values;
  if (!node_) return values;
  if (!is_list()) {
    expected("a list");
    return values;
  }
  for (const Node& node : node_->items)
    if (Value value = item(node); value.expect_map()) values.push_back(std::move(value));
  return values;
}

std::vector<Member> Value::members() const {
  std::vector<Member> members;
  if (!expect_map()) return members;
  for (const Entry& entry : node_->entries) {
    Value value(*problems_, path_.empty() ? entry.key : path_ + "." + entry.key);
    value.node_ = &entry.value;
    value.place_ = entry.value.place;
    value.key_place_ = entry.place;
    members.push_back({entry.key, std::move(value)});
  }
  return members;
}

bool Value::read(bool& out) const {
  if (!node_) return false;
  if (text() == "true" || text() == "false") {
    out = text() == "true";
    return true;
  }
  expected("true or false");
  return false;
}

bool Value::read(std::string& out) const {
  if (!node_) return false;
  if (!is_scalar()) {
    expected("a text");
    return false;
  }
  out = node_->text;
  return true;
}

bool Value::read_text(std::string& out, std::string_view what) const {
  if (!node_) return false;
  if (text().empty()) {
    expected(what);
    return false;
  }
  out = node_->text;
  return true;
}

bool Value::refuse_odd_number(std::string_view number) const {
  if (!looks_octal(number)) return false;
  problem(found() + ", which looks octal, expected decimal digits without a leading zero");
  return true;
}

bool Value::read_number(std::uint32_t& out, std::uint32_t min, std::uint32_t max) const {
  if (!node_ || refuse_odd_number(text())) return false;
  auto number = parse_unsigned<std::uint64_t>(text());
  if (!number || *number < min || *number > max) {
    expected(range_text("a whole number", std::to_string(min), std::to_string(max)));
    return false;
  }
  out = static_cast<std::uint32_t>(*number);
  return true;
}

bool Value::read_percent(std::uint32_t& out) const {
  if (!node_ || refuse_odd_number(text())) return false;
  std::string_view digits = text();
  std::optional<std::uint32_t> number;
  if (digits.ends_with('%')) number = parse_unsigned<std::uint32_t>(digits.substr(0, digits.size() - 1));
  if (!number || *number > 100) {
    expected("a share from 0% to 100%");
    return false;
  }
  out = *number;
  return true;
}

bool Value::read_decimal(double& out, double min, double max) const {
  if (!node_ || refuse_odd_number(text())) return false;
  double number = 0;
  std::string_view digits = text();
  bool plain = digits.size() <= 20 && !digits.empty() && is_digit(digits.front()) && is_digit(digits.back()) &&
               digits.find_first_not_of("0123456789.") == std::string_view::npos;
  if (plain) {
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number, std::chars_format::fixed);
    plain = error == std::errc{} && end == digits.data() + digits.size();
  }
  if (!plain || number < min || number > max) {
    auto shortened = [](double value) {
      std::string shown = std::to_string(value);
      while (shown.ends_with('0')) shown.pop_back();
      return shown.ends_with('.') ? shown + "0" : shown;
    };
    expected(range_text("a decimal number", shortened(min), shortened(max)));
    return false;
  }
  out = number;
  return true;
}

bool Value::read(Duration& out, Duration min, Duration max) const {
  if (!node_ || refuse_odd_number(text())) return false;
  auto duration = parse_duration(text());
  if (!duration) {
    expected("a duration with its unit, such as 250ms, 10s, 5m, 1h or 7d");
    return false;
  }
  if (*duration < min || *duration > max) {
    if (min == Duration(1) && *duration < min)
      expected("a duration above 0s");
    else
      expected(range_text("a duration", shellac::to_string(min), shellac::to_string(max)));
    return false;
  }
  out = *duration;
  return true;
}

bool Value::read_positive(Duration& out) const { return read(out, Duration(1)); }

bool Value::read(Bytes& out, Bytes min, Bytes max) const {
  if (!node_ || refuse_odd_number(text())) return false;
  auto size = parse_bytes(text());
  if (!size) {
    expected("a size with its unit, such as 100B, 64KiB, 512MiB or 4GiB");
    return false;
  }
  if (*size < min || *size > max) {
    expected(range_text("a size", shellac::to_string(min), shellac::to_string(max)));
    return false;
  }
  out = *size;
  return true;
}

bool Value::read_path(std::string& out) const {
  std::string path;
  if (!read_text(path, "a path")) return false;
  out = absolute(path);
  return true;
}

bool Value::read_texts(std::vector<std::string>& out) const {
  if (!node_) return false;
  std::vector<std::string> texts;
  std::vector<Value> values = list_or_one();
  bool good = is_scalar() || (is_list() && values.size() == node_->items.size());
  for (const Value& value : values) {
    std::string text;
    if (value.read_text(text, "a text that is not empty"))
      texts.push_back(std::move(text));
    else
      good = false;
  }
  if (good) out = std::move(texts);
  return good;
}

int Value::find_word(std::span<const std::string_view> words) const {
  if (!node_) return -1;
  auto found_at = std::find(words.begin(), words.end(), text());
  if (is_scalar() && found_at != words.end()) return static_cast<int>(found_at - words.begin());
  std::string list;
  for (std::size_t i = 0; i < words.size(); ++i)
    list += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + std::string(words[i]);
  std::string_view near = is_scalar() ? find_nearest(text(), words) : std::string_view();
  expected(list + (near.empty() ? "" : "; did you mean " + std::string(near) + "?"));
  return -1;
}

}  // namespace shellac::config
