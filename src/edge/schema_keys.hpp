// Every key that the edge's configuration knows.
#pragma once

#include "shellac/config/key_table.hpp"

namespace shellac::edge {

// Thread: any, after its first call.
const config::KeyTable& key_table();

}  // namespace shellac::edge
