// What a service manager wants to hear: sd_notify(3) without libsystemd.
#pragma once

#include <optional>
#include <string_view>

#include "shellac/core/units.hpp"

namespace shellac::net {

// Sends `state` ("READY=1", "STOPPING=1", "WATCHDOG=1", lines separated by \n) to $NOTIFY_SOCKET, a path or "@name".
// False when there is no such variable or the message could not be sent; nobody needs to mind. Waits at most a second.
// Thread: any, as long as nobody changes the environment.
bool notify_service_manager(std::string_view state);

// How long the service manager waits for "WATCHDOG=1" before it kills us ($WATCHDOG_USEC, where $WATCHDOG_PID, if
// given, means this process); sd_watchdog_enabled(3) advises to send at half of it. Nothing when no watchdog is asked
// for.
std::optional<Duration> watchdog_interval();

}  // namespace shellac::net
