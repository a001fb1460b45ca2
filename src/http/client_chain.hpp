// The hops that X-Forwarded-For and Forwarded tell of, read from the nearest to the farthest.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "shellac/core/address.hpp"
#include "shellac/http/fields.hpp"

namespace shellac::http {

// The nearest hops first, as they were written; more than these are not followed. Views point into the fields. Value.
struct ClientChain {
  static constexpr std::size_t kMax = 32;
  std::array<std::string_view, kMax> ring;
  std::size_t size = 0;   // at most kMax
  std::size_t added = 0;  // all that there were

  void add(std::string_view hop);
  // 0 is the nearest.
  std::string_view hop(std::size_t index) const { return ring[(added - 1 - index) % kMax]; }
};

// X-Forwarded-For when it is there, else Forwarded. A Forwarded element without `for` is a hop that cannot be read.
ClientChain read_client_chain(const Fields& fields);

// The address in one member of X-Forwarded-For, or in a Forwarded `for`: with or without port, quotes and brackets.
// Nothing for names, "unknown" and whatever else is no address.
std::optional<IpAddress> parse_hop(std::string_view text);

// "http" or "https" as the nearest hop told it in X-Forwarded-Proto, else in Forwarded; empty when it did not.
std::string_view forwarded_scheme(const Fields& fields);

}  // namespace shellac::http
