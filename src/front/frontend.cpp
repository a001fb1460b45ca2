#include "shellac/front/frontend.hpp"

#include <algorithm>

#include "connection.hpp"

namespace shellac::front {

Metrics::Metrics(metrics::Registry& registry)
    : connections(registry.gauges("shellac_connections", "Open client connections.", {"listener"})),
      connections_total(registry.counters("shellac_connections_total", "Client connections by how they began.",
                                          {"listener", "result"})),
      handshakes_total(registry.counters("shellac_tls_handshakes_total", "TLS handshakes with clients.",
                                         {"version", "resumed", "result"})) {}

// One address that is accepted on, and the listener that its new connections get.
struct Frontend::Spot {
  std::shared_ptr<net::BoundAddress> bound;
  std::shared_ptr<const Listener> listener;
  std::unique_ptr<net::Acceptor> acceptor;
};

Frontend::Frontend(net::Loop& loop, unsigned worker_index, ExchangeHandler& handler, Shared shared)
    : loop_(loop), worker_index_(worker_index), shared_(shared), context_{loop, handler, shared.log}, group_(loop) {}

Frontend::~Frontend() = default;

void Frontend::adopt(std::vector<Place> places) {
  std::vector<std::unique_ptr<Spot>> next;
  for (Place& place : places) {
    const auto old = std::find_if(spots_.begin(), spots_.end(),
                                  [&](const auto& spot) { return spot && spot->bound == place.bound; });
    if (old != spots_.end()) {
      (*old)->listener = std::move(place.listener);
      next.push_back(std::move(*old));
      continue;
    }
    auto spot = std::make_unique<Spot>();
    spot->bound = place.bound;
    spot->listener = std::move(place.listener);
    spot->acceptor =
        std::make_unique<net::Acceptor>(loop_, place.bound, worker_index_, shared_.admission, shared_.log,
                                        [this, &spot = *spot](net::UniqueFd fd, Endpoint peer, Endpoint local) {
                                          on_accept(spot, std::move(fd), peer, local);
                                        });
    next.push_back(std::move(spot));
  }
  for (auto& spot : spots_)
    if (spot) spot->acceptor->drain_and_stop();
  spots_ = std::move(next);
}

void Frontend::on_accept(Spot& spot, net::UniqueFd fd, const Endpoint& peer, const Endpoint& local) {
  group_.spawn(Connection::serve(*this, {std::move(fd), peer, local, spot.listener}));
}

void Frontend::drain() {
  context_.draining = true;
  for (auto& spot : spots_) spot->acceptor->drain_and_stop();
  spots_.clear();
  for (net::Link* node = all_.next; node != &all_; node = node->next) static_cast<Connection*>(node)->nudge();
}

void Frontend::abort_all() noexcept {
  context_.aborting = true;
  for (net::Link* node = all_.next; node != &all_; node = node->next) static_cast<Connection*>(node)->abort();
}

}  // namespace shellac::front
