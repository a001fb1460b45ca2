// From root to the user of the configuration.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>

namespace shellac::edge {

// Started as root: becomes `user` ("root" stays) and keeps CAP_NET_BIND_SERVICE alone. Otherwise does nothing. Before
// any thread is started. `hand_over` is called while it is still root, for the files that are to be the user's. Error
// text when it cannot be done; the process is then not to go on.
std::optional<std::string> drop_privileges(const std::string& user, const std::function<void(uid_t, gid_t)>& hand_over);

// Lifts the soft limit of open files to the hard one; returns what it is now.
unsigned long raise_file_limit();

}  // namespace shellac::edge
