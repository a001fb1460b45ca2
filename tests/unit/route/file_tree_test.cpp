#include "shellac/route/file_tree.hpp"

#include <gtest/gtest.h>

namespace shellac::route {
namespace {

TEST(RelativeFile, Names) {
  struct Row {
    std::string_view path;
    std::size_t literal_prefix;
    const char* file;  // null: not served
  };
  for (const Row& row : std::initializer_list<Row>{
           {"/", 0, "index.html"},
           {"/", 1, "index.html"},
           {"/robots.txt", 0, "robots.txt"},
           {"/robots.txt", 11, "robots.txt"},  // the pattern was the path itself
           {"/files/a.txt", 7, "a.txt"},
           {"/files/a/b.txt", 7, "a/b.txt"},
           {"/files/", 7, "index.html"},
           {"/files/a/", 7, "a/index.html"},
           {"/files", 6, "files"},
           {"/images/x.jpg", 3, "images/x.jpg"},  // "/im*": names stay whole
           {"/.well-known/acme-challenge/tok_en-1", 28, "tok_en-1"},
           {"/.well-known/acme-challenge/tok_en-1", 0, ".well-known/acme-challenge/tok_en-1"},
           {"/a%20b", 0, "a b"},
           {"/caf%C3%A9", 0, "caf\xc3\xa9"},
           {"/a..b/c.", 0, "a..b/c."},
           {"/a", 99, "a"},
           {"*", 0, nullptr},
           {"", 0, nullptr},
           {"a", 0, nullptr},
           {"//a", 0, nullptr},
           {"/a//b", 0, nullptr},
           {"/..", 0, nullptr},
           {"/../x", 0, nullptr},
           {"/a/../x", 0, nullptr},
           {"/a/..", 0, nullptr},
           {"/files/../x", 7, nullptr},
           {"/files../x", 6, "files../x"},
           {"/.", 0, nullptr},
           {"/%2e%2e/x", 0, nullptr},
           {"/%2E./x", 0, nullptr},
           {"/a%2f..%2fx", 0, nullptr},
           {"/%2fetc/passwd", 0, nullptr},
           {"/a%00.txt", 0, nullptr},
           {"/a%zz", 0, nullptr},
           {"/a%2", 0, nullptr},
           {"/.git/config", 0, nullptr},
           {"/a/.htaccess", 0, nullptr},
           {"/%2egit/config", 0, nullptr},
           {"/.well-known2/x", 0, nullptr},
           {"/.well-knowN/x", 0, nullptr},
       }) {
    const auto file = relative_file(row.path, row.literal_prefix);
    EXPECT_EQ(file, row.file ? std::optional<std::string>(row.file) : std::nullopt) << row.path;
  }
  const std::string_view nul("/a\0b", 4);
  EXPECT_EQ(relative_file(nul, 0), std::nullopt);
}

TEST(MediaType, ByEnding) {
  EXPECT_EQ(media_type("a/b.HTML"), "text/html; charset=utf-8");
  EXPECT_EQ(media_type("robots.txt"), "text/plain; charset=utf-8");
  EXPECT_EQ(media_type("a.tar.json"), "application/json");
  EXPECT_EQ(media_type("token"), "application/octet-stream");
  EXPECT_EQ(media_type("a.html/b"), "application/octet-stream");
  EXPECT_EQ(media_type("x.unknown"), "application/octet-stream");
}

}  // namespace
}  // namespace shellac::route
