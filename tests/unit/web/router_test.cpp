#include "shellac/web/router.hpp"

#include <gtest/gtest.h>

namespace shellac::web {
namespace {

Handler answers(std::string text) {
  return at_once([text](const Request&) { return make_text(text); });
}

class RouterTest : public testing::Test {
 protected:
  RouterTest() {
    router.add("GET", "/", answers("root"))
        .add("GET", "/a", answers("a"))
        .add("POST", "/a", answers("posted"), Bytes{10})
        .add("GET", "/p/{one}", answers("one"))
        .add("PUT", "/p/{one}/q/{two}", answers("two"));
  }
  std::vector<std::string> params(std::string_view method, std::string_view path) {
    const auto found = router.find(method, path);
    EXPECT_NE(found.handler, nullptr) << path;
    return found.params;
  }
  bool is_there(std::string_view method, std::string_view path) { return router.find(method, path).handler != nullptr; }
  Router router;
};

using Params = std::vector<std::string>;

TEST_F(RouterTest, FindsByMethodAndPath) {
  EXPECT_TRUE(is_there("GET", "/"));
  EXPECT_TRUE(is_there("GET", "/a"));
  EXPECT_TRUE(is_there("HEAD", "/a"));
  EXPECT_EQ(router.find("GET", "/a").body_max, Bytes{0});
  EXPECT_EQ(router.find("POST", "/a").body_max, Bytes{10});
}

TEST_F(RouterTest, TakesPathsLiterally) {
  for (const auto* const path : {"/b", "/a/", "//a", "/A", "/a/b", "/p", "/p/", "/p/x/q", "/p/x/q/"})
    EXPECT_FALSE(is_there("GET", path)) << path;
  EXPECT_EQ(router.find("GET", "/b").allow, "");
}

TEST_F(RouterTest, TellsWhatIsAllowed) {
  EXPECT_EQ(router.find("DELETE", "/a").allow, "GET, HEAD, POST");
  EXPECT_EQ(router.find("GET", "/p/x/q/y").allow, "PUT");
  EXPECT_EQ(router.find("HEAD", "/p/x/q/y").handler, nullptr);
}

TEST_F(RouterTest, DecodesParameters) {
  EXPECT_EQ(params("GET", "/p/web"), Params{"web"});
  EXPECT_EQ(params("GET", "/p/a%2Fb%20c"), Params{"a/b c"});
  EXPECT_EQ(params("PUT", "/p/x/q/y"), (Params{"x", "y"}));
  EXPECT_EQ(params("GET", "/%61"), Params{});
}

TEST_F(RouterTest, RefusesBrokenEscapes) {
  for (const auto* const path : {"/p/%", "/p/%4", "/p/%zz", "/p/%00", "/p/%+1"})
    EXPECT_FALSE(is_there("GET", path)) << path;
}

}  // namespace
}  // namespace shellac::web
