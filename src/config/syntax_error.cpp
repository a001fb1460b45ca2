#include "syntax_error.hpp"

#include <array>
#include <utility>

namespace shellac::config {

namespace {

struct Words {
  std::string_view message;  // how the library's message begins
  std::string_view text;
};

constexpr std::array kWords = {
    Words{"illegal map value", "\":\" is not expected here; check the indentation, or quote the value"},
    Words{"illegal map key", "a key is not expected here; check the indentation"},
    Words{"illegal block entry", "a list item (\"- \") is not expected here; it goes on its own line"},
    Words{"illegal flow end", "\"]\" or \"}\" closes nothing"},
    Words{"end of map flow not found", "expected \",\" or \"}\" in a map that began with \"{\""},
    Words{"end of sequence flow not found", "expected \",\" or \"]\" in a list that began with \"[\""},
    Words{"end of map not found", "expected another key of this map; check the indentation"},
    Words{"end of sequence not found", "expected another \"- \" item of this list; check the indentation"},
    Words{"illegal tab", "a tab stands in the indentation, expected spaces"},
    Words{"unknown token", "no value begins with this character, expected quotes around it"},
    Words{"the referenced anchor is not defined", kNoAliases},
    Words{"alias not found", kNoAliases},
    Words{"illegal EOF in scalar", "the file ends inside quotes"},
    Words{"illegal document indicator", "\"---\" or \"...\" stands inside quotes"},
    Words{"bad file", "nested too deeply"},
};

std::string_view line_of(std::string_view text, int line) {
  for (int i = 1; i < line; ++i) {
    std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

}  // namespace

std::string explain_syntax(std::string_view message, std::string_view text, Place place) {
  std::string_view line = line_of(text, place.line);
  std::string_view indentation = line.substr(0, line.find_first_not_of(" \t"));
  if (indentation.find('\t') != std::string_view::npos)
    return "not YAML: a tab stands in the indentation, expected spaces";
  auto column = static_cast<std::size_t>(place.column - 1);
  if (message.find("flow not found") != std::string_view::npos && column > 0 && line.substr(column - 1, 2) == "${")
    return "not YAML: inside [ ] and { } a value with ${…} needs quotes";
  for (const Words& words : kWords)
    if (message.starts_with(words.message)) return "not YAML: " + std::string(words.text);
  return "not YAML: " + std::string(message);
}

}  // namespace shellac::config
