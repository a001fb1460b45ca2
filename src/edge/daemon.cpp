#include "shellac/edge/daemon.hpp"

#include <exception>

#include "control.hpp"
#include "shellac/edge/config_file.hpp"

namespace shellac::edge {

int run_daemon(const RunOptions& options) {
  Log log;
  try {
    Control control(options, log);  // first: from here on signals are taken
    LoadedConfig loaded = load_config(options.config_file);
    if (!loaded.options) {
      for (const auto& problem : loaded.problems) log.error("{}", config::to_string(problem));
      return 1;
    }
    if (const auto problem = control.start(std::move(*loaded.options))) {
      log.error("not started: {}", *problem);
      return 1;
    }
    return control.run();
  } catch (const std::exception& error) {
    log.error("not started: {}", error.what());
    return 1;
  }
}

}  // namespace shellac::edge
