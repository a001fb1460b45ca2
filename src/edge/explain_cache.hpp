// The part of an explanation that is about the cache.
#pragma once

#include <boost/json/object.hpp>
#include <string_view>

#include "explain_outcome.hpp"

namespace shellac::edge {

// Adds "cache": the policy, the key, whether the request is looked up, and what would become of usual answers.
// `edge_cookie`: the pool's sticky cookie; empty: none.
void explain_cache(const Options& config, const route::Route& route, const ExplainedRequest& request,
                   std::string_view edge_cookie, boost::json::object& out);

}  // namespace shellac::edge
