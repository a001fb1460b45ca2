#include "shellac/proxy/proxy.hpp"

#include "fill.hpp"
#include "flow.hpp"
#include "shellac/core/crypto.hpp"
#include "tally.hpp"

namespace shellac::proxy {
namespace {

std::uint64_t random_number() {
  std::uint8_t octets[8];
  crypto::fill_random(octets);
  std::uint64_t number = 0;
  for (const std::uint8_t octet : octets) number = number << 8 | octet;
  return number;
}

}  // namespace

Proxy::Proxy(Setting setting)
    : setting_(setting),
      connector_(setting.loop),
      tally_(std::make_unique<Tally>(setting.metrics, setting.loop.shard())),
      fills_(setting.loop),
      id_prefix_(random_number()) {}

Proxy::~Proxy() = default;

void Proxy::adopt(std::shared_ptr<const Config> config) {
  tally_->forget();
  seals_.clear();
  pickers_.clear();
  connector_.retain(config->pools);
  config_ = std::move(config);
}

void Proxy::abort_fills() {
  for (Fill* const fill : open_fills_) fill->abort();
}

// A flow that began before a reload brings its own pool: its picker lives until the next reload.
balance::Picker& Proxy::picker_of(const upstream::Pool& pool) {
  const auto found = pickers_.find(pool.group.get());
  if (found != pickers_.end()) return found->second;
  return pickers_.try_emplace(pool.group.get(), pool.group, random_number()).first->second;
}

net::Task<void> Proxy::handle(front::Exchange& exchange) {
  struct Count {
    std::atomic<std::uint64_t>& in_flight;
    explicit Count(std::atomic<std::uint64_t>& counter) : in_flight(counter) { add(1); }
    ~Count() { add(static_cast<std::uint64_t>(-1)); }
    void add(std::uint64_t n) {
      in_flight.store(in_flight.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
  } count(in_flight_);
  Flow flow(*this, exchange);
  co_await flow.run();
}

}  // namespace shellac::proxy
