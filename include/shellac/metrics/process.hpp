// What Prometheus expects every process to tell about itself.
#pragma once

#include <string_view>

#include "shellac/metrics/registry.hpp"

namespace shellac::metrics {

// Adds to each scrape the `process_*` metrics, read from /proc/self on the scrape's thread, and
// `shellac_build_info{version}` = 1. A value that the system does not tell is left out.
void collect_process(Registry& registry, std::string_view version);

}  // namespace shellac::metrics
