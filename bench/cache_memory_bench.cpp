// What the memory of the cache costs: blocks, contents, and how near the cap a long churn stays.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include <unistd.h>

#include "shellac/cache/reader.hpp"

namespace {

using namespace shellac;
using namespace shellac::cache;

struct Nobody final : Waiter {
  void wake() noexcept override {}
};

std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t total = 0, resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

// One block in, another out, among a thousand of the same size.
void allocate_release(benchmark::State& state) {
  Pages pages(128_MiB);
  const auto size = static_cast<std::size_t>(state.range(0));
  std::vector<void*> blocks(1000);
  for (void*& block : blocks) block = pages.try_allocate(size);
  std::minstd_rand random(1);
  for (auto _ : state) {
    void*& block = blocks[random() % blocks.size()];
    pages.release(block, size);
    benchmark::DoNotOptimize(block = pages.try_allocate(size));
  }
  for (void* const block : blocks) pages.release(block, size);
}
BENCHMARK(allocate_release)->Arg(80)->Arg(1100)->Arg(4096)->Arg(13 * 1024)->Arg(64 * 1024);

ContentRef store(Pages& pages, std::string_view body, bool knows_length) {
  Nobody nobody;
  ContentRef content = Content::make(pages, Content::Mode::stored,
                                     knows_length ? std::optional<std::uint64_t>(body.size()) : std::nullopt);
  if (!content) return content;
  while (!body.empty()) {
    const std::string_view piece = body.substr(0, 64 * 1024);
    if (content->try_append(piece, nobody) != Content::Append::done) {
      content->fail({});
      return {};
    }
    body.remove_prefix(piece.size());
  }
  content->finish();
  return content;
}

// `over`: octets that a stored body takes beyond its own.
void store_body(benchmark::State& state) {
  Pages pages(64_MiB);
  const std::string body(static_cast<std::size_t>(state.range(0)), 'x');
  const bool knows_length = state.range(1) != 0;
  for (auto _ : state) benchmark::DoNotOptimize(store(pages, body, knows_length));
  state.counters["over"] =
      static_cast<double>(store(pages, body, knows_length)->footprint().count) - static_cast<double>(body.size());
}
BENCHMARK(store_body)->ArgsProduct({{1024, 32 * 1024, 333 * 1024, 1024 * 1024}, {1, 0}});

void read_body(benchmark::State& state) {
  Pages pages(64_MiB);
  const ContentRef content = store(pages, std::string(static_cast<std::size_t>(state.range(0)), 'x'), true);
  Nobody nobody;
  for (auto _ : state) {
    Reader reader(content, {});
    while (reader.try_next(256 * 1024, nobody).state == http::Pull::State::more) {
    }
  }
}
BENCHMARK(read_body)->Arg(1024)->Arg(32 * 1024)->Arg(1024 * 1024);

// Bodies of log-normal size, any one of which goes for a new one, at a full cap. `used`, `payload`: shares of the cap;
// `rss`: what the process has grown by, in shares of the cap; `pieces`: extents per 64 KiB of bodies over 64 KiB.
void churn(benchmark::State& state) {
  const Bytes cap{static_cast<std::uint64_t>(state.range(0)) << 20};
  const std::string body(8 << 20, 'x');
  const std::uint64_t before = resident_bytes();
  Pages pages(cap);
  std::mt19937_64 random(1);
  std::lognormal_distribution<double> sizes(std::log(24.0 * 1024), 1.6);
  std::vector<ContentRef> all;
  std::uint64_t most = 0;
  for (auto _ : state) {
    const auto size = std::min({body.size() / 8, cap.count / 8, static_cast<std::size_t>(sizes(random)) + 1});
    ContentRef content;
    while (!(content = store(pages, std::string_view(body).substr(0, size), random() % 4 != 0))) {
      std::swap(all[random() % all.size()], all.back());
      all.pop_back();
    }
    all.push_back(std::move(content));
    if (all.size() % 1024 == 0) most = std::max(most, resident_bytes() - before);
  }
  std::uint64_t payload = 0, views = 0, large = 0;
  Nobody nobody;
  for (const ContentRef& one : all) {
    payload += one->size();
    if (one->size() < 64 * 1024) continue;
    large += one->size();
    Reader reader(one, {});
    for (http::Pull pull;
         pull = reader.try_next(1 << 20, nobody), views += pull.data.size(), pull.state == http::Pull::State::more;) {
    }
  }
  const auto share = [&](std::uint64_t count) { return static_cast<double>(count) / static_cast<double>(cap.count); };
  state.counters["used"] = share(pages.used().count);
  state.counters["payload"] = share(payload);
  state.counters["rss"] = share(std::max(most, resident_bytes() - before));
  state.counters["pieces"] = static_cast<double>(views) * 65536 / static_cast<double>(large);
}
BENCHMARK(churn)->Arg(1)->Arg(8)->Arg(256)->Iterations(200'000)->Unit(benchmark::kMicrosecond);

}  // namespace
