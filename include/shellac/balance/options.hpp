// What a pool says about the choice of a server.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "shellac/core/units.hpp"

namespace shellac::balance {

enum class Algorithm : std::uint8_t { round_robin, least_requests, random_two, hash };
std::string_view to_string(Algorithm algorithm);

// What `balance: { algorithm: hash }` looks at. `name` is the header's or the cookie's.
struct HashKey {
  enum class Source : std::uint8_t { path, host, client, header, cookie };
  Source source = Source::path;
  std::string name;
};

struct BalanceOptions {
  Algorithm algorithm = Algorithm::least_requests;
  HashKey key;
  double load_factor = 1.25;  // at least 1: no server gets more than this many times its share
};

// `zones`: requests stay in the edge's own zone as far as its healthy share allows.
struct ZoneOptions {
  bool prefer_local = false;
  double overprovision = 1.4;  // how much more than its share a zone can carry
};

// `health.outlier`: what real traffic says.
struct OutlierOptions {
  std::uint32_t errors = 5;  // in a row
  Duration ejection = std::chrono::seconds(30);
  std::uint32_t max_ejected = 50;  // percent of the pool, rounded down
};

// `health.probe`, as far as the verdict goes; what is asked is `upstream`'s.
struct ProbePolicy {
  Duration interval = std::chrono::seconds(2);
  Duration fast_interval = std::chrono::milliseconds(500);  // while changing
  std::uint32_t rise = 2;
  std::uint32_t fall = 3;
};

struct RetryOptions {
  std::uint32_t attempts = 2;  // after the first try
  bool on_connect = true, on_reset = true, on_timeout = true;
  bool on_502 = false, on_503 = false, on_504 = false;
  std::uint32_t budget = 20;  // percent of the pool's requests
};

struct QueueOptions {
  std::uint32_t limit = 1000;
  Duration timeout = std::chrono::seconds(5);
};

}  // namespace shellac::balance
