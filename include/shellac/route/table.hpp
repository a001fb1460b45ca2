// Compiled routes: which one a request takes, at a cost that does not grow with their number.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "shellac/core/address.hpp"
#include "shellac/core/arena.hpp"
#include "shellac/http/message.hpp"
#include "shellac/route/options.hpp"
#include "shellac/route/path.hpp"

namespace shellac::route {

// Field edits, compiled. Immutable.
class Edits {
 public:
  explicit Edits(const EditOptions& options);
  // remove first, then set, then add. New text is the table's own and lives as long as it.
  void apply(http::Fields& fields) const;
  bool empty() const { return set_.empty() && add_.empty() && remove_.empty(); }

 private:
  std::vector<std::pair<std::string, std::string>> set_, add_;
  std::vector<std::string> remove_;
};

// One route, ready. Immutable, owned by its Table.
struct Route {
  std::string name;
  std::uint32_t index = 0;  // position in the configuration
  NormalizePath normalize_path = NormalizePath::full;
  NetworkSet allow, deny;
  Edits request, response;
  std::optional<std::string> rewrite_prefix;
  Bytes max_body;
  Duration timeout{};
  std::variant<ToPool, Redirect, RespondText, RespondDir> action;
  std::map<int, std::string> error_pages;  // status → content, read when compiled
  std::map<int, std::string> error_types;  // status → media type, from the file's name

  explicit Route(const RouteOptions& options);
};

// What matching looks at. Views are the caller's.
struct Query {
  std::string_view method;
  std::string_view host;            // authority; its port, its case and a trailing dot do not matter
  const PathForms* path = nullptr;  // the path in its three forms, computed on demand
  const http::Fields* fields = nullptr;
  IpAddress client;
  bool has_client = false;  // a Unix peer has no address: matches no network
};

struct Match {
  const Route* route = nullptr;    // null: no route matches
  std::size_t literal_prefix = 0;  // octets of the path that the matching pattern's literal prefix covered
  // The form of the path that some route of this host wants was refused, and no route before that one matches: 400.
  bool path_refused = false;
};

// What became of one route, for `shellac explain`.
struct TraceStep {
  enum class Why : std::uint8_t { matched, host, path, path_refused, method, header, client };
  const Route* route = nullptr;
  // The first condition that failed, in this order. path_refused: all the rest fits, and the list ends with this 400.
  Why why = Why::matched;
};
std::string_view to_string(TraceStep::Why why);

// All routes of one configuration. Immutable, any thread.
// How: hosts in a hash table, wildcards by their suffix, one probe per label; per host and form of the path one radix
// tree over the literal prefixes of the path patterns, and where needed one over the suffixes behind their last `*`.
// What they find are a few lists in the order of the configuration, which are merged; method, header and client are
// tested only on these candidates. Linear remain only routes that share host, literal prefix and suffix with others
// ("*a*", "*b*"; or the same path with different headers), and for a refused path those of one host that differ in what
// they ask of method, header and client.
class Table {
 public:
  // Reads error pages. Throws std::runtime_error naming the file when one has vanished since the check.
  explicit Table(const std::vector<RouteOptions>& routes);
  ~Table();
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  // The first route in the order of the configuration whose every condition holds. A route that wants a form of the
  // path that was refused cannot tell whether it is meant; when everything else that it asks for holds, it ends the
  // search: a later route in a laxer mode must not hand on what an earlier one would have denied.
  Match match(const Query& query) const;
  // Why each route up to and with the one that match() finds did or did not. Slow, allocates: for people.
  std::vector<TraceStep> trace(const Query& query) const;
  const std::vector<std::unique_ptr<Route>>& routes() const { return routes_; }

 private:
  struct Index;
  std::vector<std::unique_ptr<Route>> routes_;
  std::unique_ptr<Index> index_;
};

// What a client's address may do: deny wins over allow; no address is refused when either is given.
bool is_allowed(const Route& route, bool has_address, const IpAddress& client);

// The target that goes to the backend: path in the route's own form, rewritten, with the query as sent.
// Nothing (400) when in full mode the rewritten path would hold a dot segment: "/i*" rewritten to "/spots/" and
// "/i../x". In the modes safe and none dot segments pass, so a rewrite does not confine the client to the new prefix.
// The result lives in `arena` or in the forms.
std::optional<std::string_view> backend_target(const Match& match, const PathForms& path, std::string_view query,
                                               Arena& arena);

// Of the request that is redirected.
struct TargetParts {
  std::string_view host;   // the authority; its port is left out, for it belongs to this scheme
  std::string_view path;   // as sent
  std::string_view query;  // with its '?', or empty
};

// Whether a listener's `redirect: https` lets the request through: it asks for a challenge, also once its path is
// normalised ("/.well-known/acme-challenge/../x" does not).
bool is_challenge(const PathForms& path);
// Where `redirect: https` sends everything else. Nothing (400) without a host: an HTTP/1.0 client need not name one.
std::optional<std::string_view> https_location(const TargetParts& from, std::uint16_t port, Arena& arena);

// Location of a redirect: $host, $path, $query (also ${host}, …) of `to` replaced; an unknown $name stays. What may not
// stand in that part of a URI is percent-encoded, in `to` itself too, so the result is always a field value.
std::string_view redirect_location(const Redirect& redirect, const TargetParts& from, Arena& arena);

}  // namespace shellac::route
