// Configuration files: whatever the octets, a tree or a problem, each with a place that is in the file; and each reader
// of typed values gives a value inside of its bounds or a problem.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "shellac/config/document.hpp"
#include "shellac/config/value.hpp"

namespace {

using namespace shellac;
using namespace shellac::config;

void require(bool condition) {
  if (!condition) std::abort();
}

struct File {
  int lines = 0;
  std::size_t size = 0;
  std::size_t nodes = 0;

  void require_inside(int line, int column) const {
    // yaml-cpp counts on behind the end of an escape that it could not finish, at most the eight digits of \U.
    require(line >= 0 && line <= lines + 1 && column >= 0 && static_cast<std::size_t>(column) <= size + 10);
  }
  void walk(const Node& node) {
    ++nodes;
    require_inside(node.place.line, node.place.column);
    require(node.kind == Node::Kind::map || node.entries.empty());
    require(node.kind == Node::Kind::list || node.items.empty());
    require(node.kind == Node::Kind::scalar || node.text.empty());
    for (const Node& item : node.items) walk(item);
    for (const Entry& entry : node.entries) {
      require_inside(entry.place.line, entry.place.column);
      require(node.find(entry.key) != nullptr);
      walk(entry.value);
    }
  }
};

// A reader that refuses leaves the default and reports; one that takes stays inside its bounds.
void read_everything(const Value& value) {
  std::uint32_t number = 7;
  require(value.read_number(number, 3, 9) ? number >= 3 && number <= 9 : number == 7);
  std::uint32_t percent = 7;
  require(value.read_percent(percent) ? percent <= 100 : percent == 7);
  double decimal = 1.5;
  require(value.read_decimal(decimal, 1, 2) ? decimal >= 1 && decimal <= 2 : decimal == 1.5);
  Duration duration = std::chrono::seconds(7);
  if (value.read(duration, std::chrono::seconds(1), std::chrono::hours(1)))
    require(duration >= std::chrono::seconds(1) && duration <= std::chrono::hours(1));
  else
    require(duration == std::chrono::seconds(7));
  Bytes bytes{7};
  require(value.read(bytes, Bytes{3}, Bytes{1 << 20}) ? bytes >= Bytes{3} && bytes <= Bytes{1 << 20}
                                                      : bytes == Bytes{7});
  bool flag = false;
  value.read(flag);
  std::string text;
  value.read(text);
  value.read_text(text, "a text");
  value.read_path(text);
  std::vector<std::string> texts;
  value.read_texts(texts);
  for (const std::string& one : texts) require(!one.empty());
  for (const Value& item : value.list_or_one())
    require(!item.path().empty() || item.is_scalar() || item.is_map() || item.is_list());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::map<std::string, std::string> kVariables = {{"A", "1"}, {"EVIL", "x\ny: [1]"}, {"EMPTY", ""}};
  if (size > 16384) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Environment environment(&kVariables);
  Problems problems;
  const int number = problems.add_file("f", "/");
  const auto root = parse_document(text, number, environment, problems);
  // YAML's line ends are LF, CRLF and CR.
  File file{
      .lines = static_cast<int>(std::count_if(text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; })),
      .size = size};
  require(root.has_value() || !problems.empty());
  if (root) {
    require(root->kind == Node::Kind::map);
    file.walk(*root);
    require(file.nodes <= 2 * size + 1);  // nothing in a file stands for more than itself
    check_duplicates(*root, problems);
    const Value value(*root, problems);
    for (const Member& member : value.members()) read_everything(member.value);
  }
  for (const Problem& problem : problems.take()) {
    require(!problem.text.empty() && to_string(problem).find('\n') == std::string::npos);
    file.require_inside(problem.line, problem.column);
  }
  std::string substituted(text);
  if (substitute(substituted, environment)) require(substituted == text);
  return 0;
}
