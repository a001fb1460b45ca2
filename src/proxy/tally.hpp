// The numbers of one worker's requests: finds the series once, counts without looking them up again.
#pragma once

#include <array>
#include <unordered_map>
#include <vector>

#include "shellac/proxy/proxy.hpp"

namespace shellac::proxy {

// Thread: its worker. Forgets its references when a configuration is adopted (routes and pools have new places then);
// the series stay in the registry.
class Tally {
 public:
  Tally(Metrics& metrics, unsigned shard) : metrics_(metrics), shard_(shard) {}
  void forget() {
    routes_.clear();
    backends_.clear();
    sticky_.clear();
  }

  // `policy`: of the route's cache; empty: none.
  struct Where {
    const route::Route* route;
    std::string_view policy;
  };
  void count(const RequestRecord& record, const Where& where, http::Method method);
  void count_backend(const upstream::Pool& pool, const upstream::Backend& backend, int status, Duration response);
  void count_backend_error(const upstream::Pool& pool, const upstream::Backend& backend, std::string_view reason);
  void count_retry(const upstream::Pool& pool, std::string_view reason, std::string_view result);
  // Nobody could take a request: a NoPick's word, queue_full or queue_timeout.
  void count_refusal(const upstream::Pool& pool, std::string_view reason);
  // An answer that was not stored.
  void count_not_stored(cache::NotStored why);
  void count_sticky(const upstream::Pool& pool, balance::StickyResult result);

 private:
  struct RouteCells {
    metrics::Histogram* duration = nullptr;
    metrics::Counter* request_bytes = nullptr;
    metrics::Counter* response_bytes = nullptr;
    metrics::Counter* lookups = nullptr;
    metrics::Counter* lookup_bytes = nullptr;
    // listener (by its name's place), method and status class → counter
    std::unordered_map<std::uint64_t, metrics::Counter*> requests;
  };
  struct BackendCells {
    metrics::Counter* by_class[6]{};
    metrics::Histogram* response = nullptr;
  };

  Metrics& metrics_;
  const unsigned shard_;
  static constexpr std::size_t kOutcomes = 6;
  std::unordered_map<const route::Route*, std::array<RouteCells, kOutcomes>> routes_;
  std::unordered_map<const upstream::Backend*, BackendCells> backends_;
  std::unordered_map<const upstream::Pool*, std::array<metrics::Counter*, 8>> sticky_;
};

}  // namespace shellac::proxy
