#include "shellac/route/path.hpp"

#include <gtest/gtest.h>

#include <string>

namespace shellac::route {
namespace {

using std::string_literals::operator""s;

constexpr const char* kRefused = nullptr;

struct Row {
  std::string raw;
  const char* full;  // null: refused
  const char* safe;
};

const Row kRows[] = {
    // Nothing to do.
    {"/", "/", "/"},
    {"/a/b", "/a/b", "/a/b"},
    {"/a/b/", "/a/b/", "/a/b/"},
    {"*", "*", "*"},
    {"/a;v=1/b,c", "/a;v=1/b,c", "/a;v=1/b,c"},
    {"/...", "/...", "/..."},
    {"/.well-known/x", "/.well-known/x", "/.well-known/x"},
    {"/a.", "/a.", "/a."},
    {"/..a/.b/a..", "/..a/.b/a..", "/..a/.b/a.."},
    // RFC 3986 §5.2.4 and §5.4, as far as they concern a path that begins with '/'.
    {"/a/b/c/./../../g", "/a/g", "/a/b/c/./../../g"},
    {"/b/c/.", "/b/c/", "/b/c/."},
    {"/b/c/./", "/b/c/", "/b/c/./"},
    {"/b/c/..", "/b/", "/b/c/.."},
    {"/b/c/../", "/b/", "/b/c/../"},
    {"/b/c/../g", "/b/g", "/b/c/../g"},
    {"/b/c/../..", "/", "/b/c/../.."},
    {"/b/c/../../", "/", "/b/c/../../"},
    {"/b/c/../../g", "/g", "/b/c/../../g"},
    {"/b/c/g.", "/b/c/g.", "/b/c/g."},
    {"/b/c/.g", "/b/c/.g", "/b/c/.g"},
    {"/b/c/./../g", "/b/g", "/b/c/./../g"},
    {"/b/c/g/./h", "/b/c/g/h", "/b/c/g/./h"},
    {"/b/c/g;x=1/../y", "/b/c/y", "/b/c/g;x=1/../y"},
    // Climbing above the root is refused, where RFC 3986 would stay at the root.
    {"/..", kRefused, "/.."},
    {"/../", kRefused, "/../"},
    {"/../g", kRefused, "/../g"},
    {"/b/c/../../../g", kRefused, "/b/c/../../../g"},
    {"/i/../../secret", kRefused, "/i/../../secret"},
    {"/./..", kRefused, "/./.."},
    {"//..", kRefused, "//.."},
    {"/a//../..", kRefused, "/a//../.."},
    {"/%2e%2e/etc/passwd", kRefused, "/../etc/passwd"},
    {"/a/%2E%2e/%2e%2E/x", kRefused, "/a/../../x"},
    // Slashes.
    {"//", "/", "//"},
    {"//a", "/a", "//a"},
    {"/a//b///c//", "/a/b/c/", "/a//b///c//"},
    {"/a//../b", "/b", "/a//../b"},
    {"/a/.//b", "/a/b", "/a/.//b"},
    {"/a/b//", "/a/b/", "/a/b//"},
    // Dots in disguise.
    {"/a/%2e%2e/b", "/b", "/a/../b"},
    {"/a/%2E./b", "/b", "/a/../b"},
    {"/a/.%2e/b", "/b", "/a/../b"},
    {"/a/%2e/b", "/a/b", "/a/./b"},
    {"/a/%2e", "/a/", "/a/."},
    {"/a/b/%2e%2e", "/a/", "/a/b/.."},
    {"/i/..;/x", "/i/..;/x", "/i/..;/x"},
    {"/i/..;a=b/x", "/i/..;a=b/x", "/i/..;a=b/x"},
    {"/i/..%2fx", "/i/..%2Fx", "/i/..%2Fx"},
    {"/i/..%2f..%2fx", "/i/..%2F..%2Fx", "/i/..%2F..%2Fx"},
    {"/i/%2f../x", "/i/%2F../x", "/i/%2F../x"},
    {"/i/..%5cx", "/i/..%5Cx", "/i/..%5Cx"},
    {"/i/..\\..\\x", "/i/..\\..\\x", "/i/..\\..\\x"},
    {"/i/%252e%252e/x", "/i/%252e%252e/x", "/i/%252e%252e/x"},
    {"/i/%c0%ae%c0%ae/x", "/i/%C0%AE%C0%AE/x", "/i/%C0%AE%C0%AE/x"},  // overlong '.': two octets and no dot
    {"/i/..%c0%af../x", "/i/..%C0%AF../x", "/i/..%C0%AF../x"},
    {"/i/%e2%80%ae/x", "/i/%E2%80%AE/x", "/i/%E2%80%AE/x"},
    {"/i/..%3b/x", "/i/..%3B/x", "/i/..%3B/x"},
    {"/i/..%09/x", "/i/..%09/x", "/i/..%09/x"},
    // Escapes.
    {"/%7euser", "/~user", "/~user"},
    {"/%41%5a%61%7A%30%39%2d%5f", "/AZaz09-_", "/AZaz09-_"},
    {"/%3a%2B%2c", "/%3A%2B%2C", "/%3A%2B%2C"},
    {"/%2F", "/%2F", "/%2F"},
    {"/caf%c3%a9", "/caf%C3%A9", "/caf%C3%A9"},
    {"/caf\xc3\xa9", "/caf%C3%A9", "/caf%C3%A9"},
    {"/a b", "/a%20b", "/a%20b"},
    {"/a\x7f", "/a%7F", "/a%7F"},
    {"/%25", "/%25", "/%25"},
    {"/%2525", "/%2525", "/%2525"},
    {"/%25%32%65", "/%252e", "/%252e"},
    {"/%3f%23", "/%3F%23", "/%3F%23"},
    // Refused in both.
    {"/%", kRefused, kRefused},
    {"/%4", kRefused, kRefused},
    {"/a%zz", kRefused, kRefused},
    {"/a%4z", kRefused, kRefused},
    {"/%%41", kRefused, kRefused},
    {"/%u002e", kRefused, kRefused},
    {"/a%00", kRefused, kRefused},
    {"/a%00.jpg", kRefused, kRefused},
    {"/a\0b"s, kRefused, kRefused},
    {"", kRefused, kRefused},
    {"a/b", kRefused, kRefused},
    {"..", kRefused, kRefused},
    {"**", kRefused, kRefused},
};

void expect_form(const Row& row, NormalizePath mode, const char* expected) {
  Arena arena;
  const auto got = normalize(row.raw, mode, arena);
  ASSERT_EQ(got.has_value(), expected != kRefused);
  if (!got) return;
  EXPECT_EQ(*got, expected);
  EXPECT_EQ(normalize(*got, mode, arena), *got) << "not idempotent";
  EXPECT_EQ(*got == row.raw, got->data() == row.raw.data()) << "copied for nothing";
}

TEST(Path, FullAndSafe) {
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.raw);
    expect_form(row, NormalizePath::full, row.full);
    expect_form(row, NormalizePath::safe, row.safe);
  }
}

TEST(Path, NoneIsByteForByteAndNeverRefused) {
  for (const auto& row : kRows) {
    Arena arena;
    const auto got = normalize(row.raw, NormalizePath::none, arena);
    ASSERT_TRUE(got);
    EXPECT_EQ(got->data(), row.raw.data());
    EXPECT_EQ(got->size(), row.raw.size());
  }
}

TEST(Path, ALongPathGrowsThreefoldAtMost) {
  const std::string raw = "/" + std::string(16000, '\xff');
  Arena arena;
  const auto got = normalize(raw, NormalizePath::full, arena);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->size(), 1 + 3 * 16000u);
}

TEST(Path, ThousandsOfSegmentsComeAndGo) {
  std::string raw, back;
  for (int i = 0; i < 2000; ++i) {
    raw += "/abc";
    back += "/..";
  }
  Arena arena;
  EXPECT_EQ(normalize(raw + back, NormalizePath::full, arena), "/");
  EXPECT_EQ(normalize(raw + back + "/..", NormalizePath::full, arena), std::nullopt);
}

TEST(PathForms, AreComputedOnceEach) {
  Arena arena;
  const std::string raw = "/a/%2e%2E/%7e";
  const PathForms forms(raw, arena);
  EXPECT_EQ(forms.get(NormalizePath::full), "/~");
  EXPECT_EQ(forms.get(NormalizePath::safe), "/a/../~");
  EXPECT_EQ(forms.get(NormalizePath::none), raw);
  EXPECT_EQ(forms.get(NormalizePath::full)->data(), forms.get(NormalizePath::full)->data());
  EXPECT_EQ(forms.get(NormalizePath::safe)->data(), forms.get(NormalizePath::safe)->data());
}

}  // namespace
}  // namespace shellac::route
