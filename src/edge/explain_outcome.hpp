// The parts of an explanation that come from the route that was found.
#pragma once

#include <boost/json/object.hpp>
#include <string_view>

#include "shellac/core/arena.hpp"
#include "shellac/edge/options.hpp"
#include "shellac/http/message.hpp"
#include "shellac/route/table.hpp"

namespace shellac::edge {

struct ExplainedRequest {
  const http::RequestHead& head;
  const route::PathForms& forms;
  const IpAddress* client;  // null: none
  Arena& arena;
};

// Adds "outcome" and what belongs to it. `match.route` is not null.
void explain_outcome(const Options& config, const route::Match& match, const ExplainedRequest& request,
                     boost::json::object& out);
// "outcome": "refused".
void explain_refusal(int status, std::string_view reason, boost::json::object& out);

}  // namespace shellac::edge
