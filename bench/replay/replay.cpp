// Replays requests through the real store and reports hit ratios.
//
//   bench_replay                       the generator's traces: the table of all policies and sizes, some minutes
//   bench_replay --alpha A --seed N    one of them with other figures (--requests N, --fresh SHARE, --crawler SHARE,
//   too) bench_replay FILE                              lines `time key size`, as webcachesim's traces have them
//
// Object and octet hit ratio of S3-FIFO and LRU with 1, 3, 10 and 30 % of the footprint (all that is asked for, once).
#include <array>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "shellac/cache/cache.hpp"
#include "trace.hpp"

namespace shellac::bench {
namespace {

using cache::Cache;
using cache::Eviction;
using cache::Found;

struct AnyVariant final : cache::Selector {
  Use judge(const cache::Object&) override { return Use::fresh; }
  std::string_view variant(std::string_view) override { return {}; }
};

struct NoWaiter final : Waiter {
  void wake() noexcept override {}
};

struct Ratios {
  double objects = 0;  // hundredths
  double octets = 0;
};

class Replay {
 public:
  Replay(Bytes memory, Eviction eviction) : cache_({.memory = memory, .eviction = eviction}) {}

  void ask(const Request& request) {
    const std::string key = "https://www.example.com/i/" + std::to_string(request.key);
    const Time now{std::chrono::duration_cast<Duration>(std::chrono::duration<double>(request.time + 1))};
    ++asked_;
    octets_ += request.size;
    Found found = cache_.look_up(key, selector_, now);
    if (found.kind == Found::Kind::hit) {
      ++hits_;
      hit_octets_ += request.size;
    }
    if (found.leader) store(found.leader, request.size, now);
  }

  Ratios ratios() const {
    return {100 * static_cast<double>(hits_) / static_cast<double>(asked_),
            100 * static_cast<double>(hit_octets_) / static_cast<double>(octets_)};
  }

 private:
  void store(cache::Leader& leader, std::uint64_t size, Time now) {
    static const std::string kOctets(cache::Content::kAppendMax, 'x');
    const cache::NewObject object{
        .lines = "Content-Type: image/jpeg\r\nLast-Modified: Tue, 24 Nov 2026 10:00:00 GMT\r\nETag: \"0123456789\"\r\n",
        .terms = {.lifetime = std::chrono::hours(24 * 365)}};
    if (!cache_.publish(leader, object, {.now = now, .length = size}).object)
      return cache_.refuse(leader, Duration{0}, now);
    for (std::uint64_t left = size; left > 0;) {
      const std::uint64_t piece = std::min<std::uint64_t>(left, kOctets.size());
      if (cache_.append(leader, std::string_view(kOctets).substr(0, piece), writer_, now) !=
          cache::Content::Append::done)
        break;
      left -= piece;
    }
    cache_.complete(leader, now);
  }

  Cache cache_;
  AnyVariant selector_;
  NoWaiter writer_;
  std::uint64_t asked_ = 0, hits_ = 0, octets_ = 0, hit_octets_ = 0;
};

std::uint64_t footprint_of(const std::vector<Request>& requests) {
  std::unordered_map<std::uint64_t, std::uint64_t> sizes;
  for (const Request& request : requests) sizes[request.key] = request.size;
  std::uint64_t sum = 0;
  for (const auto& [key, size] : sizes) sum += size;
  return sum;
}

Ratios run(const std::vector<Request>& requests, Bytes memory, Eviction eviction) {
  Replay replay(memory, eviction);
  for (const Request& request : requests) replay.ask(request);
  return replay.ratios();
}

void report(const char* name, const std::vector<Request>& requests) {
  const std::uint64_t footprint = footprint_of(requests);
  for (const unsigned share : {1U, 3U, 10U, 30U}) {
    const Bytes memory{footprint / 100 * share};
    const Ratios lru = run(requests, memory, Eviction::lru);
    const Ratios fifo = run(requests, memory, Eviction::s3_fifo);
    std::printf("%-22s %5.0f MiB %3u %%   %6.2f %6.2f   %6.2f %6.2f   %+6.2f %+6.2f\n", name,
                static_cast<double>(memory.count) / (1 << 20), share, lru.objects, lru.octets, fifo.objects,
                fifo.octets, fifo.objects - lru.objects, fifo.octets - lru.octets);
    std::fflush(stdout);
  }
}

std::vector<Request> generate(const TraceOptions& options) {
  TraceGenerator generator(options);
  std::vector<Request> requests;
  requests.reserve(options.requests);
  while (requests.size() < options.requests) requests.push_back(generator.next());
  return requests;
}

std::optional<std::vector<Request>> read(const char* file) {
  std::ifstream in(file);
  if (!in) return std::nullopt;
  std::vector<Request> requests;
  Request request{};
  while (in >> request.time >> request.key >> request.size) requests.push_back(request);
  return requests;
}

bool try_set(TraceOptions& options, std::string_view name, double value) {
  if (name == "--alpha")
    options.alpha = value;
  else if (name == "--seed")
    options.seed = static_cast<std::uint64_t>(value);
  else if (name == "--requests")
    options.requests = static_cast<std::uint64_t>(value);
  else if (name == "--crawler")
    options.crawler_share = value;
  else if (name == "--fresh")
    options.fresh_share = value;
  else
    return false;
  return true;
}

void print_heading() {
  std::printf("%-22s %9s %5s   %6s %6s   %6s %6s   %6s %6s\n", "trace", "memory", "", "LRU o", "octets", "S3 o",
              "octets", "more o", "octets");
}

void report_all() {
  report("alpha 0.8", generate({.seed = 1, .alpha = 0.8}));
  report("alpha 0.9", generate({.seed = 2, .alpha = 0.9}));
  report("alpha 1.0", generate({.seed = 3, .alpha = 1.0}));
  report("no crawler, no uploads", generate({.seed = 4, .fresh_share = 0, .crawler_share = 0}));
  report("uploads above all", generate({.seed = 5, .fresh_share = 0.7, .crawler_share = 0.05}));
}

int run_all(int count, char** arguments) {
  std::optional<TraceOptions> one;
  for (int i = 1; i < count; ++i) {
    const std::string_view name = arguments[i];
    if (!name.starts_with("--")) {
      const auto requests = read(arguments[i]);
      if (!requests) return std::fprintf(stderr, "%s cannot be read\n", arguments[i]), 1;
      print_heading();
      return report("file", *requests), 0;
    }
    if (!one) one.emplace();
    if (i + 1 == count || !try_set(*one, name, std::strtod(arguments[i + 1], nullptr)))
      return std::fprintf(stderr, "%s: not an option, or its number is missing\n", arguments[i]), 2;
    ++i;
  }
  print_heading();
  if (one)
    report("one", generate(*one));
  else
    report_all();
  return 0;
}

}  // namespace
}  // namespace shellac::bench

int main(int count, char** arguments) { return shellac::bench::run_all(count, arguments); }
