// Made-up requests of a photo site, for bench/replay.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace shellac::bench {

struct Request {
  double time;  // seconds since the beginning
  std::uint64_t key;
  std::uint64_t size;  // octets
};

// What the requests are drawn from. The defaults are those of bench_replay's table.
struct TraceOptions {
  std::uint64_t seed = 1;
  double alpha = 0.9;  // of Zipf's law over what was there before
  std::uint64_t requests = 600'000;
  std::uint64_t catalogue = 100'000;  // what was there before
  double rate = 35;                   // requests a second, over the day
  double uploads = 0.02;              // new things a second
  double fresh_share = 0.25;          // of the requests: for what is new, with a weight of 1 / (age + an hour)
  double crawler_share = 0.15;        // of the requests: one after the other through everything, each once
};

// Draws requests one by one; the same options give the same requests. A key's size is fixed: log-normal around a
// median that its kind has (thumbnails, pictures, large ones), scaled down so that a replay takes seconds.
class TraceGenerator {
 public:
  explicit TraceGenerator(const TraceOptions& options);
  Request next();

 private:
  std::uint64_t draw_popular();
  std::uint64_t draw_fresh();
  std::uint64_t size_of(std::uint64_t key) const;

  const TraceOptions options_;
  std::mt19937_64 random_;
  std::vector<double> cumulated_;       // Zipf's weights
  std::vector<std::uint64_t> by_rank_;  // which key has which rank
  double time_ = 0;
  std::uint64_t crawled_ = 0;
};

}  // namespace shellac::bench
