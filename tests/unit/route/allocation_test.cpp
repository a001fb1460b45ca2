// A match allocates nothing: this file counts what the whole program asks of operator new.
#include <cstdlib>
#include <new>

#include "route/fixture.hpp"

namespace {
thread_local std::size_t allocations = 0;
}

// Not inlined: g++ would see the free() of a new'd pointer and warn.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* const memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace shellac::route {
namespace {

TEST(Allocation, MatchTargetAndEditsNeedNone) {
  RouteOptions photos = route("photos", {.host = {"*.example.com", "example.com"},
                                         .path = {"/i/*", "*.jpg", "/*/raw/*.png"},
                                         .method = {"GET"},
                                         .header = {{"X-A", "b*"}},
                                         .client = {network("192.0.2.0/24")}});
  photos.rewrite_prefix = "/spots/";
  photos.request.remove = {"X-*", "cookie"};
  photos.request.set = {{"X-Edge", "shellac, with a value that no short string holds"}};
  const Table table({route("other", {.host = {"other.com"}}), photos, route("rest")});
  Asked asked(Request{.host = "A-Long-Name.Of.Example.com:8443",
                      .path = "/i/2024/./05//%7ephoto.jpg",
                      .fields = {{"X-A", "bcd"}, {"Cookie", "c=1"}}});
  http::Fields fields;
  fields.add("X-A", "bcd");

  const std::size_t before = allocations;
  const Match match = table.match(asked.query());
  const auto target = backend_target(match, asked.forms(), "?w=1", asked.arena());
  match.route->request.apply(fields);
  const std::size_t after = allocations;

  EXPECT_EQ(after, before);
  EXPECT_EQ(match.route->name, "photos");
  EXPECT_EQ(target, "/spots/2024/05/~photo.jpg?w=1");
  EXPECT_EQ(fields.size(), 1u);
}

}  // namespace
}  // namespace shellac::route
