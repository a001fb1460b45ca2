#include "shellac/config/key_table.hpp"

#include <algorithm>

#include "shellac/config/value.hpp"
#include "shellac/core/text.hpp"

namespace shellac::config {

namespace {

// "pools.*.backends[].name" → "pools.*.backends[]" and "name"; "pools.*" → "pools" and "*"; "a[]" → "a" and "[]".
std::pair<std::string_view, std::string_view> split_last(std::string_view name) {
  if (name.ends_with("[]")) return {name.substr(0, name.size() - 2), "[]"};
  std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return {"", name};
  return {name.substr(0, dot), name.substr(dot + 1)};
}

std::string join(std::string_view path, std::string_view word) {
  if (path.empty()) return std::string(word);
  return std::string(path) + (word == "[]" ? "" : ".") + std::string(word);
}

}  // namespace

KeyTable::KeyTable(std::span<const Key> keys) : keys_(keys) {
  for (const Key& key : keys) {
    known_[std::string(key.name)].key = &key;
    // Steps that have no line of their own ("pools.*", "listeners[]") are made on the way up.
    for (std::string_view name = key.name; !name.empty();) {
      auto [parent, word] = split_last(name);
      auto& children = known_[std::string(parent)].children;
      if (std::find(children.begin(), children.end(), word) == children.end()) children.push_back(word);
      name = parent;
    }
  }
}

std::string KeyTable::resolve(std::string pattern) const {
  auto found = known_.find(pattern);
  if (found != known_.end() && found->second.key && !found->second.key->same_as.empty())
    return std::string(found->second.key->same_as);
  return pattern;
}

void KeyTable::check(const Node& root, Problems& problems) const { check_node(root, {}, problems); }

void KeyTable::check_node(const Node& node, const Visit& visit, Problems& problems) const {
  auto found = known_.find(visit.pattern);
  if (found == known_.end()) return;
  if (node.kind == Node::Kind::list)
    for (const Node& item : node.items)
      check_node(item, {join(visit.pattern, "[]"), join(visit.path, "[]"), visit.inside_later}, problems);
  // A map without known keys is free (header names), or stands where no map belongs, which its reader tells.
  if (node.kind == Node::Kind::map && !found->second.children.empty())
    for (const Entry& entry : node.entries) check_entry(entry, found->second, visit, problems);
}

void KeyTable::check_entry(const Entry& entry, const Known& known, const Visit& visit, Problems& problems) const {
  const auto& children = known.children;
  if (children.front() == "[]") return;  // a map where a list belongs
  std::string path = join(visit.path, entry.key);
  std::string_view word = children.front() == "*" ? std::string_view("*") : std::string_view(entry.key);
  if (word != "*" && std::find(children.begin(), children.end(), word) == children.end()) {
    std::string_view near = find_nearest(word, children);
    std::string text = path + ": unknown key, ";
    if (!near.empty()) {
      text += "did you mean \"" + std::string(near) + "\"?";
    } else {
      text += "expected ";
      for (std::size_t i = 0; i < children.size(); ++i) text += (i ? ", " : "") + std::string(children[i]);
    }
    problems.add(entry.place, std::move(text));
    return;
  }
  Visit below{join(visit.pattern, word), path, visit.inside_later};
  auto found = known_.find(below.pattern);
  if (found != known_.end() && found->second.key && found->second.key->state == Key::State::later &&
      !visit.inside_later) {
    problems.add(entry.place, path + ": " + std::string(kNotYet));
    below.inside_later = true;
  }
  below.pattern = resolve(std::move(below.pattern));
  check_node(entry.value, below, problems);
}

std::vector<std::string> KeyTable::names() const {
  std::vector<std::string> names;
  for (const Key& key : keys_) names.emplace_back(key.name);
  return names;
}

std::string_view find_nearest(std::string_view word, std::span<const std::string_view> known) {
  if (word.empty() || word.size() > 64) return {};
  std::string lower = lowercase(word);
  std::replace(lower.begin(), lower.end(), '-', '_');
  std::string_view best;
  // A third of the word may be wrong, but one letter of a short one always.
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (std::string_view candidate : known) {
    std::size_t distance = std::min(edit_distance(lower, candidate), edit_distance(word, candidate));
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  if (!best.empty() || lower.size() < 3) return best;
  // Cut short or too long: "listen" for "listeners".
  constexpr std::size_t kTailMax = 8;
  for (std::string_view candidate : known) {
    auto [part, whole] = lower.size() < candidate.size() ? std::pair(std::string_view(lower), candidate)
                                                         : std::pair(candidate, std::string_view(lower));
    if (part.size() >= 3 && whole.size() - part.size() <= kTailMax && whole.starts_with(part)) return candidate;
  }
  return {};
}

}  // namespace shellac::config
