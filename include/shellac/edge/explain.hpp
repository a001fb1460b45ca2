// `shellac explain`: what would happen to a request and why. Nothing is sent.
#pragma once

#include <boost/json/object.hpp>
#include <iosfwd>
#include <string>
#include <vector>

#include "shellac/edge/options.hpp"

namespace shellac::edge {

struct ExplainOptions {
  std::string config_file;
  bool json = false;
  std::string method = "GET";
  std::vector<std::string> fields;  // "Name: value"; a Host replaces the URL's
  std::string client;               // an IP address; empty = none, as of a Unix socket
  std::string url;                  // http://HOST[:PORT][/PATH][?QUERY], or https
};

// Loads the configuration and prints the explanation as text or JSON. Returns the exit code: 0 explained (also that the
// request would be refused), 1 the configuration has problems, 2 wrong usage (URL, field, address).
int run_explain(const ExplainOptions& options, std::ostream& out, std::ostream& err);

// The explanation itself, in the order of the request's way: "request", "listeners", "path", "routes" (each with why),
// "outcome" (what the client gets, or the pool), and what belongs to the outcome.
// Throws std::invalid_argument when the URL, a field or the address is wrong.
boost::json::object explain(const Options& config, const ExplainOptions& options);

}  // namespace shellac::edge
