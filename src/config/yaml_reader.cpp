// Events of yaml-cpp become a tree. The events are used because the library's own tree hides duplicate keys and
// forgets which scalars were quoted.
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <unordered_map>

#include "shellac/config/document.hpp"
#include "syntax_error.hpp"
#include "text_rules.hpp"

namespace shellac::config {

namespace {

// Our deepest key has seven levels. The bound keeps every recursion over the tree shallow.
constexpr std::size_t kDepthMax = 32;

// Thrown through yaml-cpp to stop it after a problem that makes the rest meaningless.
struct Stop {};

class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(int file, const Environment& environment, Problems& problems)
      : file_(file), environment_(environment), problems_(problems) {}

  Node root;
  bool refused() const { return refused_; }
  // The last scalar in quotes, or a block scalar.
  const std::optional<Place>& last_quoted() const { return last_quoted_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0) fail(mark, "a second document begins here, expected one document per file");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    Node node;
    node.place = place_of(mark);
    // The mark of an empty value is wherever the next token stands, perhaps lines below; the key is what to point at.
    if (!open_.empty() && open_.back().key_pending) node.place = open_.back().node->entries.back().place;
    add(std::move(node));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { fail(mark, std::string(kNoAliases)); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    Node node;
    node.kind = Node::Kind::scalar;
    node.quoted = tag == "!";
    node.place = place_of(mark);
    if (node.quoted) last_quoted_ = node.place;
    node.text = text;
    if (auto bad = find_bad_character(text)) report(mark, std::string("an escape makes ") + bad->what);
    add(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Kind::list);
  }
  void OnSequenceEnd() override { open_.pop_back(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Kind::map);
  }
  void OnMapEnd() override { open_.pop_back(); }
  void OnAnchor(const YAML::Mark& mark, const std::string&) override { refuse_anchor(mark, 1); }

 private:
  // Nodes on the way down from the root. A pointer stays valid while its parent gets no further child, and it gets
  // none before this one is closed.
  struct Open {
    Node* node;
    bool key_pending = false;  // the last entry waits for its value
  };

  Place place_of(const YAML::Mark& mark) const {
    return {file_, std::max(mark.line, 0) + 1, std::max(mark.column, 0) + 1};
  }
  void report(const YAML::Mark& mark, std::string text) {
    refused_ = true;
    problems_.add(place_of(mark), std::move(text));
  }
  [[noreturn]] void fail(const YAML::Mark& mark, std::string text) {
    report(mark, std::move(text));
    throw Stop{};
  }
  void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0) fail(mark, "anchors (&NAME) are not supported, expected the value itself");
  }
  void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!")
      fail(mark, "tags (!NAME) are not supported, expected a plain value; quote a text that begins with !");
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Node::Kind kind) {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    if (open_.size() == kDepthMax)
      fail(mark, "nested too deeply, expected at most " + std::to_string(kDepthMax) + " levels");
    Node node;
    node.kind = kind;
    node.place = place_of(mark);
    if (Node* added = add(std::move(node))) open_.push_back({added});
  }

  // Puts a node where it belongs. Null when it became a key.
  Node* add(Node node) {
    if (open_.empty()) {
      substitute_in(node);
      root = std::move(node);
      return &root;
    }
    Open& parent = open_.back();
    if (parent.node->kind == Node::Kind::list) {
      substitute_in(node);
      return &parent.node->items.emplace_back(std::move(node));
    }
    if (!parent.key_pending) {
      if (node.kind != Node::Kind::scalar) {
        problems_.add(node.place, "a list, a map or nothing stands where a key is expected");
        refused_ = true;
        throw Stop{};
      }
      parent.node->entries.push_back({std::move(node.text), node.place, {}});
      parent.key_pending = true;
      return nullptr;
    }
    parent.key_pending = false;
    substitute_in(node);
    Node& value = parent.node->entries.back().value;
    value = std::move(node);
    return &value;
  }

  void substitute_in(Node& node) {
    if (node.kind != Node::Kind::scalar) return;
    auto problem = substitute(node.text, environment_);
    if (!problem) return;
    problems_.add(node.place, *problem);
    node.broken = true;
  }

  int file_;
  const Environment& environment_;
  Problems& problems_;
  std::vector<Open> open_;
  std::optional<Place> last_quoted_;
  int documents_ = 0;
  bool refused_ = false;
};

Place place_of_offset(std::string_view text, std::size_t offset, int file) {
  std::string_view before = text.substr(0, offset);
  std::size_t line_start = before.rfind('\n');
  return {file, static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1,
          static_cast<int>(line_start == std::string_view::npos ? offset : offset - line_start - 1) + 1};
}

std::size_t offset_of(std::string_view text, Place place) {
  std::size_t offset = 0;
  for (int line = 1; line < place.line; ++line) {
    std::size_t end = text.find('\n', offset);
    if (end == std::string_view::npos) return text.size();
    offset = end + 1;
  }
  return std::min(text.size(), offset + static_cast<std::size_t>(place.column - 1));
}

// yaml-cpp takes a line end followed by the end of the file for a closing quote, so that one forgotten quote swallows
// the rest of the file silently. Only the last scalar can be such a one.
bool is_closed(std::string_view text, Place place) {
  std::size_t at = offset_of(text, place);
  if (at == text.size() || (text[at] != '"' && text[at] != '\'')) return true;  // a block scalar
  char quote = text[at++];
  for (; at < text.size(); ++at) {
    bool next_is_quote = at + 1 < text.size() && text[at + 1] == quote;
    if (quote == '"' && text[at] == '\\')
      ++at;
    else if (quote == '\'' && text[at] == quote && next_is_quote)
      ++at;
    else if (text[at] == quote)
      return true;
  }
  return false;
}

void check_map(const Node& map, const std::string& path, Problems& problems);

void check_below(const Node& node, const std::string& path, Problems& problems) {
  if (node.kind == Node::Kind::map) check_map(node, path, problems);
  for (const Node& item : node.items) check_below(item, path + "[]", problems);
}

void check_map(const Node& map, const std::string& path, Problems& problems) {
  std::unordered_map<std::string_view, Place> seen;
  for (const Entry& entry : map.entries) {
    std::string below = path.empty() ? entry.key : path + "." + entry.key;
    auto [first, is_new] = seen.emplace(entry.key, entry.place);
    if (!is_new)
      problems.add(entry.place, below + ": duplicate key, the first stands at " + problems.text_of(first->second));
    check_below(entry.value, below, problems);
  }
}

}  // namespace

const Entry* Node::find(std::string_view key) const {
  for (const Entry& entry : entries)
    if (entry.key == key) return &entry;
  return nullptr;
}

std::optional<Node> parse_document(std::string_view text, int file, const Environment& environment,
                                   Problems& problems) {
  if (auto bad = find_bad_character(text)) {
    problems.add(place_of_offset(text, bad->offset, file), std::string("found ") + bad->what + ", expected UTF-8 text");
    return std::nullopt;
  }
  // The byte order mark is allowed and counts for no column.
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  TreeBuilder builder(file, environment, problems);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Stop&) {
    return std::nullopt;
  } catch (const YAML::Exception& error) {
    Place place{file, std::max(error.mark.line, 0) + 1, std::max(error.mark.column, 0) + 1};
    problems.add(place, explain_syntax(error.msg, text, place));
    return std::nullopt;
  }
  if (builder.refused()) return std::nullopt;
  if (builder.last_quoted() && !is_closed(text, *builder.last_quoted())) {
    problems.add(*builder.last_quoted(), "not YAML: the quote that begins here is never closed");
    return std::nullopt;
  }
  if (builder.root.kind == Node::Kind::null) {
    builder.root.kind = Node::Kind::map;
    builder.root.place = {file, 1, 1};
  }
  if (builder.root.kind != Node::Kind::map) {
    problems.add(builder.root.place, "found no keys, expected KEY: VALUE lines");
    return std::nullopt;
  }
  return std::move(builder.root);
}

void check_duplicates(const Node& root, Problems& problems) { check_below(root, "", problems); }

}  // namespace shellac::config
