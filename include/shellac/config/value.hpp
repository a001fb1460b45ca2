// Typed reading of a node: every reader reports what it found and what it expected, and goes on.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shellac/config/node.hpp"
#include "shellac/core/units.hpp"

namespace shellac::config {

struct Member;

// A node, its dotted path for messages, and where problems go. Cheap enough to pass by value; refers to the tree and to
// the problems, which outlive it.
//
// read_* set `out` and return true when the key is written and right. When it is not written they return false; when it
// is wrong they report and return false; either way `out` keeps its default.
class Value {
 public:
  Value(const Node& root, Problems& problems) : node_(&root), place_(root.place), problems_(&problems) {}

  // Written at all? A key that is not there gives a Value that is false, and so are all values below it.
  explicit operator bool() const { return node_ != nullptr; }
  bool is_scalar() const { return node_ && node_->kind == Node::Kind::scalar; }
  bool is_map() const { return node_ && node_->kind == Node::Kind::map; }
  bool is_list() const { return node_ && node_->kind == Node::Kind::list; }
  bool is_empty_list() const { return is_list() && node_->items.empty(); }
  const std::string& path() const { return path_; }
  Place place() const { return place_; }
  Place key_place() const { return key_place_; }
  // The scalar's text; empty for everything else.
  std::string_view text() const { return is_scalar() ? std::string_view(node_->text) : std::string_view(); }

  Value operator[](std::string_view key) const;
  // True for a map; anything else that is written is reported.
  bool expect_map() const;
  // The items of a list, or one scalar as a list of one. Items that are written empty are reported and left out.
  std::vector<Value> list_or_one() const;
  // The items of a list of maps; anything else is reported and left out.
  std::vector<Value> list_of_maps() const;
  std::vector<Member> members() const;

  bool read(bool& out) const;
  bool read(std::string& out) const;                              // may be empty; see read_text
  bool read_text(std::string& out, std::string_view what) const;  // not empty
  bool read_number(std::uint32_t& out, std::uint32_t min, std::uint32_t max) const;
  bool read_percent(std::uint32_t& out) const;  // "20%", 0–100
  bool read_decimal(double& out, double min, double max) const;
  bool read(Duration& out, Duration min, Duration max = kLongest) const;
  bool read_positive(Duration& out) const;
  bool read(Bytes& out, Bytes min, Bytes max) const;
  // Absolute and lexically normal; a relative path is relative to the file in which it stands.
  bool read_path(std::string& out) const;
  bool read_texts(std::vector<std::string>& out) const;  // list or one string; none empty

  template <class Enum, std::size_t N>
  bool read_enum(Enum& out, const std::array<std::pair<std::string_view, Enum>, N>& words) const {
    std::array<std::string_view, N> names;
    for (std::size_t i = 0; i < N; ++i) names[i] = words[i].first;
    int index = find_word(names);
    if (index < 0) return false;
    out = words[static_cast<std::size_t>(index)].second;
    return true;
  }
  // The index of the scalar in `words`; -1, and reported if written, when it is none of them.
  int find_word(std::span<const std::string_view> words) const;

  // A path as a file of this value's file would mean it.
  std::string absolute(std::string_view path) const;

  // "PATH: text" at the value or at its key.
  void problem(std::string_view text) const;
  void key_problem(std::string_view text) const;
  // "PATH: found …, expected …"
  void expected(std::string_view what) const;
  void not_yet() const;
  Problems& problems() const { return *problems_; }

  static constexpr Duration kLongest = std::chrono::hours(24 * 3650);

 private:
  Value(Problems& problems, std::string path) : path_(std::move(path)), problems_(&problems) {}
  Value item(const Node& node) const;
  bool refuse_odd_number(std::string_view number) const;
  std::string found() const;

  const Node* node_ = nullptr;
  std::string path_;
  Place place_, key_place_;
  Problems* problems_;
};

// One entry of a map with free names.
struct Member {
  std::string key;
  Value value;
};

// Quoted, shortened, control characters escaped: a piece of the file in a message.
std::string shown_text(std::string_view text);

}  // namespace shellac::config
