// What `balance: { algorithm: hash }` looks at.
#pragma once

#include <cstdint>

#include "shellac/balance/options.hpp"
#include "shellac/core/address.hpp"
#include "shellac/http/message.hpp"

namespace shellac::proxy {

// The hash of the request's key for balance::Ask: of the path without query, the Host, the client's address, or a
// field's or cookie's value (all requests without it share one). `head` is as the client sent it. Pure.
std::uint64_t hash_of_key(const balance::HashKey& key, const http::RequestHead& head, const IpAddress& client);

}  // namespace shellac::proxy
