// Reads a file and those that it includes, and joins them to one tree.
#include <glob.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <set>
#include <utility>

#include "shellac/config/document.hpp"
#include "shellac/config/file_text.hpp"
#include "shellac/config/value.hpp"
#include "shellac/core/limits.hpp"

namespace shellac::config {

namespace {

namespace fs = std::filesystem;

// The identity of a file whatever the way to it: symbolic links resolved where possible.
std::string identity_of(const std::string& path) {
  std::error_code error;
  fs::path canonical = fs::canonical(path, error);
  return error ? path : canonical.string();
}

std::string absolute_path(const std::string& path) {
  std::error_code error;
  fs::path absolute = fs::absolute(path, error);
  return (error ? fs::path(path) : absolute).lexically_normal().string();
}

bool is_glob(std::string_view pattern) { return pattern.find_first_of("*?[") != std::string_view::npos; }

// Sorted by bytes, whatever the locale. No match is no error.
std::vector<std::string> expand_glob(const std::string& pattern) {
  glob_t found{};
  std::vector<std::string> paths;
  if (::glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found) == 0)
    for (std::size_t i = 0; i < found.gl_pathc; ++i) paths.emplace_back(found.gl_pathv[i]);
  ::globfree(&found);
  std::sort(paths.begin(), paths.end());
  return paths;
}

class Loader {
 public:
  Loader(const Environment& environment, const LoadRules& rules, Problems& problems)
      : environment_(environment), rules_(rules), problems_(problems) {}

  // `wanted_at` is where an `include` names the file; null for the first file.
  std::optional<Node> load(const std::string& path, const std::string& shown, const Place* wanted_at) {
    FileText file = read_file(path, limits::kConfigFileMax);
    if (!file.error.empty() && wanted_at) {
      problems_.add(*wanted_at,
                    "include: found " + shown_text(shown) + ", expected a file that can be read (" + file.error + ")");
      return std::nullopt;
    }
    int number = problems_.add_file(shown, fs::path(path).parent_path().string());
    if (!file.error.empty()) {
      problems_.add({number, 0, 0}, "cannot be read (" + file.error + ")");
      return std::nullopt;
    }
    std::string identity = identity_of(path);
    loaded_.insert(identity);
    std::optional<Node> root = parse_document(file.text, number, environment_, problems_);
    if (!root) {
      failed_ = true;
      return std::nullopt;
    }
    stack_.push_back(identity);
    join_includes(*root, shown);
    stack_.pop_back();
    return root;
  }

  // True when some file was no YAML: what the others lack may stand there.
  bool failed() const { return failed_; }

 private:
  void join_includes(Node& root, const std::string& shown) {
    const Entry* include = root.find("include");
    if (!include) return;
    std::vector<std::pair<Node, std::string>> included;  // the tree and the file it came from
    for (const Value& pattern : Value(root, problems_)["include"].list_or_one()) {
      std::string text;
      if (!pattern.read_text(text, "a path")) continue;
      std::string absolute = pattern.absolute(text);
      bool glob = is_glob(text);
      for (const std::string& path : glob ? expand_glob(absolute) : std::vector{absolute})
        if (auto node = load_included(path, shown_path(path, text, shown), pattern, glob))
          included.emplace_back(std::move(*node), path);
    }
    for (auto& [node, path] : included) {
      std::erase_if(node.entries, [](const Entry& entry) { return entry.key == "include"; });
      join_maps(root, std::move(node), "");
    }
  }

  std::optional<Node> load_included(const std::string& path, const std::string& shown, const Value& pattern,
                                    bool by_glob) {
    std::string identity = identity_of(path);
    if (std::find(stack_.begin(), stack_.end(), identity) != stack_.end()) {
      pattern.problem("found " + shown_text(shown) + ", which is being read already (a cycle), expected another file");
      return std::nullopt;
    }
    if (stack_.size() > static_cast<std::size_t>(limits::kIncludeDepth)) {
      pattern.problem("nested too deeply, expected at most " + std::to_string(limits::kIncludeDepth) +
                      " files that include each other");
      return std::nullopt;
    }
    if (loaded_.contains(identity)) {
      // Two globs may overlap; a file named outright a second time is a mistake.
      if (!by_glob) pattern.problem("found " + shown_text(shown) + ", a duplicate: that file is included already");
      return std::nullopt;
    }
    Place place = pattern.place();
    return load(path, shown, &place);
  }

  // Included files are shown as the including file would name them, so that the message's path works from where
  // the command was called.
  static std::string shown_path(const std::string& path, const std::string& pattern, const std::string& including) {
    if (fs::path(pattern).is_absolute()) return path;
    fs::path directory = fs::path(including).parent_path();
    std::error_code error;
    fs::path base = fs::absolute(directory.empty() ? fs::path(".") : directory, error).lexically_normal();
    fs::path relative = fs::path(path).lexically_relative(base.has_filename() ? base : base.parent_path());
    return relative.empty() ? path : (directory / relative).string();
  }

  bool is_whole(const std::string& path) const {
    return std::find(rules_.whole_entries.begin(), rules_.whole_entries.end(), path) != rules_.whole_entries.end();
  }

  // What cannot be joined is appended: it then stands twice, and check_duplicates tells.
  void join_maps(Node& into, Node from, const std::string& path) {
    for (Entry& entry : from.entries) {
      auto present = is_whole(path) ? into.entries.end()
                                    : std::find_if(into.entries.begin(), into.entries.end(),
                                                   [&](const Entry& other) { return other.key == entry.key; });
      std::string below = path.empty() ? entry.key : path + "." + entry.key;
      if (present == into.entries.end() || present->value.kind != entry.value.kind) {
        into.entries.push_back(std::move(entry));
      } else if (entry.value.kind == Node::Kind::map) {
        join_maps(present->value, std::move(entry.value), below);
      } else if (entry.value.kind == Node::Kind::list) {
        std::move(entry.value.items.begin(), entry.value.items.end(), std::back_inserter(present->value.items));
      } else {
        into.entries.push_back(std::move(entry));
      }
    }
  }

  const Environment& environment_;
  const LoadRules& rules_;
  Problems& problems_;
  std::vector<std::string> stack_;
  std::set<std::string> loaded_;
  bool failed_ = false;
};

}  // namespace

std::optional<Node> load_document(const std::string& file, const Environment& environment, const LoadRules& rules,
                                  Problems& problems) {
  Loader loader(environment, rules, problems);
  std::optional<Node> root = loader.load(absolute_path(file), file, nullptr);
  if (root) check_duplicates(*root, problems);
  if (loader.failed()) return std::nullopt;
  return root;
}

}  // namespace shellac::config
