// ${VAR} in scalars. It happens after parsing, so a value can never change the structure of the file.
#include <cstdlib>

#include "shellac/config/document.hpp"
#include "shellac/config/value.hpp"
#include "shellac/core/text.hpp"
#include "text_rules.hpp"

namespace shellac::config {

namespace {

bool is_name(std::string_view name) {
  if (name.empty() || is_digit(name.front())) return false;
  for (char c : name)
    if (!(is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z') || c == '_')) return false;
  return true;
}

// The text between "${" and "}" becomes a value appended to `out`, or the answer says what is wrong.
std::optional<std::string> append_variable(std::string_view inside, const Environment& environment, std::string& out) {
  std::size_t colon = inside.find(':');
  std::string name(inside.substr(0, colon));
  if (!is_name(name) || (colon != std::string_view::npos && inside.substr(colon, 2) != ":-")) {
    // Escaped, since a block scalar's lines would otherwise break the message's.
    const std::string shown = shown_text(inside);
    return "found ${" + shown.substr(1, shown.size() - 2) +
           "}, expected ${VAR} or ${VAR:-default}; write $${ for a plain ${";
  }
  std::optional<std::string> value = environment.find(name);
  if (colon != std::string_view::npos && (!value || value->empty())) {
    out += inside.substr(colon + 2);
    return std::nullopt;
  }
  if (!value) return "the environment variable " + name + " is not set, and ${" + name + "} has no default";
  if (find_bad_character(*value)) return "the environment variable " + name + " is not plain UTF-8 text";
  out += *value;
  return std::nullopt;
}

}  // namespace

std::optional<std::string> Environment::find(const std::string& name) const {
  if (made_up_) {
    auto found = made_up_->find(name);
    if (found == made_up_->end()) return std::nullopt;
    return found->second;
  }
  const char* value = std::getenv(name.c_str());
  if (!value) return std::nullopt;
  return std::string(value);
}

std::optional<std::string> substitute(std::string& text, const Environment& environment) {
  std::string out;
  std::size_t at = 0;
  while (true) {
    std::size_t dollar = text.find("${", at);
    if (dollar == std::string::npos) break;
    if (dollar > at && text[dollar - 1] == '$') {  // $${
      out.append(text, at, dollar - 1 - at);
      out += "${";
      at = dollar + 2;
      continue;
    }
    std::size_t end = text.find('}', dollar);
    if (end == std::string::npos) return "found ${ without its }; write $${ for a plain ${";
    out.append(text, at, dollar - at);
    if (auto problem = append_variable(std::string_view(text).substr(dollar + 2, end - dollar - 2), environment, out))
      return problem;
    at = end + 1;
  }
  if (at == 0) return std::nullopt;
  out.append(text, at);
  text = std::move(out);
  return std::nullopt;
}

}  // namespace shellac::config
