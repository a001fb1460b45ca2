// The metric families of the daemon.
#pragma once

#include "control.hpp"

namespace shellac::edge {

struct Control::Metrics {
  explicit Metrics(metrics::Registry& registry)
      : front(registry),
        proxy(registry),
        reloads(
            registry.counters("shellac_config_reloads_total", "Attempts to reload the configuration.", {"result"})) {}

  front::Metrics front;
  proxy::Metrics proxy;
  metrics::CounterFamily& reloads;
};

}  // namespace shellac::edge
