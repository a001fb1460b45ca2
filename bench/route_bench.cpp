// What one match costs with ten and with ten thousand routes, NAME/routes/asked: requests go round `asked` of the
// routes in a fixed random order. 10000/10 shows what the number of routes costs, 10000/10000 what the caches' misses
// do.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "shellac/route/table.hpp"

namespace {

using namespace shellac;
using namespace shellac::route;

struct Target {
  std::string host, path;
};

// Routes of the kind that `add` makes, and a request for each, shuffled.
struct Scene {
  std::vector<RouteOptions> routes;
  std::vector<Target> targets;

  template <class Add>
  Scene(std::int64_t count, std::int64_t asked, Add add) {
    for (std::int64_t i = 0; i < count; ++i) {
      RouteOptions& options = routes.emplace_back();
      options.name = "r" + std::to_string(i);
      options.action = ToPool{"web"};
      targets.push_back(add(options.match, std::to_string(i)));
    }
    std::shuffle(targets.begin(), targets.end(), std::mt19937(1));
    targets.resize(static_cast<std::size_t>(asked));
    // In the order of use, so that the misses are the table's and not the requests' own.
    std::vector<Target> fresh(targets);
    targets = std::move(fresh);
  }
};

template <class Add>
void run(benchmark::State& state, Add add) {
  const Scene scene(state.range(0), state.range(1), add);
  const Table table(scene.routes);
  const http::Fields fields;
  Arena arena;
  std::size_t next = 0;
  for (auto _ : state) {
    const Target& target = scene.targets[next];
    next = next + 1 < scene.targets.size() ? next + 1 : 0;
    const PathForms path(target.path, arena);
    const Match match = table.match({"GET", target.host, &path, &fields, {}, false});
    if (!match.route) state.SkipWithError("no route");
    benchmark::DoNotOptimize(match.route);
  }
}

void sizes(benchmark::internal::Benchmark* bench) { bench->Args({10, 10})->Args({10000, 10})->Args({10000, 10000}); }

void distinct_hosts(benchmark::State& state) {
  run(state, [](MatchOptions& match, const std::string& i) {
    match.host = {"www.site" + i + ".example"};
    match.path = {"/i/*"};
    return Target{"www.site" + i + ".example", "/i/2024/05/photo.jpg"};
  });
}
BENCHMARK(distinct_hosts)->Apply(sizes);

void distinct_wildcard_hosts(benchmark::State& state) {
  run(state, [](MatchOptions& match, const std::string& i) {
    match.host = {"*.site" + i + ".example"};
    return Target{"www.site" + i + ".example", "/i/2024/05/photo.jpg"};
  });
}
BENCHMARK(distinct_wildcard_hosts)->Apply(sizes);

void distinct_prefixes(benchmark::State& state) {
  run(state, [](MatchOptions& match, const std::string& i) {
    match.path = {"/album" + i + "/*"};
    return Target{"www.example.com", "/album" + i + "/2024/05/photo.jpg"};
  });
}
BENCHMARK(distinct_prefixes)->Apply(sizes);

void distinct_exact_paths(benchmark::State& state) {
  run(state, [](MatchOptions& match, const std::string& i) {
    match.path = {"/page/" + i + "/index.html"};
    return Target{"www.example.com", "/page/" + i + "/index.html"};
  });
}
BENCHMARK(distinct_exact_paths)->Apply(sizes);

void distinct_suffixes(benchmark::State& state) {
  run(state, [](MatchOptions& match, const std::string& i) {
    match.path = {"*.x" + i};
    return Target{"www.example.com", "/i/2024/05/photo.x" + i};
  });
}
BENCHMARK(distinct_suffixes)->Apply(sizes);

void normalize_clean_path(benchmark::State& state) {
  const std::string path = "/i/2024/05/17/a-blue-car.jpg";
  Arena arena;
  for (auto _ : state) benchmark::DoNotOptimize(normalize(path, NormalizePath::full, arena));
}
BENCHMARK(normalize_clean_path);

void normalize_dirty_path(benchmark::State& state) {
  const std::string path = "/i//2024/./05/%31%37/x/../a-blue-car%2ejpg";
  Arena arena;
  for (auto _ : state) {
    benchmark::DoNotOptimize(normalize(path, NormalizePath::full, arena));
    arena.clear();
  }
}
BENCHMARK(normalize_dirty_path);

}  // namespace
