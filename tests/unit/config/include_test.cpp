#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "shellac/config/document.hpp"
#include "shellac/config/value.hpp"
#include "support/temp_dir.hpp"

namespace shellac::config {
namespace {

class Include : public ::testing::Test {
 protected:
  // Loads main.yaml; afterwards root_ and problems_ tell. Problems show paths relative to the directory.
  void load() {
    static constexpr auto kWhole = std::to_array<std::string_view>({"pools"});
    Problems problems;
    Environment environment(&none_);
    root_ = load_document(dir_.path("main.yaml"), environment, {kWhole}, problems);
    for (const Problem& problem : problems.take()) {
      std::string text = to_string(problem);
      for (std::size_t at; (at = text.find(dir_.path() + "/")) != std::string::npos;)
        text.erase(at, dir_.path().size() + 1);
      problems_.push_back(text);
    }
  }
  std::string texts_of(std::string_view key) {
    std::string out;
    if (!root_ || !root_->find(key)) return "none";
    for (const Node& item : root_->find(key)->value.items) out += item.text + " ";
    return out;
  }

  const std::map<std::string, std::string> none_;
  test::TempDir dir_;
  std::optional<Node> root_;
  std::vector<std::string> problems_;
};

using Texts = std::vector<std::string>;

TEST_F(Include, ListsAndMapsAreJoinedInTheOrderOfNames) {
  dir_.write("main.yaml", "include: [ \"conf.d/*.yaml\" ]\nroutes: [ main ]\nlog: { level: info }\npools: { m: {} }\n");
  dir_.write("conf.d/b.yaml", "routes: [ b ]\nworkers: 4\n");
  dir_.write("conf.d/a.yaml", "routes: [ a1, a2 ]\nlog: { access: { file: x } }\npools: { a: {} }\n");
  dir_.write("conf.d/.hidden.yaml", "routes: [ hidden ]\n");
  dir_.write("conf.d/readme.txt", "not: read\n");
  load();
  EXPECT_EQ(problems_, Texts());
  EXPECT_EQ(texts_of("routes"), "main a1 a2 b ");
  EXPECT_EQ(root_->find("workers")->value.text, "4");
  EXPECT_EQ(root_->find("log")->value.entries.size(), 2u);
  EXPECT_EQ(root_->find("pools")->value.entries.size(), 2u);
}

TEST_F(Include, NoMatchIsFineButAMissingFileIsNot) {
  dir_.write("main.yaml", "include:\n  - none/*.yaml\n  - there.yaml\n");
  load();
  EXPECT_EQ(problems_, Texts{"main.yaml:3:5: include: found \"there.yaml\", expected a file that can be read (No such "
                             "file or directory)"});
}

TEST_F(Include, OneStringWillDo) {
  dir_.write("main.yaml", "include: other.yaml\n");
  dir_.write("other.yaml", "routes: [ x ]\n");
  load();
  EXPECT_EQ(problems_, Texts());
  EXPECT_EQ(texts_of("routes"), "x ");
}

TEST_F(Include, ScalarsAndPoolsStandOnce) {
  dir_.write("main.yaml", "include: [ a.yaml, b.yaml ]\nworkers: 1\npools:\n  web: { x: 1 }\n");
  dir_.write("a.yaml", "zone: z\nworkers: 1\n");
  dir_.write("b.yaml", "pools:\n  web: { y: 1 }\nzone: z\n");
  load();
  EXPECT_EQ(problems_, (Texts{"a.yaml:2:1: workers: duplicate key, the first stands at main.yaml:2:1",
                              "b.yaml:2:3: pools.web: duplicate key, the first stands at main.yaml:4:3",
                              "b.yaml:3:1: zone: duplicate key, the first stands at a.yaml:1:1"}));
}

TEST_F(Include, KindsThatDifferAreDuplicates) {
  dir_.write("main.yaml", "include: a.yaml\ntrusted: [ x ]\n");
  dir_.write("a.yaml", "trusted: y\n");
  load();
  EXPECT_EQ(problems_, Texts{"a.yaml:1:1: trusted: duplicate key, the first stands at main.yaml:2:1"});
}

TEST_F(Include, PathsAreRelativeToTheirFile) {
  dir_.write("main.yaml", "include: sub/a.yaml\n");
  dir_.write("sub/a.yaml", "include: deeper/*.yaml\nroutes: [ r ]\n");
  dir_.write("sub/deeper/b.yaml", "page: ../error.html\n");
  load();
  ASSERT_EQ(problems_, Texts());
  ASSERT_TRUE(root_->find("page"));
  EXPECT_EQ(root_->find("page")->value.text, "../error.html");
  EXPECT_EQ(root_->find("page")->value.place.file, 2);
}

TEST_F(Include, Cycles) {
  dir_.write("main.yaml", "include: a.yaml\n");
  dir_.write("a.yaml", "include: [ main.yaml, a.yaml ]\n");
  load();
  EXPECT_EQ(
      problems_,
      (Texts{
          "a.yaml:1:12: include[]: found \"main.yaml\", which is being read already (a cycle), expected another file",
          "a.yaml:1:23: include[]: found \"a.yaml\", which is being read already (a cycle), expected another file"}));
}

TEST_F(Include, TheSameFileTwice) {
  dir_.write("main.yaml", "include: [ \"*.inc\", \"a*\" ]\n");
  dir_.write("a.inc", "routes: [ a ]\n");
  load();
  EXPECT_EQ(problems_, Texts());
  EXPECT_EQ(texts_of("routes"), "a ");
  dir_.write("main.yaml", "include: [ a.inc, a.inc ]\n");
  load();
  EXPECT_EQ(problems_, Texts{"main.yaml:1:19: include[]: found \"a.inc\", a duplicate: that file is included already"});
}

TEST_F(Include, DepthIsBounded) {
  for (int i = 0; i < 12; ++i)
    dir_.write(i == 0 ? "main.yaml" : std::to_string(i) + ".yaml", "include: " + std::to_string(i + 1) + ".yaml\n");
  load();
  ASSERT_EQ(problems_.size(), 1u);
  EXPECT_EQ(problems_[0], "8.yaml:1:10: include: nested too deeply, expected at most 8 files that include each other");
}

TEST_F(Include, EveryFileIsTold) {
  dir_.write("main.yaml", "include: [ a.yaml, b.yaml ]\nx: 1\nx: 2\n");
  dir_.write("a.yaml", "a: [\n");
  dir_.write("b.yaml", "b: *x\n");
  load();
  EXPECT_FALSE(root_);
  ASSERT_EQ(problems_.size(), 3u);
  EXPECT_TRUE(problems_[0].starts_with("main.yaml:3:1: x: duplicate key"));
  EXPECT_TRUE(problems_[1].starts_with("a.yaml:"));
  EXPECT_TRUE(problems_[2].starts_with("b.yaml:1:4: not YAML: aliases"));
}

TEST_F(Include, FirstFileCannotBeRead) {
  load();
  EXPECT_EQ(problems_, Texts{"main.yaml:0:0: cannot be read (No such file or directory)"});
  problems_.clear();
  std::filesystem::create_directories(dir_.path("main.yaml"));
  load();
  EXPECT_EQ(problems_, Texts{"main.yaml:0:0: cannot be read (is a directory)"});
}

TEST_F(Include, SizeIsBounded) {
  dir_.write("main.yaml", "#" + std::string(16 * 1024 * 1024, 'x'));
  load();
  EXPECT_EQ(problems_, Texts{"main.yaml:0:0: cannot be read (is larger than 16MiB)"});
}

}  // namespace

}  // namespace shellac::config
