// Prometheus' text format read back, as strictly as the format says, for the tests of this area.
#pragma once

#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>

namespace shellac::metrics {

// The samples of one exposition by `name{label="value",…}`, label values as they stand in the text. Throws
// std::invalid_argument where the text breaks the format: https://prometheus.io/docs/instrumenting/exposition_formats/
class Scrape {
 public:
  explicit Scrape(std::string_view text) {
    if (!text.empty() && text.back() != '\n') fail("the last line does not end", text);
    while (!text.empty()) {
      const auto line = text.substr(0, text.find('\n'));
      text.remove_prefix(line.size() + 1);
      if (line.starts_with('#'))
        read_comment(line);
      else
        read_sample(line);
    }
  }

  std::optional<double> find(const std::string& series) const {
    const auto found = samples_.find(series);
    return found == samples_.end() ? std::nullopt : std::optional(found->second);
  }
  std::size_t size() const { return samples_.size(); }
  std::string help(const std::string& name) const { return help_.at(name); }
  std::string type(const std::string& name) const { return types_.at(name); }
  bool has_family(const std::string& name) const { return types_.contains(name); }

 private:
  [[noreturn]] static void fail(const char* what, std::string_view where) {
    throw std::invalid_argument(std::string(what) + ": " + std::string(where));
  }

  void read_comment(std::string_view line) {
    const bool is_help = line.starts_with("# HELP ");
    if (!is_help && !line.starts_with("# TYPE ")) fail("neither HELP nor TYPE", line);
    const auto rest = line.substr(7);
    const std::string name(rest.substr(0, rest.find(' ')));
    const std::string text(rest.substr(std::min(rest.size(), name.size() + 1)));
    if (!(is_help ? help_ : types_).emplace(name, text).second) fail("given twice", line);
    if (is_help) check_escapes(text, "\\n");
  }

  void read_sample(std::string_view line) {
    const std::size_t name_end = line.find_first_of("{ ");
    if (name_end == 0 || name_end == std::string_view::npos) fail("no name", line);
    std::size_t end = name_end;
    if (line[end] == '{') end = labels_end(line, end);
    if (end >= line.size() || line[end] != ' ') fail("no value", line);
    const auto number = line.substr(end + 1);
    double value = 0;
    const auto parsed = std::from_chars(number.data() + number.starts_with('+'), number.data() + number.size(), value);
    if (parsed.ec != std::errc{} || parsed.ptr != number.data() + number.size()) fail("not a number", line);
    if (!samples_.emplace(line.substr(0, end), value).second) fail("a series twice", line);
  }

  // The position behind the closing brace.
  static std::size_t labels_end(std::string_view line, std::size_t open) {
    std::set<std::string_view> names;
    std::size_t at = open + 1;
    while (at < line.size() && line[at] != '}') {
      const std::size_t equals = line.find("=\"", at);
      if (equals == std::string_view::npos || equals == at) fail("no label name", line);
      if (!names.insert(line.substr(at, equals - at)).second) fail("a label twice", line);
      const std::size_t value = equals + 2;
      std::size_t quote = value;
      while (quote < line.size() && line[quote] != '"') quote += line[quote] == '\\' ? 2 : 1;
      if (quote >= line.size()) fail("a label value does not end", line);
      check_escapes(line.substr(value, quote - value), "\\n\"");
      at = quote + 1;
      if (at < line.size() && line[at] == ',') ++at;
    }
    if (at >= line.size()) fail("labels do not end", line);
    return at + 1;
  }

  static void check_escapes(std::string_view text, std::string_view allowed) {
    for (std::size_t i = 0; i < text.size(); ++i)
      if (text[i] == '\\' && (++i == text.size() || allowed.find(text[i]) == std::string_view::npos))
        fail("an unknown escape", text);
  }

  std::map<std::string, double, std::less<>> samples_;
  std::map<std::string, std::string> help_, types_;
};

}  // namespace shellac::metrics
